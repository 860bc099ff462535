"""What an Endpoint's spec means here and now: permissions, references, code. Nothing here calls AWS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.core import tenancy
from sagebridge.core.clock import parse_time
from sagebridge.core.endpoint.build import BuildContext, Served, build, containers_of, endpoint_name
from sagebridge.core.endpoint.desired import Desired
from sagebridge.core.endpoint.served import check_code, served_by, with_code, with_variables
from sagebridge.core.errors import SpecError
from sagebridge.core.job import ANNOTATION_RECONCILE_AT, Job
from sagebridge.core.names import Owner
from sagebridge.core.references import TUNING_JOB, missing
from sagebridge.core.regions import account_of
from sagebridge.core.serving import Place, Repack, TrainedModel, trained_model, training_of_tuning
from sagebridge.core.tenancy import Tenant
from sagebridge.core.training.section import Section
from sagebridge.engine import endpoint_pins as pins
from sagebridge.engine.config_maps import read_values
from sagebridge.engine.endpoint_pins import Container
from sagebridge.engine.failures import NotReadyError, WaitingError
from sagebridge.engine.repacks import read_repack, repacked_uri
from sagebridge.engine.store import Store
from sagebridge.engine.tenants import Tenants
from sagebridge.kube.client import KubeClient
from sagebridge.targets.protocol import Handle


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointInput:
    """A spec, resolved.

    Attributes:
        handle: how SageMaker is called for the endpoint.
        desired: what SageMaker is to have.
        status: what to show in status of what was resolved.
        repacks: archives to be made first, by where they go.
    """

    handle: Handle
    desired: Desired
    status: Mapping[str, Any]
    repacks: Mapping[str, Repack] = field(default_factory=dict)


class EndpointInputs:
    """Resolves endpoints' specs."""

    def __init__(
        self,
        *,
        client: KubeClient,
        store: Store,
        tenants: Tenants,
        cluster: str,
        runtime_url: Callable[[Handle], Awaitable[str]],
    ) -> None:
        """Prepare.

        Args:
            client: reads ConfigMaps.
            store: has the objects that endpoints refer to.
            tenants: what namespaces may do.
            cluster: the cluster's name in tags and hashes.
            runtime_url: where SageMaker's runtime, which invokes endpoints, is called in a handle's region.
        """
        self._client = client
        self._store = store
        self._tenants = tenants
        self._cluster = cluster
        self._runtime_url = runtime_url

    def handle(self, job: Job) -> Handle:
        """How SageMaker is called for the object's endpoint.

        The name is the one that status has recorded, once anything was made: an edit of the spec must not leave it
        behind. Whoever may write a status does not choose by it what is changed or deleted: that takes our tags.

        Raises:
            sagebridge.core.errors.NotAllowedError: the tenant policy forbids it.
        """
        tenant = self._tenants.of(job.namespace)
        region = str(job.status.get("region") or job.spec.get("region") or tenant.default_region)
        tenancy.check_region(tenant, region, field="spec.region")
        return Handle(
            owner=self.owner(job),
            tenant=tenant,
            region=region,
            name=_recorded_name(job) or self._wanted_name(job),
            since=parse_time(job.metadata["creationTimestamp"]),
            account=account_of(str(job.status.get("endpointArn") or "")),
        )

    def _wanted_name(self, job: Job) -> str:
        return endpoint_name(self.owner(job), given=job.spec.get("endpointName"))

    def owner(self, job: Job) -> Owner:
        """The object, as tags name it."""
        return Owner(cluster=self._cluster, namespace=job.namespace, name=job.name, uid=job.uid)

    async def resolve(self, job: Job) -> EndpointInput:
        """Everything that the spec asks for.

        Raises:
            SpecError: the manifest has to be corrected.
            sagebridge.core.errors.NotAllowedError: the tenant policy forbids it.
            WaitingError: something it refers to is not there, or not ready yet.
            AwsError: the region is not one.
            sagebridge.kube.errors.KubeError: the API server can't be read.
        """
        handle = self.handle(job)
        if handle.name != self._wanted_name(job):
            message = (
                f"The endpoint is {handle.name}, and is not renamed: set its name again, or make another Endpoint."
            )
            raise SpecError("spec.endpointName", message)
        wanted_region = job.spec.get("region") or handle.region
        if wanted_region != handle.region:
            raise SpecError("spec.region", f"The endpoint is in {handle.region}, and does not move: make another one.")
        role_arn = str(job.spec.get("roleArn") or handle.tenant.default_role or "")
        if not role_arn:
            raise SpecError("spec.roleArn", "No role is given, and there is no default one: set spec.roleArn.")
        tenancy.check_role(handle.tenant, role_arn, field="spec.roleArn")
        served, shown, repacks = await self._serve(job, handle)
        nonce = job.annotations.get(ANNOTATION_RECONCILE_AT, "")
        context = BuildContext(owner=handle.owner, role_arn=role_arn, served=served, nonce=nonce)
        desired = build(job.spec, context)
        desired = replace(desired, served_models=tuple(_shown(desired, shown)))
        _check_places(handle.tenant, desired)
        status = {
            "region": handle.region,
            "roleArn": role_arn,
            "endpointName": handle.name,
            "url": _url(await self._runtime_url(handle), handle.name),
            "logs": _logs(handle),
        }
        return EndpointInput(handle=handle, desired=desired, status=status, repacks=repacks)

    async def _serve(
        self, job: Job, handle: Handle
    ) -> tuple[dict[tuple[str, int], Served], dict[tuple[str, int], dict[str, Any]], dict[str, Repack]]:
        served: dict[tuple[str, int], Served] = {}
        shown: dict[tuple[str, int], dict[str, Any]] = {}
        repacks: dict[str, Repack] = {}
        for container in containers_of_spec(job.spec, region=handle.region):
            reference, trained, pinned = self.referenced(job, container)
            before = pins.looked_up(job, container, reference)
            found = before or served_by(container.section, container.place, trained=trained, pinned=pinned)
            entry = pins.record(container, found, reference) if reference is not None or found.image else {}
            if container.section.has("source"):
                check_code(container.section)
                uri, repack = await self._repacked(job, handle, container, found)
                repacks |= {uri: repack} if repack is not None else {}
                entry = pins.with_archive(entry, container, found, uri=uri)
                source = container.section.section("source")
                found = with_code(found, source, container.place, repacked_uri=uri)
            if entry:
                shown[container.key] = entry
            served[container.key] = with_variables(found, container.section, await self.inherited(job, container))
        return served, shown, repacks

    async def inherited(self, job: Job, container: Container) -> dict[str, str]:
        """The variables that a container takes from ConfigMaps.

        Raises:
            WaitingError: a ConfigMap is missing and not optional.
            sagebridge.core.errors.NotAllowedError: the operator may not read one.
        """
        return await read_values(self._client, job, container.section.values, path=container.section.path)

    def referenced(
        self, job: Job, container: Container
    ) -> tuple[dict[str, str] | None, TrainedModel | None, Served | None]:
        """What a `modelRef` gives: how status shows it, the model, and what was taken of it before."""
        if not container.section.has("modelRef"):
            return None, None, None
        section = container.section.section("modelRef")
        kind, name = str(section.values["kind"]), str(section.values["name"])
        entry = pins.referenced(job, container, kind=kind, name=name)
        known = entry.get("modelRef") or {}
        memory = self._store.find(kind=kind, namespace=job.namespace, name=name)
        other = memory.job if memory else None
        follows = section.text("updatePolicy") == "Follow"
        usable = other is not None and other.is_complete
        if known and not (usable and other and (follows or other.uid == known.get("uid"))):
            return dict(known), None, pins.served(entry)
        found = _ready(other, what=f"{kind} {name}", field=section.path)
        spec, status = found.spec, found.status
        if kind == TUNING_JOB:
            spec, status = training_of_tuning(spec, status, container.place, field=section.path)
        archive_only = container.takes_archives_only
        trained = trained_model(
            kind=kind, name=name, spec=spec, status=status, field=section.path, archive_only=archive_only
        )
        if trained.region and trained.region != container.place.region:
            message = (
                f"{trained.what} left its model in {trained.region}, and this serves in {container.place.region}: "
            )
            raise SpecError(section.path, f"{message}set region to the same, or train it here.")
        return {"kind": kind, "name": name, "uid": found.uid, "uri": trained.artifact}, trained, None

    async def _repacked(
        self, job: Job, handle: Handle, container: Container, served: Served
    ) -> tuple[str, Repack | None]:
        """Where a model with its code lies; nothing is packed of a ConfigMap that is gone, if that was deployed."""
        try:
            repack = await self._repack(job, handle, container, served)
        except WaitingError:
            uri = pins.deployed_archive(job, container, served)
            if not uri:
                raise
            return uri, None
        return repacked_uri(repack, handle.tenant), repack

    async def _repack(self, job: Job, handle: Handle, container: Container, served: Served) -> Repack:
        model_uri = served.model_data_url or container.section.text("modelDataUrl")
        source = container.section.section("source")
        repack = await read_repack(self._client, source, owner=handle.owner, model_uri=model_uri)
        tenancy.check_operator_reads(
            handle.tenant,
            repack.reads(model_field=f"{container.section.path}.modelDataUrl"),
            namespace=job.namespace,
            made_here=served.vouched_url,
        )
        return repack


def containers_of_spec(spec: Mapping[str, Any], *, region: str) -> list[Container]:
    """All containers of all models, and where they serve."""
    found = []
    for number, model in enumerate(spec.get("models") or ()):
        path = f"spec.models[{number}]"
        place = _place(spec, model["name"], region=region)
        for index, container in enumerate(containers_of(model)):
            at = f"{path}.containers[{index}]" if "containers" in model else path
            section = Section.of(container, at)
            found.append(Container(model=model["name"], index=index, section=section, place=place))
    return found


def _place(spec: Mapping[str, Any], model: str, *, region: str) -> Place:
    """Where a model serves: by the first variant that runs it."""
    for key in ("productionVariants", "shadowProductionVariants"):
        for index, variant in enumerate(spec.get(key) or ()):
            if variant.get("modelName") == model:
                field_name = f"spec.{key}[{index}].instanceType"
                return Place(region=region, instance_type=variant.get("instanceType"), instance_field=field_name)
    return Place(region=region, instance_type=None, instance_field="spec.productionVariants")


def _recorded_name(job: Job) -> str:
    """The endpoint's name once something may have been made for it."""
    is_begun = job.status.get("revisions") or job.status.get("endpointArn")
    return str(job.status.get("endpointName") or "") if is_begun else ""


def _ready(job: Job | None, *, what: str, field: str) -> Job:
    if job is None:
        raise WaitingError(f"{field}: {missing(what)}")
    if job.is_finished and not job.is_complete:
        message = f"{what} has failed, so it gives no model. Refer to another, or delete it and make it anew."
        raise SpecError(field, message)
    if not job.is_complete:
        raise NotReadyError(f"{field}: waiting for {what} to be Ready.")
    return job


def _shown(desired: Desired, shown: Mapping[tuple[str, int], dict[str, Any]]) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    for name, model_name in desired.model_names.items():
        containers = [entry for (model, _), entry in shown.items() if model == name]
        entries.append({"name": name, "modelName": model_name} | ({"containers": containers} if containers else {}))
    return entries


def _check_places(tenant: Tenant, desired: Desired) -> None:
    """What the models read and the endpoint writes must be the tenant's."""
    for model in desired.models:
        tenancy.check_s3_uris(tenant, model.request, root=f"spec.models[{model.spec_name}]")
    tenancy.check_s3_uris(tenant, desired.config.request)


def _logs(handle: Handle) -> dict[str, str]:
    group = f"/aws/sagemaker/Endpoints/{handle.name}"
    console = f"https://{handle.region}.console.aws.amazon.com/cloudwatch/home?region={handle.region}"
    url = f"{console}#logsV2:log-groups/log-group/{group.replace('/', '$252F')}"
    return {"groupName": group, "streamPrefix": "", "url": url}


def _url(runtime: str, name: str) -> str:
    return f"{runtime.rstrip('/')}/endpoints/{name}/invocations"
