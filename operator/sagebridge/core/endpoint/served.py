"""Which image serves a container of a model, and with which archive and variables: from what the manifest refers to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sagebridge.core.endpoint.build import Served
from sagebridge.core.errors import SpecError
from sagebridge.core.serving import Place, TrainedModel, looked_up_image
from sagebridge.core.serving.script import CODE_IN_MODEL, script_variables
from sagebridge.core.training.limits import merge_environment
from sagebridge.core.training.section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

MULTI_MODEL: Final = "MultiModel"
LONGEST_VARIABLE: Final = 1024
"""Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html"""


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
        return _from_trained(trained, place, own_image=container.text("image"))
    if pinned is not None:
        return pinned
    return Served(image=looked_up_image(container, place))


def with_variables(served: Served, container: Section, inherited: Mapping[str, str]) -> Served:
    """The same with what a container's ``environmentFrom`` gives, held to SageMaker's limits on either target.

    Raises:
        sagebridge.core.errors.SpecError: there is a Secret, or what SageMaker would not take.
    """
    if not container.sections("environmentFrom"):
        return served
    return replace(served, variables=merge_environment(container, inherited, longest=LONGEST_VARIABLE))


def check_code(container: Section) -> None:
    """Refuse inference code that there is no one archive for.

    Source: https://github.com/aws/sagemaker-scikit-learn-container (handler_service.py, mms_patch)

    Raises:
        SpecError: the container serves many models.
    """
    if container.text("mode") != MULTI_MODEL:
        return
    message = (
        "is packed into a model's archive, and a MultiModel container has many: pack the code into each of them under "
        "code/, or, for scikit-learn and XGBoost, give its archive on S3 in environment.SAGEMAKER_SUBMIT_DIRECTORY "
        "and the script in environment.SAGEMAKER_PROGRAM"
    )
    raise SpecError(f"{container.path}.source", message)


def with_code(served: Served, source: Section, place: Place, *, repacked_uri: str) -> Served:
    """The same with the manifest's inference code, whose archive lies at `repacked_uri`."""
    script = source.required_text("entryPoint", hint="name the inference script, such as inference.py")
    environment = {**served.environment, **script_variables(script, CODE_IN_MODEL, region=place.region)}
    return replace(served, model_data_url=repacked_uri, environment=environment)


def _from_trained(trained: TrainedModel, place: Place, *, own_image: str | None) -> Served:
    if own_image:
        return Served(image=own_image, model_data_url=trained.artifact, vouched_url=trained.vouched_artifact)
    image = trained.serving_image(
        region=place.region, instance_type=place.instance_type, instance_field=place.instance_field
    )
    script = {}
    if trained.entry_point and trained.source_uri:
        # The training script has the functions that serve, too.
        script = script_variables(trained.entry_point, trained.source_uri, region=place.region)
    return Served(
        image=image, model_data_url=trained.artifact, vouched_url=trained.vouched_artifact, environment=script
    )
