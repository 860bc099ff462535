"""The inputs of a task, as the driver finds them: `resolveInputs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from support.kfp_runner import store
from support.kfp_runner.ir import Spec, parameters_of
from support.kfp_runner.records import Outputs
from support.kfp_runner.values import RefusedError, check_type, select, strict_json, typed

Artifacts = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Inputs:
    """What a task or a DAG is given."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Artifacts = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What placeholders of a run stand for.

    Attributes:
        run_id: the run's.
        run_name: the Workflow's name.
        display_name: what people call the run.
        dag_id: the execution of the DAG that the task is in.
        task: the task's name in that DAG.
    """

    run_id: str
    run_name: str
    display_name: str
    dag_id: str = ""
    task: str = ""

    def resolve(self, constant: Any) -> Any:
        """A constant argument; only one that is a placeholder and nothing else is replaced."""
        return self.placeholders.get(constant, constant) if isinstance(constant, str) else constant

    @property
    def placeholders(self) -> Mapping[str, str]:
        """What is replaced, and by what."""
        return {
            "{{$.pipeline_job_name}}": self.display_name,
            "{{$.pipeline_job_resource_name}}": self.run_name,
            "{{$.pipeline_job_uuid}}": self.run_id,
            "{{$.pipeline_task_name}}": self.task,
            # The execution of the DAG, not of the task: all tasks of a DAG have the same.
            "{{$.pipeline_task_uuid}}": self.dag_id,
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """What the tasks of a DAG can see.

    Attributes:
        inputs: the DAG's.
        outputs: those of the DAG's tasks that have ended well, by name.
    """

    inputs: Inputs
    outputs: Mapping[str, Outputs]


def of_root(component: Spec, arguments: Mapping[str, Any]) -> Inputs:
    """What a pipeline is given: a run's arguments, and defaults; null where there is neither.

    Raises:
        RefusedError: an argument is unknown or missing, or is of another type, of which nothing is made here.
    """
    known = parameters_of(component)
    if unknown := arguments.keys() - known.keys():
        raise RefusedError(f"the pipeline has no parameter {', '.join(sorted(unknown))}")
    for name, value in arguments.items():
        check_type(name, value, known[name]["parameterType"])
    for name, spec in known.items():
        if name not in arguments and "defaultValue" not in spec and not spec.get("isOptional"):
            raise RefusedError(f"parameter {name!r} is missing")
    return Inputs(parameters={name: spec.get("defaultValue") for name, spec in known.items()} | dict(arguments))


def of_task(task: Spec, component: Spec, scope: Scope, facts: Facts) -> Inputs:
    """What a task is given.

    A container gets its defaults from the launcher, so that they are no part of this, nor of the cache's key.

    Raises:
        RefusedError: something is not there, or is of another type.
    """
    given = task.get("inputs", {})
    found = _defaults_of_dag(task, component) if "dag" in component else {}
    for name, spec in given.get("parameters", {}).items():
        value = _parameter(name, spec, scope, facts)
        if value is None and "componentInputParameter" in spec:
            if not parameters_of(component).get(name, {}).get("isOptional"):
                raise RefusedError(f"resolving {name!r}: the resolved input parameter is null")
            continue
        if selector := spec.get("parameterExpressionSelector"):
            value = select(value, selector)
        found[name] = value
    artifacts = {name: _artifact(name, spec, scope) for name, spec in given.get("artifacts", {}).items()}
    return Inputs(parameters=checked(component, found, without=_loop_inputs(task)), artifacts=artifacts)


def of_iteration(task: Spec, component: Spec, inputs: Inputs, item: Any) -> Inputs:
    """What one iteration of a loop is given.

    Raises:
        RefusedError: the item is of another type than the loop's tasks take.
    """
    iterator = task["parameterIterator"]
    items = iterator["items"].get("inputParameter", "")
    found = {name: value for name, value in inputs.parameters.items() if name != items}
    found[iterator["itemInput"]] = item
    return Inputs(parameters=checked(component, found, without={items}), artifacts=inputs.artifacts)


def items_of(task: Spec, inputs: Inputs) -> list[Any]:
    """What a loop goes over.

    Raises:
        RefusedError: it is no list.
    """
    items = task["parameterIterator"]["items"]
    if "raw" in items:
        found = strict_json(items["raw"])
    elif items["inputParameter"] in inputs.parameters:
        found = inputs.parameters[items["inputParameter"]]
    else:
        raise RefusedError("iterating on item input failed: cannot find input parameter")
    if isinstance(found, str):
        found = strict_json(found)
    if not isinstance(found, list):
        raise RefusedError(f"iterating on item input failed: {found!r} is no list")
    return found


def checked(component: Spec, found: Mapping[str, Any], *, without: set[str]) -> dict[str, Any]:
    """The parameters, each of the type that the component wants; those that it does not know stay as they are."""
    values = dict(found)
    for name, spec in parameters_of(component).items():
        if name in without:
            continue
        if name not in values:
            if not spec.get("isOptional") and "defaultValue" not in spec:
                raise RefusedError(f"neither value nor default value provided for non-optional parameter {name!r}")
            continue
        if values[name] is None and spec.get("isOptional"):
            continue
        values[name] = typed(name, values[name], spec["parameterType"])
    return values


def _loop_inputs(task: Spec) -> set[str]:
    """What only the iterations of a loop are given."""
    iterator = task.get("parameterIterator")
    return {iterator["itemInput"]} if iterator else set()


def _defaults_of_dag(task: Spec, component: Spec) -> dict[str, Any]:
    given = task.get("inputs", {}).get("parameters", {})
    optional = {name: spec for name, spec in parameters_of(component).items() if spec.get("isOptional")}
    return {name: spec.get("defaultValue") for name, spec in optional.items() if name not in given}


def _parameter(name: str, spec: Spec, scope: Scope, facts: Facts) -> Any:
    if "runtimeValue" in spec:
        return facts.resolve(spec["runtimeValue"]["constant"])
    if "componentInputParameter" in spec:
        wanted = spec["componentInputParameter"]
        if wanted not in scope.inputs.parameters:
            raise RefusedError(f"resolving {name!r}: parent DAG does not have input parameter {wanted}")
        return scope.inputs.parameters[wanted]
    if "taskOutputParameter" in spec:
        source = spec["taskOutputParameter"]
        outputs = _producer(source["producerTask"], scope).parameters
        if source["outputParameterKey"] not in outputs:
            raise RefusedError(f"resolving {name!r}: cannot find output parameter key {source['outputParameterKey']!r}")
        return outputs[source["outputParameterKey"]]
    raise NotImplementedError(f"this runner has no inputs as {name!r} is: {sorted(spec)}")


def _artifact(name: str, spec: Spec, scope: Scope) -> Sequence[Mapping[str, Any]]:
    if "componentInputArtifact" in spec:
        wanted = spec["componentInputArtifact"]
        if wanted not in scope.inputs.artifacts:
            raise RefusedError(f"resolving {name!r}: parent DAG does not have input artifact {wanted}")
        return [store.of_dag(each) for each in scope.inputs.artifacts[wanted]]
    source = spec["taskOutputArtifact"]
    outputs = _producer(source["producerTask"], scope).artifacts
    if source["outputArtifactKey"] not in outputs:
        raise RefusedError(f"resolving {name!r}: cannot find output artifact key {source['outputArtifactKey']!r}")
    return [store.of_task(each) for each in outputs[source["outputArtifactKey"]]]


def _producer(task: str, scope: Scope) -> Outputs:
    if task not in scope.outputs:
        raise RefusedError(f"producer task {task} has given nothing on")
    return scope.outputs[task]
