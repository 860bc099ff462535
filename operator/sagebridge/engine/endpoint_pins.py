"""What status records of the containers of an Endpoint, so that they stay what they are until the manifest changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.core.endpoint.build import Served
from sagebridge.core.endpoint.desired import content_hash
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.job import Job
from sagebridge.core.serving import Place
from sagebridge.core.training.section import Section


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """One container of one model: its place in the manifest, and where it serves."""

    model: str
    index: int
    section: Section
    place: Place

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the other containers."""
        return self.model, self.index

    @property
    def takes_archives_only(self) -> bool:
        """Whether it can't serve a model that is not in a model.tar.gz.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/large-model-inference-uncompressed.html
        """
        multi_model = self.section.text("mode") == "MultiModel"
        return self.place.instance_type is None or multi_model or self.section.has("source")


def referenced(job: Job, container: Container, *, kind: str, name: str) -> Mapping[str, Any]:
    """The record of the container from when it referred to that object; empty if there is none."""
    wanted = (kind, name)
    references = ((entry, entry.get("modelRef") or {}) for entry, _ in _recorded(job, container))
    return next((entry for entry, known in references if (known.get("kind"), known.get("name")) == wanted), {})


def looked_up(job: Job, container: Container, reference: Mapping[str, Any] | None) -> Served | None:
    """What an earlier pass has looked up, whatever another version of the operator would find for the same words."""
    for entry, _ in _recorded(job, container):
        same = entry.get("image") and entry.get("imageKey") == _image_key(container)
        if same and _identity(entry.get("modelRef")) == _identity(reference):
            return served(entry)
    return None


def deployed_archive(job: Job, container: Container, found: Served) -> str:
    """Where the model of the endpoint lies with the code that the manifest still names; empty if it does not run."""
    running = Ledger.parse(job.status).find(str(job.status.get("endpointConfigName") or ""))
    names = running.model_names if running else ()
    for entry, model_name in _recorded(job, container):
        same = model_name in names and entry.get("sourceKey") == _source_key(container, found)
        # Whoever may write a status may have taken it out.
        if same and entry.get("repackedUri"):
            return str(entry["repackedUri"])
    return ""


def served(entry: Mapping[str, Any]) -> Served:
    """What a record says."""
    environment = (entry.get("modelRef") or {}).get("environment") or {}
    # What was recorded was let through before.
    url = entry.get("modelDataUrl")
    return Served(image=entry.get("image"), model_data_url=url, vouched_url=url, environment=environment)


def record(container: Container, found: Served, reference: Mapping[str, Any] | None) -> dict[str, Any]:
    """What to record of a container. Nothing of its `environment`: that is in the manifest, and may be confidential."""
    environment = {"environment": dict(found.environment)} if found.environment else {}
    entry = {
        "index": container.index,
        "image": found.image,
        "imageKey": _image_key(container) if found.image else None,
        "modelDataUrl": found.model_data_url,
        "modelRef": {**reference, **environment} if reference is not None else None,
    }
    return {key: value for key, value in entry.items() if value is not None}


def with_archive(entry: Mapping[str, Any], container: Container, found: Served, *, uri: str) -> dict[str, Any]:
    """The same record of a container whose model is packed with its code."""
    return {**entry, "index": container.index, "repackedUri": uri, "sourceKey": _source_key(container, found)}


def _recorded(job: Job, container: Container) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Records of the container, and its model's name in SageMaker: of what was wanted last, then of what serves."""
    ledger = Ledger.parse(job.status)
    running = ledger.find(str(job.status.get("endpointConfigName") or ""))
    for revision in (*ledger.revisions[-1:], *((running,) if running else ())):
        for model in revision.models:
            for entry in model.get("containers") or ():
                if (model.get("name"), entry.get("index", 0)) == container.key:
                    yield entry, str(model.get("modelName") or "")


def _identity(reference: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A reference without what was taken from the object."""
    return {key: value for key, value in reference.items() if key != "environment"} if reference else None


def _image_key(container: Container) -> str:
    """Stands for the fields of the manifest that an image is looked up by."""
    fields = [container.section.values.get(key) for key in ("algorithm", "framework", "image")]
    return content_hash([*fields, container.place.region, container.place.instance_type])


def _source_key(container: Container, found: Served) -> str:
    """Stands for the fields of the manifest that code and model are packed by."""
    model_uri = found.model_data_url or container.section.text("modelDataUrl")
    return content_hash([container.section.values["source"], model_uri])
