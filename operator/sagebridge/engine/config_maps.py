"""What jobs take from ConfigMaps: code and environment values."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.core.job import Job
from sagebridge.core.references import missing
from sagebridge.engine.failures import WaitingError
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import NotFoundError, RefusedError
from sagebridge.kube.paths import CONFIG_MAPS


async def read_files(
    client: KubeClient, *, namespace: str, name: str, field: str = "spec.source.configMap"
) -> dict[str, bytes]:
    """The files of a ConfigMap, name to content.

    Raises:
        WaitingError: there is no such ConfigMap.
        NotAllowedError: the operator may not read it.
    """
    body = await _read(client, namespace=namespace, name=name, field=field)
    files = {key: str(text).encode() for key, text in (body.get("data") or {}).items()}
    for key, text in (body.get("binaryData") or {}).items():
        try:
            files[key] = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise SpecError(field, f"{name}: {key} is no base64 data.") from error
    return files


async def read_values(
    client: KubeClient, job: Job, section: Mapping[str, Any], *, path: str = "spec"
) -> dict[str, str]:
    """The `environmentFrom` of a section of the spec, resolved: later ConfigMaps win over earlier ones.

    Raises:
        WaitingError: a ConfigMap is missing and not optional.
        NotAllowedError: the operator may not read one.
    """
    values: dict[str, str] = {}
    for index, source in enumerate(section.get("environmentFrom") or ()):
        if "configMapRef" not in source:
            continue  # a Secret is for the pod alone to read
        values |= await _read_source(client, job, source, field=f"{path}.environmentFrom[{index}]")
    return values


async def _read_source(client: KubeClient, job: Job, source: Mapping[str, Any], *, field: str) -> dict[str, str]:
    reference = source["configMapRef"]
    try:
        body = await _read(client, namespace=job.namespace, name=reference["name"], field=field)
    except WaitingError:
        if reference.get("optional"):
            return {}
        raise
    prefix = source.get("prefix", "")
    return {prefix + key: str(value) for key, value in (body.get("data") or {}).items()}


async def _read(client: KubeClient, *, namespace: str, name: str, field: str) -> dict[str, Any]:
    try:
        return await client.get(CONFIG_MAPS.item(namespace=namespace, name=name))
    except NotFoundError as error:
        raise WaitingError(f"{field}: {missing(f'ConfigMap {name}')}") from error
    except RefusedError as error:
        message = f"ConfigMap {name} can't be read: {error}. Ask a cluster administrator to let the operator read it."
        raise NotAllowedError(field, message) from error
