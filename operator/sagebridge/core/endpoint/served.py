"""Which image serves a container of a model, and with which archive and variables: from what the manifest refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sagebridge.core.endpoint.build import Served
from sagebridge.core.errors import SpecError
from sagebridge.core.images import AlgorithmRef, FrameworkRef, inference_image
from sagebridge.core.serving import TrainedModel
from sagebridge.core.training.section import Section

CODE_IN_MODEL: Final = "/opt/ml/model/code"
_LOG_LEVEL_INFO: Final = "20"


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a container serves.

    Attributes:
        region: the region.
        instance_type: of the variant; None for a serverless one.
        instance_field: where that stands, for messages.
    """

    region: str
    instance_type: str | None
    instance_field: str


def served_by(container: Section, place: Place, *, trained: TrainedModel | None, pinned: Served | None) -> Served:
    """What a container serves, without its inference code.

    Args:
        container: as the manifest has it.
        place: where it serves.
        trained: the model that it refers to; None without, or where the object is gone.
        pinned: what was taken from that object before; it holds where the object is gone.

    Raises:
        sagebridge.core.errors.SpecError: there is no image that serves it.
    """
    if trained is not None:
        return _from_trained(trained, place)
    if pinned is not None:
        return pinned
    return Served(image=_looked_up(container, place))


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
    image = (definition.get("algorithmSpecification") or {}).get("trainingImage") or _looked_up(
        Section.of(definition, field), place
    )
    uris = status.get("sourceUris") or {}
    shown = {
        "modelArtifacts": status.get("modelArtifacts"),
        "region": status.get("region"),
        "image": image,
        "sourceUri": uris.get(path),
    }
    return dict(definition), {key: value for key, value in shown.items() if value}


def _best_definition(
    spec: Mapping[str, Any], status: Mapping[str, Any], *, field: str
) -> tuple[str, Mapping[str, Any]]:
    if spec.get("trainingJobDefinition"):
        return "trainingJobDefinition", spec["trainingJobDefinition"]
    best = (status.get("bestTrainingJob") or {}).get("trainingJobDefinitionName")
    for index, definition in enumerate(spec.get("trainingJobDefinitions") or ()):
        if definition.get("definitionName") == best:
            return f"trainingJobDefinitions[{index}]", definition
    raise SpecError(
        field, "The tuning job does not tell which of its definitions was best: give image and modelDataUrl."
    )


def with_code(served: Served, source: Section, place: Place, *, repacked_uri: str) -> Served:
    """The same with the manifest's inference code, whose archive lies at `repacked_uri`."""
    script = source.required_text("entryPoint", hint="name the inference script, such as inference.py")
    environment = {**served.environment, **_script(script, CODE_IN_MODEL, place)}
    return replace(served, model_data_url=repacked_uri, environment=environment)


def _from_trained(trained: TrainedModel, place: Place) -> Served:
    image = trained.serving_image(
        region=place.region, instance_type=place.instance_type, instance_field=place.instance_field
    )
    script = {}
    if trained.entry_point and trained.source_uri:
        # The training script has the functions that serve, too.
        script = _script(trained.entry_point, trained.source_uri, place)
    return Served(image=image, model_data_url=trained.artifact, environment=script)


def _looked_up(container: Section, place: Place) -> str | None:
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


def _script(entry_point: str, directory: str, place: Place) -> dict[str, str]:
    return {
        "SAGEMAKER_PROGRAM": entry_point,
        "SAGEMAKER_SUBMIT_DIRECTORY": directory,
        "SAGEMAKER_CONTAINER_LOG_LEVEL": _LOG_LEVEL_INFO,
        "SAGEMAKER_REGION": place.region,
    }
