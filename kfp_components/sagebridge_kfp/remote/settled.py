"""What a component's settings must be to go into a pipeline: settled, and such that the step can work by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from kfp.dsl import pipeline_channel

from sagebridge_kfp.remote.settings import PROCESSING, TRAINING, Settings
from sagebridge_kfp.specs.errors import InputError

_PLACEHOLDER: Final = "{{$"
_BY_THE_STEP: Final = "the step says it, for that is how the function gets to the job and its results come back"
_OVERRIDES: Final[Mapping[str, Mapping[str, str]]] = {
    TRAINING: {
        "target": "set the argument target",
        "algorithm": "set the argument image",
        "algorithmSpecification.trainingImage": "set the argument image",
        "algorithmSpecification.algorithmName": "set the argument image",
        "algorithmSpecification.containerEntrypoint": _BY_THE_STEP,
        "algorithmSpecification.containerArguments": _BY_THE_STEP,
        "inputDataConfig": _BY_THE_STEP,
    },
    PROCESSING: {
        "target": "set the argument target",
        "appSpecification.imageUri": "set the argument image",
        "appSpecification.containerEntrypoint": _BY_THE_STEP,
        "appSpecification.containerArguments": _BY_THE_STEP,
        "processingInputs": _BY_THE_STEP,
        "processingOutputConfig.outputs": _BY_THE_STEP,
    },
}
"""Fields that `spec_overrides` may not have, and why, by the argument `job`."""

_VALUES: Final = {
    "algorithmSpecification.trainingInputMode": ("Pipe", "the function reads files"),
    "outputDataConfig.compressionType": ("NONE", "the step reads the results from the archive"),
}
"""Values that single fields may not have there, and why."""

_MISSING: Final = object()


def check_settled(given: Mapping[str, Any]) -> None:
    """Check that nothing comes from a run: parameters of the pipeline, outputs of tasks, placeholders.

    Args:
        given: the arguments, by name.

    Raises:
        InputError: something does; names the argument.
    """
    for name, value in given.items():
        if _PLACEHOLDER in str(value) or pipeline_channel.extract_pipeline_channels_from_any(_plain(value)):
            message = (
                "comes from a parameter, a task or a placeholder of the pipeline, and must be known where the pipeline "
                "is compiled: what differs from run to run is an input of the component"
            )
            raise InputError(name, message)


def check_overrides(settings: Settings) -> None:
    """Check that `spec_overrides` leaves alone what brings the function to the job, and its results back.

    Raises:
        InputError: it does not; names the field.
    """
    for path, why in _OVERRIDES[settings.job].items():
        if _at(settings.spec_overrides, path) is not _MISSING:
            raise InputError(f"spec_overrides.{path}", f"can't be set here: {why}")
    for path, (value, why) in _VALUES.items():
        if _at(settings.spec_overrides, path) == value:
            raise InputError(f"spec_overrides.{path}", f"can't be {value!r}: {why}")


def _plain(value: Any) -> Any:
    """A value as kfp looks into it, which knows lists and dictionaries."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return _MISSING
        value = value[name]
    return value
