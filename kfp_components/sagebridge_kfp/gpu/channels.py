"""Values that are known only when a pipeline runs.

A placement follows from what is asked for when the pipeline is compiled. Kubeflow Pipelines itself takes a whole
node selector, a list of tolerations and names of Secrets from a pipeline's inputs, since it need not understand them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from kfp.dsl.for_loop import LoopArgumentVariable, LoopParameterArgument
from kfp.dsl.pipeline_channel import PipelineParameterChannel, extract_pipeline_channels_from_any

from sagebridge_kfp.gpu.errors import OnGpuError

_OF_LOOPS: Final = (LoopParameterArgument, LoopArgumentVariable)
"""Of whose type the SDK knows nothing, unless the items stand in the pipeline."""


def is_channel(value: object) -> bool:
    """Whether a value is an input of the pipeline, the output of another step, or the item of a loop."""
    return isinstance(value, PipelineParameterChannel)


def refuse_channels(values: Mapping[str, Any]) -> None:
    """Refuse values, by the argument, that are known only when the pipeline runs.

    Raises:
        OnGpuError: one of them is, or has one within.
    """
    for argument, value in values.items():
        channels = extract_pipeline_channels_from_any(value)
        if channels:
            message = (
                f"{channels[0].full_name} is known only when the pipeline runs, and the step is placed when it is "
                "compiled: give a value, or one step for each under dsl.If"
            )
            raise OnGpuError(argument, message)


def input_of_type(value: object, argument: str, types: Sequence[str]) -> PipelineParameterChannel | None:
    """Return what an input of the pipeline may say when it runs; None for a value that is known already.

    Args:
        value: of an argument.
        argument: the argument's name.
        types: the types of inputs that Kubeflow Pipelines' driver understands there.

    Raises:
        OnGpuError: the input is of another type.
    """
    if not isinstance(value, PipelineParameterChannel):
        return None
    word = str(value.channel_type).partition("[")[0]
    if word not in types and not isinstance(value, _OF_LOOPS):
        wanted = " or a ".join(each.lower() for each in types)
        raise OnGpuError(argument, f"{value.full_name} must be a {wanted}, and is a {word}")
    return value
