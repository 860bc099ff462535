"""A typed function as a component of Kubeflow Pipelines.

The component is a lightweight one, so that kfp.local runs it as well, but what it brings along is not the function's
source: it is the name under which the steps' image, which is of the same version, has the function.
"""

from __future__ import annotations

import copy
import dataclasses
import inspect
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

import docstring_parser
from kfp import kubernetes
from kfp.dsl import PIPELINE_JOB_ID_PLACEHOLDER, PipelineTask, component_factory, pipeline_context, structures
from kfp.dsl.python_component import PythonComponent
from kfp.dsl.types import type_utils
from sagebridge import __version__

from sagebridge_kfp.compile_checks import Check, check_constants

IMAGE_VARIABLE: Final = "SAGEBRIDGE_KFP_IMAGE"
"""The environment variable that names another image for the steps, where pipelines are compiled."""

IDENTITY: Final = {
    "SAGEBRIDGE_RUN_ID": "metadata.labels['pipeline/runid']",
    "SAGEBRIDGE_NODE_NAME": "metadata.annotations['workflows.argoproj.io/node-name']",
}
"""By what a step knows its run and its place in it, whichever of its pods it is: variables, and fields of the pod."""


_REFERENCES: Final = ("training_job", "tuning_job", "model_name")

RUN_INPUT: Final = "run_id"
"""An input of components that are never cached: the run, so that no run finds the outputs of another one.

A task's own options do not say enough: `enable_caching=True` of a run overrides them. What the cache compares are the
inputs. https://www.kubeflow.org/docs/components/pipelines/user-guides/core-functions/caching/
"""


def image() -> str:
    """The image that steps run in: of this version, unless the environment names another."""
    return os.environ.get(IMAGE_VARIABLE) or f"ghcr.io/sagebridge/sagebridge-kfp:{__version__}"


def identify(task: PipelineTask) -> None:
    """Let a task's pods know who they are; only a pipeline's have any."""
    for variable, field in IDENTITY.items():
        kubernetes.use_field_path_as_env(task, variable, field)


class Op(PythonComponent):  # type: ignore[misc]
    """A component whose tasks know who they are.

    Attributes:
        check: what refuses wrong inputs in the step; None if that is not looked for before.
        kind: the kind of the objects that it makes; empty if it makes none.
        caches: whether a task with the same inputs may take the outputs of an earlier one.
    """

    def __init__(
        self, function: Callable[..., Any], *, name: str, kind: str, caches: bool, check: Check | None = None
    ) -> None:
        """Prepare.

        Args:
            function: what a step does, with typed inputs and outputs; it must be found in its module by its name.
            name: the component's, from which tasks have theirs.
            kind: see above.
            caches: see above.
            check: see above.
        """
        specification = _specification(function, name)
        if not caches:
            specification.inputs = {**(specification.inputs or {}), RUN_INPUT: _run_input()}
        super().__init__(component_spec=specification, python_func=function)
        self.kind = kind
        self.caches = caches
        self.check = check
        self.__doc__ = function.__doc__

    def __call__(self, *args: Any, **inputs: Any) -> PipelineTask:
        """Make a task of a pipeline; outside of one, kfp.local runs it.

        Raises:
            InputError: a constant is wrong, whatever is only known in a run; names the input.
            TypeError: an input is unknown or missing, or is given without its name.
        """
        self.component_spec.implementation.container.image = image()
        if pipeline_context.Pipeline.get_default_pipeline() is None:
            return PythonComponent.__call__(self._without_unused(inputs), *args, **inputs)
        if not self.caches:
            # The driver puts the run's id in the place of an argument that is this and nothing else.
            inputs.setdefault(RUN_INPUT, PIPELINE_JOB_ID_PLACEHOLDER)
        task = PythonComponent.__call__(self._without_unused(inputs), *args, **inputs)
        if self.check is not None:
            check_constants(self.check, inputs, self.component_spec.inputs or {})
        identify(task)
        if not self.caches or (self.kind and _changes_unseen(inputs)):
            task.set_caching_options(enable_caching=False)
        return task

    def _without_unused(self, inputs: Mapping[str, Any]) -> Op:
        """The component without artifacts that it is not given: kfp.local (2.16) can't do without the optional ones."""
        known: Mapping[str, structures.InputSpec] = self.component_spec.inputs or {}
        unused = {
            name for name, each in known.items() if each.optional and name not in inputs and not _is_parameter(each)
        }
        if not unused:
            return self
        fewer = copy.copy(self)
        used = {name: each for name, each in known.items() if name not in unused}
        fewer.component_spec = dataclasses.replace(self.component_spec, inputs=used)
        return fewer


def _is_parameter(given: structures.InputSpec) -> bool:
    return bool(type_utils.is_parameter_type(given.type))


def _changes_unseen(inputs: Mapping[str, Any]) -> bool:
    """Whether an input, as written, names an object of the cluster or a model, which may change under its name."""
    # What comes from elsewhere is not known here: a channel of the pipeline, not a text.
    given = {name: value for name, value in inputs.items() if isinstance(value, str) and value}
    is_config_map = not given.get("source", "s3://").startswith("s3://")
    return is_config_map or any(name in given for name in _REFERENCES)


def _specification(function: Callable[..., Any], name: str) -> structures.ComponentSpec:
    specification = component_factory.extract_component_interface(function, name=name)
    specification.implementation = structures.Implementation(container=_container(function))
    # kfp describes inputs and returned outputs, but not the artifacts that are among a function's arguments.
    for argument in docstring_parser.parse(inspect.getdoc(function) or "").params:
        output = (specification.outputs or {}).get(argument.arg_name)
        if output is not None and not output.description:
            output.description = argument.description
    return specification


def _run_input() -> structures.InputSpec:
    description = (
        "the run, which is filled in where the pipeline is compiled: nothing is taken from another run's cache."
    )
    return structures.InputSpec(type="String", default="", optional=True, description=description)


def _container(function: Callable[..., Any]) -> structures.ContainerSpecImplementation:
    name = function.__name__
    source = f"from {function.__module__} import {name} as component\n\n{name} = component.python_func\n"
    # As kfp starts a lightweight component: the executor wants a file, and at run time kfp needs no compiler.
    start = (
        'program_path=$(mktemp -d)\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
        f"_KFP_RUNTIME=true exec python3 -m {component_factory.EXECUTOR_MODULE} "
        '--component_module_path "$program_path/ephemeral_component.py" "$@"\n'
    )
    return structures.ContainerSpecImplementation(
        image=image(),
        command=["sh", "-ec", start, source],
        args=["--executor_input", "{{$}}", "--function_to_execute", name],
    )
