"""What a finished HPTuningJob gives to serve: its best training job, and the image of the definition that was best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagebridge.core.errors import SpecError
from sagebridge.core.images import AlgorithmRef, FrameworkRef, inference_image
from sagebridge.core.training.section import Section
from sagebridge.core.tuning.sections import sections


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a container serves.

    Attributes:
        region: the region.
        instance_type: of the variant or the job; None for a serverless one.
        instance_field: where that stands, for messages.
    """

    region: str
    instance_type: str | None
    instance_field: str


def training_of_tuning(
    spec: Mapping[str, Any], status: Mapping[str, Any], place: Place, *, field: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A tuning job's best training job, as the spec and status of a TrainingJob.

    Args:
        spec: the HPTuningJob's.
        status: the HPTuningJob's, which has completed.
        place: where the model will serve.
        field: what refers to it, for messages.

    Raises:
        SpecError: which definition was best is not known, or has no image that serves.
    """
    path, definition = _best_definition(spec, status, field=field)
    section = Section.of(definition, field)
    image = section.section("algorithmSpecification").text("trainingImage")
    if not image and path == "trainingJobDefinition":
        image = status.get("image")
    # The status of a search with one definition has its code, as that of a training job does.
    uris = status.get("sourceUris") or {path: status.get("sourceUri")}
    shown = {
        "modelArtifacts": status.get("modelArtifacts"),
        "region": status.get("region"),
        "image": image or looked_up_image(section, place),
        "sourceUri": uris.get(path),
    }
    target = {"target": spec["target"]} if spec.get("target") else {}
    return {**definition, **target}, {key: value for key, value in shown.items() if value}


def looked_up_image(container: Section, place: Place) -> str | None:
    """The image that serves what has a `framework` or an `algorithm`; None for what has neither.

    Raises:
        SpecError: there is none.
    """
    reference: FrameworkRef | AlgorithmRef
    if container.has("framework"):
        given = container.section("framework")
        reference = FrameworkRef(
            name=given.required_text("name", hint="name the framework, such as pytorch"),
            version=given.text("version"),
            python_version=given.text("pythonVersion"),
            base_framework=given.text("baseFramework"),
        )
    elif container.has("algorithm"):
        given = container.section("algorithm")
        reference = AlgorithmRef(
            name=given.required_text("name", hint="name the algorithm, such as xgboost"), version=given.text("version")
        )
    else:
        return None
    return inference_image(
        reference,
        region=place.region,
        instance_type=place.instance_type,
        field=given.path,
        instance_field=place.instance_field,
    )


def _best_definition(
    spec: Mapping[str, Any], status: Mapping[str, Any], *, field: str
) -> tuple[str, Mapping[str, Any]]:
    best = (status.get("bestTrainingJob") or {}).get("trainingJobDefinitionName")
    definitions = sections(spec)
    for path, definition in definitions.items():
        if len(definitions) == 1 or (best and definition.get("definitionName") == best):
            return path, definition
    raise SpecError(
        field,
        "The tuning job does not tell which of its definitions was best: name the image and its model.tar.gz instead "
        "of modelRef.",
    )
