"""A step as Kubeflow Pipelines runs it: by kfp's own executor, with inputs as protobuf Structs carry them."""

import importlib
import inspect
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl.executor import Executor
from sagebridge_kfp import compat, ops
from sagebridge_kfp.component import Op
from sagebridge_kfp.step.run import Outcome, Wanted

SPECS = {
    "TrainingJobOp": ("training", "training_spec"),
    "HPTuningJobOp": ("tuning", "tuning_spec"),
    "BatchTransformOp": ("transform", "transform_spec"),
    "ProcessingJobOp": ("processing", "processing_spec"),
    "EndpointOp": ("endpoint", "endpoint_spec"),
}


def component(name: str) -> Op:
    """A component of this package, or of `compat`: `compat.train`."""
    return getattr(compat if name.startswith("compat.") else ops, name.rpartition(".")[2])


def defaults(name: str) -> dict[str, Any]:
    """The inputs of a component that need not be given."""
    parameters = inspect.signature(component(name).python_func).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty}


def spec_of(name: str, /, **inputs: Any) -> dict[str, Any]:
    """The spec that a component makes of its inputs."""
    module, function = SPECS[name]
    made = getattr(importlib.import_module(f"sagebridge_kfp.specs.{module}"), function)
    return made({**defaults(name), **inputs})


def as_struct(value: Any) -> Any:
    """A value after its way through a protobuf Struct, as kfp.local hands it on: each number is a float."""
    if isinstance(value, dict):
        return {key: as_struct(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_struct(item) for item in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(kw_only=True, slots=True)
class Ended:
    """What a step has left.

    Attributes:
        parameters: its output parameters.
        metadata: that of its output artifacts.
        contents: what is in their files.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)


def execute(name: str, directory: Path, /, *, files: dict[str, Path] | None = None, **inputs: Any) -> Ended:
    """Run a component's function in kfp's executor.

    Args:
        name: the component's.
        directory: for its outputs.
        files: the files of its input artifacts.
        **inputs: its parameters; those with defaults get them from the compiled component, as the driver does.
    """
    op = component(name)
    given = {key: each.default for key, each in (op.component_spec.inputs or {}).items() if each.default is not None}
    outputs = op.component_spec.outputs or {}
    artifacts = [key for key, each in outputs.items() if each.type.startswith("system.")]
    executor_input = {
        "inputs": {
            "parameterValues": as_struct({**given, **inputs}),
            "artifacts": {key: _artifact(key, path) for key, path in (files or {}).items()},
        },
        "outputs": {
            "artifacts": {key: _artifact(key, directory / key, outputs[key].type) for key in artifacts},
            "parameters": {
                key: {"outputFile": str(directory / "parameters" / key)} for key in outputs if key not in artifacts
            },
            "outputFile": str(directory / "executor_output.json"),
        },
    }
    path = Executor(executor_input=executor_input, function_to_execute=op.python_func).execute()
    assert path is not None
    told = json.loads(Path(path).read_text())
    return Ended(
        parameters=told.get("parameterValues", {}),
        metadata={key: each["artifacts"][0]["metadata"] for key, each in told.get("artifacts", {}).items()},
        contents={key: (directory / key).read_bytes() for key in artifacts},
    )


def _artifact(name: str, path: Path, kfp_type: str = "system.Artifact@0.0.1") -> dict[str, Any]:
    title = kfp_type.partition("@")[0]
    entry = {"name": name, "uri": str(path), "type": {"schemaTitle": title}, "metadata": {}}
    return {"artifacts": [entry]}


@dataclass(kw_only=True, slots=True)
class Runtime:
    """In the place of the cluster: remembers what a step wants, and answers with a status."""

    status: dict[str, Any] = field(default_factory=dict)
    wanted: list[Wanted] = field(default_factory=list)

    def run(self, wanted: Wanted) -> Outcome:
        self.wanted.append(wanted)
        body = {"metadata": {"name": "made"}, "spec": dict(wanted.spec), "status": self.status}
        return Outcome(name=wanted.name or "made", namespace="team", body=body)


def use_runtime(monkeypatch: pytest.MonkeyPatch, name: str, status: dict[str, Any]) -> Runtime:
    """Let a component's steps run without a cluster."""
    runtime = Runtime(status=status)
    module = importlib.import_module(component(name).python_func.__module__)
    monkeypatch.setattr(module, "run", runtime.run)
    return runtime
