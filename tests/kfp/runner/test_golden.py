"""The golden pipeline of all components, as the driver resolves it: each task gets what its component takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.kfp_runner import Compiled, Place, Pod, Run, State

GOLDEN = Path(__file__).parents[1] / "goldens" / "pipeline.yaml"
KINDS: dict[str, Any] = {"STRING": "text", "NUMBER_DOUBLE": 0.95, "STRUCT": {"trees": "20"}}


class Promised:
    """In the place of pods: gives on what the component has promised, and remembers the inputs."""

    def __init__(self, compiled: Compiled) -> None:
        self._outputs = {
            component["executorLabel"]: component.get("outputDefinitions", {}).get("parameters", {})
            for component in compiled.components.values()
            if "executorLabel" in component
        }
        self._functions = {label: executor["container"]["args"][-1] for label, executor in compiled.executors.items()}
        self.inputs: dict[str, Any] = {}

    def __call__(
        self, pod: Pod, command: Sequence[str], environment: Mapping[str, str], *, started: Callable[[Pod], None]
    ) -> int:
        pod.log.touch()
        told = json.loads(command[command.index("--executor_input") + 1])
        self.inputs[pod.task] = told["inputs"]["parameterValues"]
        [outputs, *_] = [self._outputs[label] for label, name in self._functions.items() if name == command[-1]]
        values = {name: KINDS[spec["parameterType"]] for name, spec in outputs.items()}
        Path(told["outputs"]["outputFile"]).write_text(json.dumps({"parameterValues": values}))
        return 0


def test_all_of_it_runs(tmp_path: Path) -> None:
    compiled = Compiled.load(GOLDEN)
    pods = Promised(compiled)
    run = Run(compiled, place=Place(directory=tmp_path), execute=pods)
    finished = run.run()

    assert finished.state is State.SUCCEEDED, finished.told()
    assert {record.state for record in finished.tasks.values()} == {State.SUCCEEDED}
    last = {path.rpartition("/")[2]: inputs for path, inputs in pods.inputs.items()}
    assert last["hp-tuning-job"]["channels"] == {"train": "text"}, "an output within a dictionary is filled in"
    assert last["hp-tuning-job"]["integer_ranges"] == {"trees": [10, 100]}
    assert last["training-job"]["hyperparameters"] == {"trees": "20"}
    assert last["endpoint"]["run_id"] == last["delete"]["run_id"] == run.id
    loops = [inputs for path, inputs in pods.inputs.items() if "[" in path]
    assert sorted(inputs["algorithm"] for inputs in loops) == ["knn", "linear-learner", "xgboost"]
