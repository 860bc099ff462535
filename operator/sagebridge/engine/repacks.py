"""What has to be packed for a model with inference code, of a ConfigMap or an archive on S3. Nothing here calls AWS."""

from __future__ import annotations

from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner
from sagebridge.core.serving import Repack, repack_of
from sagebridge.core.source import pack_files
from sagebridge.core.tenancy import Tenant
from sagebridge.core.training.section import Section
from sagebridge.engine.config_maps import read_files
from sagebridge.kube.client import KubeClient


async def read_repack(client: KubeClient, source: Section, *, owner: Owner, model_uri: str | None) -> Repack:
    """What `source` asks to have packed.

    Args:
        client: reads the ConfigMap.
        source: the manifest's.
        owner: whose model it is.
        model_uri: the archive without that code; None for code alone.

    Raises:
        SpecError: the manifest has to be corrected.
        sagebridge.core.errors.NotAllowedError: the operator may not read the ConfigMap.
        sagebridge.engine.failures.WaitingError: there is no such ConfigMap.
    """
    config_map = str((source.values.get("configMap") or {}).get("name") or "")
    files: dict[str, bytes] = {}
    digest = ""
    if config_map:
        field = f"{source.path}.configMap"
        files = await read_files(client, namespace=owner.namespace, name=config_map, field=field)
        digest = pack_files(files, entry_point=source.text("entryPoint"), path=source.path).digest
    return repack_of(source, owner=owner, model_uri=model_uri, files=files, code_digest=digest)


def repacked_uri(repack: Repack, tenant: Tenant) -> str:
    """Where the archive goes.

    Raises:
        SpecError: the tenant has no bucket for it.
    """
    if not tenant.default_bucket:
        raise SpecError(
            repack.field,
            "A model with inference code is packed into the default bucket, and there is none: ask for one in the "
            "tenant policy (buckets.default), or pack the code into the model's archive under code/.",
        )
    return f"{tenant.default_bucket.rstrip('/')}/{repack.key}"
