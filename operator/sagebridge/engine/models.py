"""Models that are made for an object before its job: what they are made of, and what has to be packed. No AWS calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.core import tenancy
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job, MadeModel
from sagebridge.core.names import Owner
from sagebridge.core.references import TUNING_JOB, missing
from sagebridge.core.resolution import value_at
from sagebridge.core.serving import (
    ModelContext,
    Place,
    Repack,
    TrainedModel,
    artifact_of,
    model_name,
    trained_model,
    training_of_tuning,
)
from sagebridge.core.tenancy import Tenant
from sagebridge.core.training.section import Section
from sagebridge.engine.failures import NotReadyError, WaitingError
from sagebridge.engine.repacks import read_repack, repacked_uri
from sagebridge.engine.store import Store
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.client import KubeClient
from sagebridge.targets.protocol import Handle, Models


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInput:
    """A model, ready to be recorded and made.

    Attributes:
        name: its name in SageMaker.
        request: CreateModel's in lowerCamelCase, complete but for the name; empty for one that was made already.
        reference: the object it comes from, as status shows it; None for one that the manifest defines.
        repack: what has to be packed for it first.
        repacked_uri: where that goes.
    """

    name: str
    request: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, str] | None = None
    repack: Repack | None = None
    repacked_uri: str | None = None

    @property
    def image(self) -> str | None:
        """The image of the only container."""
        image = value_at(self.request, ("primaryContainer", "image"))
        return str(image) if image else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPlace:
    """Whose model it is, and where and as whom it will serve."""

    owner: Owner
    tenant: Tenant
    region: str
    role_arn: str


class ModelInputs:
    """Resolves the models of objects whose jobs need one."""

    def __init__(self, *, client: KubeClient, store: Store) -> None:
        self._client = client
        self._store = store

    async def resolve(self, job: Job, kind: JobKind, place: ModelPlace) -> ModelInput | None:
        """The model that has to be made for a job, None if it uses one that is there.

        Raises:
            SpecError: the manifest has to be corrected.
            sagebridge.core.errors.NotAllowedError: the tenant policy forbids it.
            WaitingError: something it refers to is not there, or not ready yet.
        """
        if kind.model_of is None:
            return None
        made = _made_before(job)
        if made is not None:
            return ModelInput(name=made.name, reference=job.status.get("modelRef"))
        serves = serving_place(job, kind, region=place.region)
        found = trained(self._store, job, serves)
        reference, model = found or (None, None)
        repack = await self._repack(job, place, model)
        uri = repacked_uri(repack, place.tenant) if repack else None
        context = ModelContext(
            region=place.region,
            role_arn=place.role_arn,
            instance_type=serves.instance_type,
            instance_field=serves.instance_field,
            owner=place.owner,
            tags=tuple(job.spec.get("tags") or ()),
            trained=model,
            repacked_uri=uri,
        )
        request = kind.model_of(job.spec, context)
        if request is None:
            return None
        _check_allowed(place, request, repack, made_here=model.vouched_artifact if model else None)
        name = model_name(place.owner, request)
        return ModelInput(name=name, request=request, reference=reference, repack=repack, repacked_uri=uri)

    async def _repack(self, job: Job, place: ModelPlace, trained: TrainedModel | None) -> Repack | None:
        section = Section.of(job.spec, "spec")
        if not section.has("source") or section.has("modelName"):
            return None
        given = value_at(job.spec, ("model", "primaryContainer", "modelDataUrl"))
        model_uri = trained.artifact if trained else given
        return await read_repack(self._client, section.section("source"), owner=place.owner, model_uri=model_uri)


def serving_place(job: Job, kind: JobKind, *, region: str) -> Place:
    """Where a job's model serves."""
    return Place(
        region=region,
        instance_type=value_at(job.spec, kind.instance),
        instance_field=".".join(("spec", *kind.instance)),
    )


def trained(store: Store, job: Job, place: Place) -> tuple[dict[str, str], TrainedModel] | None:
    """What `spec.modelRef` names, as status shows it, and what it gives to serve; None without such a reference.

    Raises:
        SpecError: it has failed, gives no model that can be served, or is another one than when the job began.
        WaitingError: it is not there.
        NotReadyError: it is not Ready yet.
    """
    reference = job.spec.get("modelRef")
    if not reference:
        return None
    found = ready_model(store, job)
    pinned = (job.status.get("modelRef") or {}).get("uid") if job.attempts else None
    if pinned and pinned != found.uid:
        message = f"{reference['kind']} {reference['name']} is another one than when this job began: make a new job."
        raise SpecError("spec.modelRef", message)
    spec, status = found.spec, found.status
    if reference["kind"] == TUNING_JOB:
        spec, status = training_of_tuning(spec, status, place, field="spec.modelRef")
    model = trained_model(kind=reference["kind"], name=reference["name"], spec=spec, status=status)
    shown = {"kind": reference["kind"], "name": reference["name"], "uid": found.uid, "uri": model.artifact}
    return shown, model


def ready_model(store: Store, job: Job) -> Job:
    """The object that `spec.modelRef` names, which has completed and left a model.

    Raises:
        SpecError: it has failed, or has completed without a model.
        WaitingError: it is not there.
        NotReadyError: it is not Ready yet.
    """
    reference = job.spec["modelRef"]
    what = f"{reference['kind']} {reference['name']}"
    memory = store.find(kind=reference["kind"], namespace=job.namespace, name=reference["name"])
    if memory is None:
        raise WaitingError(f"spec.modelRef: {missing(what)}")
    if memory.job.is_finished and not memory.job.is_complete:
        raise SpecError(
            "spec.modelRef",
            f"{what} has failed, so it gives no model. Refer to another, or delete it and make it anew.",
        )
    if not memory.job.is_complete:
        raise NotReadyError(f"spec.modelRef: waiting for {what} to be Ready.")
    artifact_of(memory.job.status, what=what, field="spec.modelRef")
    return memory.job


def recorded(models: tuple[MadeModel, ...], model: ModelInput | None, *, attempt: int) -> list[dict[str, Any]]:
    """`status.models` once an attempt uses `model`; what earlier ones used stays until it is deleted."""
    name = model.name if model else ""
    arn = next((known.arn for known in models if known.name == name), "")
    others = [MadeModel(name=known.name, arn=known.arn) for known in models if known.name != name]
    mine = [MadeModel(name=name, arn=arn, attempt=attempt)] if model else []
    return [entry.dump() for entry in (*others, *mine)]


def with_arn(models: tuple[MadeModel, ...], model: ModelInput, *, arn: str) -> list[dict[str, Any]]:
    """`status.models` once `model` is known to exist; with an empty ARN, once it is known not to."""
    return [(replace(known, arn=arn) if known.name == model.name else known).dump() for known in models]


async def make(models: Models, model: ModelInput, handle: Handle) -> str:
    """Pack what has to be packed, and make the model; its ARN."""
    if model.repack is not None and model.repacked_uri is not None:
        await models.repack(handle, model.repack, uri=model.repacked_uri)
    return await models.make(handle, name=model.name, spec=model.request)


def _made_before(job: Job) -> MadeModel | None:
    """The model of an earlier try: since an attempt was recorded, the manifest is the same."""
    if not job.attempts:
        return None
    return next((model for model in job.models if model.arn and model.attempt), None)


def _check_allowed(
    place: ModelPlace, request: Mapping[str, Any], repack: Repack | None, *, made_here: str | None
) -> None:
    """What the model reads, and what the operator would read for it, is the tenant's."""
    tenancy.check_role(place.tenant, request["executionRoleArn"], field="spec.model.executionRoleArn")
    tenancy.check_s3_uris(place.tenant, request, root="spec.model")
    reads = repack.reads(model_field="spec.model.primaryContainer.modelDataUrl") if repack else {}
    tenancy.check_operator_reads(place.tenant, reads, namespace=place.owner.namespace, made_here=made_here)
