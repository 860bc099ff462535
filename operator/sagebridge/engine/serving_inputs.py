"""What the spec of an Endpoint on the cluster means here and now. Nothing here calls AWS."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sagebridge.core import tenancy
from sagebridge.core.cluster.environment import told_apart
from sagebridge.core.cluster.job import ClusterSettings
from sagebridge.core.cluster.refusals import switched_off
from sagebridge.core.cluster.serving import endpoint_refusals
from sagebridge.core.cluster.serving.endpoint import ClusterEndpoint, service_name
from sagebridge.core.cluster.serving.manifests import revision
from sagebridge.core.cluster.serving.model import Code, ServedModel, served_model
from sagebridge.core.cluster.serving.pod import ServingPod
from sagebridge.core.cluster.serving.scaling import scaling_of
from sagebridge.core.endpoint.build import Served, container_definition
from sagebridge.core.endpoint.served import served_by, with_variables
from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.core.job import ANNOTATION_RECONCILE_AT, Job, tag_map
from sagebridge.core.names import Owner
from sagebridge.core.placement import Placement, PlacementRequest, PlacementSettings, place
from sagebridge.core.serving import TrainedModel
from sagebridge.core.serving.script import script_variables
from sagebridge.core.source import pack_files
from sagebridge.core.tenancy import Tenant
from sagebridge.core.training.section import Section
from sagebridge.engine import endpoint_pins as pins
from sagebridge.engine.config_maps import read_files
from sagebridge.engine.endpoint_inputs import EndpointInputs, containers_of_spec
from sagebridge.engine.endpoint_pins import Container
from sagebridge.kube.client import KubeClient
from sagebridge.targets.protocol import Handle

_VARIANT = "spec.productionVariants[0]"
_DEFAULT_COUNT = 1
_DEFAULT_HISTORY = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ServingInput:
    """A spec, resolved.

    Attributes:
        endpoint: what the cluster is to have.
        models: what status shows of what the models are made of.
        region: of AWS.
    """

    endpoint: ClusterEndpoint
    models: tuple[Mapping[str, Any], ...]
    region: str


class ServingInputs:
    """Resolves the specs of Endpoints on the cluster."""

    def __init__(
        self,
        *,
        client: KubeClient,
        endpoints: EndpointInputs,
        settings: ClusterSettings,
        placement: PlacementSettings,
    ) -> None:
        """Prepare.

        Args:
            client: reads ConfigMaps.
            endpoints: resolves what is the same on SageMaker: references, and who may do what.
            settings: what the operator says of all its pods.
            placement: what it says of the nodes.
        """
        self._client = client
        self._endpoints = endpoints
        self._settings = settings
        self._placement = placement

    def owner(self, job: Job) -> Owner:
        """The object, as all that it consists of names it."""
        return self._endpoints.owner(job)

    def name(self, job: Job) -> str:
        """The name of the Service and the Deployment."""
        return service_name(self.owner(job), given=job.spec.get("endpointName"))

    async def resolve(self, job: Job, *, agent_image: str, running: Collection[str]) -> ServingInput:
        """All that the spec asks for.

        Args:
            job: the object.
            agent_image: the agent's in the pods that run; empty if there are none.
            running: the revision that those are of, and the one that was rolled out last.

        Raises:
            SpecError: the manifest has to be corrected.
            NotAllowedError: the tenant policy forbids it, or there are no such pods here.
            sagebridge.engine.failures.WaitingError: something it refers to is not there, or not ready yet.
            sagebridge.kube.errors.KubeError: the API server can't be read.
        """
        if not self._settings.agent_image:
            raise NotAllowedError("spec.target", switched_off("Pods"))
        spec, cluster = job.spec, job.spec.get("cluster") or {}
        endpoint_refusals.check(spec)
        handle = self._endpoints.handle(job)
        [variant] = spec["productionVariants"]
        container = _container(spec, variant, region=handle.region)
        plain, secrets = told_apart(container.section.values)
        container = replace(container, section=Section.of(plain, container.section.path))
        model, entry = await self._model(job, handle, container, image=cluster.get("image"))
        pod = ServingPod(
            model=model,
            region=handle.region,
            placement=self._place(handle, variant, cluster),
            cluster={**cluster, "secrets": secrets},
            settings=self._settings,
            document="",
            volume_size=variant.get("volumeSizeInGB"),
        )
        endpoint = self._endpoint(job, pod)
        endpoint = as_it_runs(endpoint, agent_image=agent_image, running=running)
        shown = {"name": container.model, "modelName": revision(endpoint), "containers": [entry]}
        return ServingInput(endpoint=endpoint, models=(shown,), region=handle.region)

    def _endpoint(self, job: Job, pod: ServingPod) -> ClusterEndpoint:
        [variant] = job.spec["productionVariants"]
        scaling = scaling_of(variant, pod.cluster, at=_VARIANT)
        given = job.spec.get("replicas")
        count = variant.get("initialInstanceCount", _DEFAULT_COUNT) if given is None else given
        return ClusterEndpoint(
            owner=self.owner(job),
            name=self.name(job),
            pod=pod,
            variant=variant,
            replicas=None if scaling else int(count),
            scaling=scaling,
            deployment=job.spec.get("deploymentConfig") or {},
            history=int((job.spec.get("history") or {}).get("limit", _DEFAULT_HISTORY)),
            tags=tag_map(job.spec.get("tags")),
            nonce=job.annotations.get(ANNOTATION_RECONCILE_AT, ""),
        )

    async def _model(
        self, job: Job, handle: Handle, container: Container, *, image: str | None
    ) -> tuple[ServedModel, dict[str, Any]]:
        """What is served, and how status shows it."""
        reference, trained, pinned = self._endpoints.referenced(job, container)
        found = _served(job, container, reference, trained=trained, pinned=pinned, image=image)
        inherited = await self._endpoints.inherited(job, container)
        definition = container_definition(container.section.values, with_variables(found, container.section, inherited))
        if image:
            definition["image"] = image
        if not definition.get("image"):
            message = "say what serves it: image, framework, algorithm, modelRef or cluster.image"
            raise SpecError(container.section.path, message)
        _check_places(handle.tenant, container, definition)
        code = await self._code(container, namespace=job.namespace)
        model = served_model(definition, region=handle.region, code=code, field=container.section.path)
        entry = pins.record(container, replace(found, image=definition["image"]), reference)
        return model, entry

    async def _code(self, container: Container, *, namespace: str) -> Code | None:
        """The manifest's inference code; of a ConfigMap the files themselves, which go to the pod without S3."""
        if not container.section.has("source"):
            return None
        section = container.section.section("source")
        entry_point = section.required_text("entryPoint", hint="name the inference script, such as inference.py")
        if uri := section.text("s3Uri"):
            return Code(entry_point=entry_point, uri=uri)
        name = str((section.values.get("configMap") or {}).get("name") or "")
        field = f"{section.path}.configMap"
        files = await read_files(self._client, namespace=namespace, name=name, field=field)
        packed = pack_files(files, entry_point=entry_point, path=section.path)
        return Code(entry_point=entry_point, archive=packed.body, digest=packed.digest)

    def _place(self, handle: Handle, variant: Mapping[str, Any], cluster: Mapping[str, Any]) -> Placement:
        given = tuple(cluster.get("instanceTypes") or ())
        wish = PlacementRequest(
            instance_types=given or (str(variant.get("instanceType") or ""),),
            # Each pod serves by itself, and how many there are must not change what they are.
            instance_count=1,
            cluster=cluster,
            spot=False,
            namespace=handle.owner.namespace,
            labels={},
            settings=self._placement,
            types_field=f"{_VARIANT}.instanceType",
            count_field=f"{_VARIANT}.initialInstanceCount",
        )
        return place(wish)


def _container(spec: Mapping[str, Any], variant: Mapping[str, Any], *, region: str) -> Container:
    found = containers_of_spec(spec, region=region)
    named = next((one for one in found if one.model == variant["modelName"]), None)
    if named is None:
        known = ", ".join(one.model for one in found) or "none"
        message = f"{variant['modelName']} is not in spec.models, which has {known}."
        raise SpecError(f"{_VARIANT}.modelName", message)
    return named


def _served(
    job: Job,
    container: Container,
    reference: dict[str, str] | None,
    *,
    trained: TrainedModel | None,
    pinned: Served | None,
    image: str | None,
) -> Served:
    """What the manifest refers to, and the image that serves it; `image` stands for whatever that would be."""
    if image is None:
        before = pins.looked_up(job, container, reference)
        return before or served_by(container.section, container.place, trained=trained, pinned=pinned)
    if trained is None:
        return replace(pinned, image=image) if pinned is not None else Served(image=image)
    script = {}
    if trained.entry_point and trained.source_uri:
        script = script_variables(trained.entry_point, trained.source_uri, region=container.place.region)
    return Served(image=image, model_data_url=trained.artifact, environment=script)


def _check_places(tenant: Tenant, container: Container, definition: Mapping[str, Any]) -> None:
    """What the pods read must be the tenant's."""
    source = container.section.values.get("source") or {}
    tenancy.check_s3_uris(tenant, {**definition, "source": source}, root=container.section.path)


def as_it_runs(endpoint: ClusterEndpoint, *, agent_image: str, running: Collection[str]) -> ClusterEndpoint:
    """With the agent's image of the pods that run, if nothing else about them is to change.

    So it is with those that were rolled out last and have failed: a new operator is no reason to try them again.
    """
    if not agent_image:
        return endpoint
    same = endpoint.with_agent_image(agent_image)
    return same if revision(same) in running else endpoint
