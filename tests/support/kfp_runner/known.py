"""What this runner knows of compiled pipelines. The rest it refuses by name, before anything runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from support.kfp_runner.inputs import Facts
from support.kfp_runner.ir import Compiled, Spec

_PLACEHOLDERS: Final = Facts(run_id="", run_name="", display_name="").placeholders.keys()
# Of these a driver replaces one that is the whole of an argument; elsewhere they stay as they are.
_OF_A_RUN: Final = re.compile(r"\{\{\$\.(pipeline_(job|task)_\w+|workspace_path)\}\}")


def check(compiled: Compiled) -> None:
    """Refuse a pipeline that has what this runner does not know.

    Raises:
        NotImplementedError: it has; with all that there is of it.
    """
    found = [*_of_executors(compiled)]
    for component in (compiled.root, *compiled.components.values()):
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            found += [f"{what} ({name})" for what in _of_task(task, compiled)]
        found += _of_outputs(component.get("dag", {}).get("outputs", {}))
    if found:
        raise NotImplementedError(f"this runner has no {', '.join(found)}")


def _of_executors(compiled: Compiled) -> Iterator[str]:
    for label, executor in compiled.executors.items():
        if "container" not in executor:
            yield f"{', '.join(executor)} ({label})"


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
        if isinstance(constant, str) and _OF_A_RUN.fullmatch(constant) and constant not in _PLACEHOLDERS:
            yield f"placeholder {constant}"


def _of_outputs(outputs: Spec) -> Iterator[str]:
    parameters, artifacts = outputs.get("parameters", {}).values(), outputs.get("artifacts", {}).values()
    if any("valueFromParameter" not in each for each in parameters) or any(
        len(each["artifactSelectors"]) != 1 for each in artifacts
    ):
        yield "dsl.OneOf"
