"""What this runner knows of compiled pipelines. The rest it refuses by name, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from support.kfp_runner.inputs import Facts
from support.kfp_runner.ir import Compiled, Spec, parameters_of

_PLACEHOLDERS: Final = Facts(run_id="", run_name="", display_name="").placeholders.keys()
# Of these a driver replaces one that is the whole of an argument; elsewhere they stay as they are.
_OF_A_RUN: Final = re.compile(r"\{\{\$\.pipeline_(job|task)_\w+\}\}")
_WORKSPACE: Final = "{{$.workspace_path}}"
# Words of a container that say of what to put them together.
_CONDITIONAL: Final = re.compile(r'^\{"(IfPresent|Concat)":')


def check(compiled: Compiled) -> None:
    """Refuse a pipeline that has what this runner does not know.

    Raises:
        NotImplementedError: it has; with all that there is of it.
    """
    found = [*_of_executors(compiled)]
    for component in (compiled.root, *compiled.components.values()):
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            found += [f"{what} ({name})" for what in _of_task(task, compiled)]
        found += [*_of_inputs(component), *_of_outputs(component.get("dag", {}).get("outputs", {}))]
    if found:
        raise NotImplementedError(f"this runner has no {', '.join(found)}")


def _of_executors(compiled: Compiled) -> Iterator[str]:
    for label, executor in compiled.executors.items():
        if "container" not in executor:
            yield f"{', '.join(executor)} ({label})"
        container = executor.get("container", {})
        for word in (*container.get("command", []), *container.get("args", [])):
            yield from (f"{each} ({label})" for each in _CONDITIONAL.findall(word))


def _of_task(task: Spec, compiled: Compiled) -> Iterator[str]:
    if "artifactIterator" in task:
        yield "dsl.ParallelFor over artifacts"
    if "parameterIterator" in task and "outputs" in compiled.components[task["componentRef"]["name"]].get("dag", {}):
        yield "dsl.Collected"
    if "cacheKey" in task.get("cachingOptions", {}):
        yield "cache key of one's own"
    for spec in task.get("inputs", {}).get("parameters", {}).values():
        if "taskFinalStatus" in spec:
            yield "dsl.PipelineTaskFinalStatus"
        constant = spec.get("runtimeValue", {}).get("constant")
        if isinstance(constant, str) and _is_unknown(constant):
            yield f"placeholder {constant}"


def _is_unknown(constant: str) -> bool:
    return _WORKSPACE in constant or bool(_OF_A_RUN.fullmatch(constant) and constant not in _PLACEHOLDERS)


def _of_inputs(component: Spec) -> Iterator[str]:
    if any(spec["parameterType"] == "TASK_CONFIG" for spec in parameters_of(component).values()):
        yield "dsl.TaskConfig"


def _of_outputs(outputs: Spec) -> Iterator[str]:
    parameters, artifacts = outputs.get("parameters", {}).values(), outputs.get("artifacts", {}).values()
    if any("valueFromParameter" not in each for each in parameters) or any(
        len(each["artifactSelectors"]) != 1 for each in artifacts
    ):
        yield "dsl.OneOf"
