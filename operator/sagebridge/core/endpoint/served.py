"""Which image serves a container of a model, and with which archive and variables: from what the manifest refers to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sagebridge.core.endpoint.build import Served
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
