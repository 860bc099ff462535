"""What the pods of a job on the cluster serve: nothing of it is made in SageMaker, nor read by the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sagebridge.core import tenancy
from sagebridge.core.cluster.serving.model import Code, ServedModel, served_model
from sagebridge.core.cluster.transform import refusals
from sagebridge.core.errors import SpecError
from sagebridge.core.job import Job
from sagebridge.core.resolution import value_at
from sagebridge.core.serving import ModelContext, TrainedModel
from sagebridge.core.source import pack_files
from sagebridge.core.training.section import Section
from sagebridge.engine.config_maps import read_files
from sagebridge.engine.models import ModelPlace, serving_place, trained
from sagebridge.engine.store import Store
from sagebridge.kinds.kind import JobKind
from sagebridge.kube.client import KubeClient


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedInput:
    """A model, ready to be served by pods.

    Attributes:
        model: what they serve.
        reference: the object it comes from, as status shows it; None for one that the manifest defines.
    """

    model: ServedModel
    reference: Mapping[str, str] | None = None


class ServedModels:
    """Resolves the models of objects whose jobs serve one on the cluster."""

    def __init__(self, *, client: KubeClient, store: Store) -> None:
        self._client = client
        self._store = store

    async def resolve(self, job: Job, kind: JobKind, place: ModelPlace) -> ServedInput | None:
        """What a job's pods serve, None for a kind whose jobs serve nothing.

        Raises:
            SpecError: the manifest has to be corrected.
            sagebridge.core.errors.NotAllowedError: the tenant policy forbids it.
            sagebridge.engine.failures.WaitingError: something it refers to is not there, or not ready yet.
        """
        if kind.model_of is None:
            return None
        refusals.check(job.spec)
        # The image of the first attempt holds for later ones: a newer operator may know a newer default.
        image = value_at(job.spec, ("cluster", "image")) or (job.status.get("image") if job.attempts else None)
        serves = serving_place(job, kind, region=place.region)
        found = trained(self._store, job, serves)
        reference, model = found or (None, None)
        code = await self._code(job)
        context = ModelContext(
            region=place.region,
            role_arn=place.role_arn,
            instance_type=serves.instance_type,
            instance_field=serves.instance_field,
            owner=place.owner,
            trained=_as_served(model, image=image, has_code=code is not None) if model else None,
        )
        # The code does not go into the archive, but beside it.
        request = kind.model_of({key: value for key, value in job.spec.items() if key != "source"}, context)
        container = value_at(request or {}, ("primaryContainer",)) or {}
        if not (image or container.get("image")):
            raise SpecError("spec.model.primaryContainer.image", "is missing: name the image that serves")
        tenancy.check_s3_uris(place.tenant, container, root="spec.model.primaryContainer")
        if code is not None and code.uri:
            tenancy.check_s3_uris(place.tenant, {"s3Uri": code.uri}, root="spec.source")
        return ServedInput(
            model=served_model(container, region=place.region, image=image, code=code, field="spec"),
            reference=reference,
        )

    async def _code(self, job: Job) -> Code | None:
        section = Section.of(job.spec, "spec")
        if not section.has("source"):
            return None
        source = section.section("source")
        entry_point = source.required_text("entryPoint", hint="name the inference script, such as inference.py")
        name = str((source.values.get("configMap") or {}).get("name") or "")
        if not name:
            return Code(entry_point=entry_point, uri=source.text("s3Uri"))
        field = f"{source.path}.configMap"
        files = await read_files(self._client, namespace=job.namespace, name=name, field=field)
        packed = pack_files(files, entry_point=entry_point, path=source.path)
        return Code(entry_point=entry_point, archive=packed.body, digest=packed.digest)


def _as_served(model: TrainedModel, *, image: str | None, has_code: bool) -> TrainedModel:
    """The model with what the manifest has in the place of its own: the image, the script."""
    if image:
        model = replace(model, image=image, framework=None)
    return replace(model, entry_point=None, source_uri=None) if has_code else model
