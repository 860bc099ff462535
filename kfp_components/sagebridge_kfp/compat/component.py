"""Components whose inputs may be texts, or come from parameters that are texts."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from kfp.dsl import PipelineTask, pipeline_channel, structures
from kfp.dsl.types import type_utils

from sagebridge_kfp.compat.parsing import Parser, boolean, listing, mapping, number, text, whole
from sagebridge_kfp.compile_checks import is_constant
from sagebridge_kfp.component import Op

_PARSERS: Final[Mapping[str, Parser]] = {
    "String": text,
    "Integer": whole,
    "Float": number,
    "Boolean": boolean,
    "Dict": mapping,
    "List": listing,
}
_TEXT: Final = "String"


class CompatOp(Op):
    """A component that takes texts for what is typed otherwise.

    A text that is written in the pipeline is read where the pipeline is compiled. One that is only known in a run
    (a parameter of another type, a text with a parameter in it) is read in the step: the task's component has an input
    of that type then, for Kubeflow Pipelines checks types where a pipeline is compiled.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str,
        kind: str,
        caches: bool,
        check_given: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        """Prepare.

        Args:
            function: as of any component.
            name: as of any component.
            kind: as of any component.
            caches: as of any component.
            check_given: refuses inputs that are certain to be refused in the step; is given those that are constants.
        """
        super().__init__(function, name=name, kind=kind, caches=caches)
        self._check_given = check_given

    def __call__(self, *args: Any, **inputs: Any) -> PipelineTask:
        """Make a task of a pipeline; outside of one, kfp.local runs it.

        Raises:
            InputError: a text that is written in the pipeline can't be read, or a constant is certain to be refused;
                names the input.
            TypeError: an input is unknown or missing, or is given without its name.
        """
        declared = self.component_spec.inputs or {}
        types = {name: _arriving(value, declared[name]) for name, value in inputs.items() if name in declared}
        read = {name: _read(value, name, types.get(name)) for name, value in inputs.items()}
        given = {name: value for name, value in read.items() if value is not None}
        if self._check_given is not None:
            self._check_given({name: value for name, value in given.items() if is_constant(value)})
        others = {name: arriving for name, arriving in types.items() if arriving != declared[name].type}
        return Op.__call__(_with_types(self, others) if others else self, *args, **given)


def _arriving(value: Any, declared: structures.InputSpec) -> str:
    """The type that an input has to have for this value."""
    if isinstance(value, pipeline_channel.PipelineParameterChannel):
        same = _ir(value.channel_type) == _ir(declared.type)
        return str(declared.type if same else value.channel_type)
    if isinstance(value, str) and pipeline_channel.extract_pipeline_channels_from_any(value):
        return _TEXT
    return str(declared.type)


def _ir(declared: str) -> Any:
    return type_utils.get_parameter_type_name(declared)


def _read(value: Any, name: str, arriving: str | None) -> Any:
    """A value that is written in the pipeline, read; whatever else as it is."""
    if isinstance(value, pipeline_channel.PipelineChannel) or arriving is None:
        return value
    if pipeline_channel.extract_pipeline_channels_from_any(value):
        return value
    if value == "" and arriving == _TEXT:
        return value
    parse = _PARSERS.get(arriving.partition("[")[0])
    return parse(value, name) if parse else value


def _with_types(component: CompatOp, types: Mapping[str, str]) -> CompatOp:
    other = copy.copy(component)
    other.component_spec = copy.copy(component.component_spec)
    declared = component.component_spec.inputs
    other.component_spec.inputs = {
        **declared,
        **{
            name: structures.InputSpec(type=kind, description=declared[name].description)
            for name, kind in types.items()
        },
    }
    return other
