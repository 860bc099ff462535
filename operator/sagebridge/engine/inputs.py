"""All that an attempt needs before it can be created: permissions, names, code, references. Nothing here calls AWS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sagebridge.core import tenancy
from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.refusals import switched_off
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.core.job import Attempt, Job, Place
from sagebridge.core.names import Owner, job_name
from sagebridge.core.regions import account_of
from sagebridge.core.resolution import Part, ResolveContext, value_at, with_value_at
from sagebridge.core.source import PackedSource, pack_files, source_key
from sagebridge.core.tenancy import Tenant
from sagebridge.engine.config_maps import read_files, read_values
from sagebridge.engine.models import ModelInput, ModelInputs, ModelPlace, ready_model
from sagebridge.engine.parents import NAME_IN_SAGEMAKER, parents_of
from sagebridge.engine.served_models import ServedInput, ServedModels
from sagebridge.engine.store import Store
from sagebridge.engine.tenants import Tenants
from sagebridge.kinds.kind import JobKind, Resolve
from sagebridge.kube.client import KubeClient
from sagebridge.targets.protocol import Handle


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """An attempt, ready to be recorded and submitted.

    Attributes:
        handle: how the target finds it.
        spec: the complete request in lowerCamelCase.
        status: what to show in status of what was resolved.
        sources: packed code to upload before creating, by its URI; what is in S3 already is left out.
        model: the model that is made before the job, None for a job that needs none.
    """

    handle: Handle
    spec: Mapping[str, Any]
    status: Mapping[str, Any]
    sources: Mapping[str, PackedSource]
    model: ModelInput | None = None


class InputResolver:
    """Resolves a job's inputs.

    Attributes:
        log_service: what a job's status says of where its log is served; None where it is not.
    """

    def __init__(
        self,
        *,
        client: KubeClient,
        store: Store,
        tenants: Tenants,
        cluster: str,
        now: Callable[[], datetime],
        runs_on_cluster: bool = True,
        log_service: Mapping[str, str] | None = None,
    ) -> None:
        self.log_service = log_service
        self._client = client
        self._store = store
        self._models = ModelInputs(client=client, store=store)
        self._served = ServedModels(client=client, store=store)
        self._tenants = tenants
        self._cluster = cluster
        self._now = now
        self._runs_on_cluster = runs_on_cluster

    def handle(self, job: Job, kind: JobKind, attempt: Attempt) -> Handle:
        """How the target finds a recorded attempt.

        The name is computed, not read from status: whoever may write a status must not choose what is stopped.
        """
        tenant = self._tenants.of(job.namespace)
        region = attempt.region or job.spec.get("region") or tenant.default_region
        tenancy.check_region(tenant, region, field="status.attempts")
        return Handle(
            owner=self._owner(job),
            tenant=tenant,
            region=region,
            place=job.place,
            name=self._name(job, kind, attempt.number),
            # Earlier than its object it can't be: a sweep for all would go through the account's whole history.
            since=max(parse_time(attempt.recorded_at), parse_time(job.metadata["creationTimestamp"])),
            attempt=attempt.number,
            account=account_of(attempt.arn),
        )

    async def resolve(self, job: Job, kind: JobKind, *, number: int) -> Inputs:
        """Everything that attempt `number` needs.

        Raises:
            SpecError: the manifest has to be corrected.
            sagebridge.core.errors.NotAllowedError: the tenant policy forbids it.
            WaitingError: something it refers to is not there, or not ready yet.
            sagebridge.kube.errors.KubeError: the API server can't be read.
        """
        self._check_switched_on(job)
        tenant = self._tenants.of(job.namespace)
        region, role_arn, output_path = self._place(job, kind, tenant)
        place = ModelPlace(owner=self._owner(job), tenant=tenant, region=region, role_arn=role_arn)
        on_cluster = job.place is Place.CLUSTER
        served = await self._served.resolve(job, kind, place) if on_cluster else None
        made = None if on_cluster else await self._models.resolve(job, kind, place)
        parts, sources = await self._parts(job, kind, tenant)
        whole = next(iter(parts.values()), Part())
        model = self._model(job) if kind.model_of is None else None
        parents = parents_of(self._store, job)
        handle = Handle(
            owner=self._owner(job),
            tenant=tenant,
            region=region,
            place=job.place,
            name=self._name(job, kind, number),
            since=self._now(),
            attempt=number,
        )
        context = ResolveContext(
            job_name=handle.name,
            region=region,
            role_arn=role_arn,
            output_path=output_path,
            source_uri=whole.source_uri,
            model_artifact=model["uri"] if model else None,
            model_name=made.name if made else None,
            environment=whole.environment,
            tags=handle.owner.tags(),
            parts=parts,
            parents=tuple(parent[NAME_IN_SAGEMAKER] for parent in parents),
            waited_seconds=self._waited_seconds(job),
            served=served.model if served else None,
        )
        complete = _with_pinned_image(_resolve(job, kind)(job.spec, context), job, kind)
        tenancy.check_roles(tenant, complete)
        tenancy.check_s3_uris(tenant, complete)
        status = {
            "region": region,
            "roleArn": role_arn or None,
            "image": _image(job, made, served) or value_at(complete, kind.image),
            "outputPath": output_path or None,
            "sourceUri": whole.source_uri,
            "modelRef": made.reference if made else served.reference if served else model,
            **_of_parts(kind, complete, parts),
            **({"parents": parents} if parents else {}),
        }
        return Inputs(handle=handle, spec=complete, status=status, sources=sources, model=made)

    def _check_switched_on(self, job: Job) -> None:
        if job.place is Place.CLUSTER and not self._runs_on_cluster:
            raise NotAllowedError("spec.target", switched_off("Jobs"))

    def _waited_seconds(self, job: Job) -> float:
        started = job.status.get("startTime") if job.attempts else None
        return (self._now() - parse_time(started)).total_seconds() if started else 0.0

    def _owner(self, job: Job) -> Owner:
        return Owner(cluster=self._cluster, namespace=job.namespace, name=job.name, uid=job.uid)

    def _name(self, job: Job, kind: JobKind, number: int) -> str:
        given = job.spec.get(kind.name_field)
        return job_name(owner=self._owner(job), attempt=number, given=given, limit=kind.name_limit)

    def _place(self, job: Job, kind: JobKind, tenant: Tenant) -> tuple[str, str, str]:
        """Region, role and default output path; what an earlier attempt used holds for later ones."""
        chosen = job.status if job.attempts else {}
        region = chosen.get("region") or job.spec.get("region") or tenant.default_region
        tenancy.check_region(tenant, region, field="spec.region")
        if job.place is Place.CLUSTER:
            # Its pods act as their service account.
            return region, "", chosen.get("outputPath") or _default_output(job, kind, tenant)
        role_arn = chosen.get("roleArn") or job.spec.get("roleArn") or tenant.default_role
        if not role_arn:
            role_arn = next((part["roleArn"] for part in kind.sections(job.spec).values() if part.get("roleArn")), None)
        if not role_arn:
            raise SpecError("spec.roleArn", "No role is given, and there is no default one: set spec.roleArn.")
        tenancy.check_role(tenant, role_arn, field="spec.roleArn")
        return region, role_arn, chosen.get("outputPath") or _default_output(job, kind, tenant)

    async def _parts(self, job: Job, kind: JobKind, tenant: Tenant) -> tuple[dict[str, Part], dict[str, PackedSource]]:
        """What each part of the spec takes from ConfigMaps, by its path; and the code among it, by its URI."""
        parts: dict[str, Part] = {}
        images = (job.status.get("images") or {}) if job.attempts else {}
        sources: dict[str, PackedSource] = {}
        for path, section in kind.sections(job.spec).items():
            # A kind whose jobs serve a model has its code, and what it refers to, in there.
            packed, uri = await self._source(job, tenant, section, path=path) if kind.model_of is None else (None, None)
            values = await read_values(self._client, job, section, path=f"spec.{path}".rstrip("."))
            parts[path] = Part(source_uri=uri, environment=values, image=images.get(path))
            if packed is not None and uri is not None:
                sources[uri] = packed
        return parts, sources

    async def _source(
        self, job: Job, tenant: Tenant, section: Mapping[str, Any], *, path: str
    ) -> tuple[PackedSource | None, str | None]:
        """Code from a ConfigMap, packed, and its URI. Once a job was created from it, the uploaded copy holds."""
        reference = (section.get("source") or {}).get("configMap")
        if not reference:
            return None, None
        uploaded = (job.status.get("sourceUris") or {}).get(path) or job.status.get("sourceUri")
        if any(attempt.arn for attempt in job.attempts) and uploaded:
            return None, str(uploaded)
        field = _field(path, "source.configMap")
        if not tenant.default_bucket:
            raise SpecError(
                field,
                "Code from a ConfigMap is staged in the default bucket, and there is none: ask for one in the tenant "
                f"policy (buckets.default), or use {_field(path, 'source.s3Uri')}.",
            )
        files = await read_files(self._client, namespace=job.namespace, name=reference["name"], field=field)
        packed = pack_files(files, entry_point=section["source"].get("entryPoint"), path=_field(path, "source"))
        key = source_key(namespace=job.namespace, name=job.name, digest=packed.digest)
        return packed, f"{tenant.default_bucket.rstrip('/')}/{key}"

    def _model(self, job: Job) -> dict[str, str] | None:
        reference = job.spec.get("modelRef")
        if not reference:
            return None
        pinned = job.status.get("modelRef") if job.attempts else None
        if pinned:
            return dict(pinned)
        found = ready_model(self._store, job)
        uri = str(found.status["modelArtifacts"]["s3ModelArtifacts"])
        return {"kind": reference["kind"], "name": reference["name"], "uid": found.uid, "uri": uri}


def _image(job: Job, made: ModelInput | None, served: ServedInput | None) -> str | None:
    """What serves, for a job that serves a model."""
    if served is not None:
        return served.model.image
    return made.image or job.status.get("image") if made else None


def _resolve(job: Job, kind: JobKind) -> Resolve:
    return kind.resolve if job.place is Place.SAGEMAKER else kind.resolve_on_cluster


def _of_parts(kind: JobKind, complete: Mapping[str, Any], parts: Mapping[str, Part]) -> dict[str, Any]:
    """What the status tells of each part, where a spec has several."""
    if len(parts) == 1:
        return {}
    images = {path: value_at(section, kind.part_image) for path, section in kind.sections(complete).items()}
    return {
        "sourceUris": {path: part.source_uri for path, part in parts.items() if part.source_uri},
        "images": {path: image for path, image in images.items() if image},
    }


def _field(path: str, name: str) -> str:
    return ".".join(filter(None, ("spec", path, name)))


def _with_pinned_image(complete: dict[str, Any], job: Job, kind: JobKind) -> dict[str, Any]:
    """The image of the first attempt holds for later ones: a newer operator may know a newer default."""
    pinned = job.status.get("image") if job.attempts else None
    if not pinned or value_at(complete, kind.image) is None:
        return complete
    return with_value_at(complete, kind.image, pinned)


def _default_output(job: Job, kind: JobKind, tenant: Tenant) -> str:
    given = value_at(job.spec, kind.output)
    if given:
        return str(given)
    if tenant.default_bucket:
        return f"{tenant.default_bucket.rstrip('/')}/{job.namespace}/{job.name}"
    if not kind.output:
        return ""
    raise SpecError(
        ".".join(("spec", *kind.output)),
        "No output path is given, and there is no default bucket: set it, or ask for buckets.default in the tenant "
        "policy.",
    )
