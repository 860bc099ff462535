"""What earlier tasks have given on, by what they were given."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field

from support.kfp_runner.inputs import Inputs
from support.kfp_runner.ir import Spec, outputs_of
from support.kfp_runner.records import Outputs
from support.kfp_runner.values import as_written


def fingerprint(component: Spec, container: Spec, inputs: Inputs) -> str:
    """The key of a task: its inputs, its outputs' types, its image and its command. Its environment is no part of it.

    Args:
        component: the task's component.
        container: what it runs.
        inputs: what it is given; of artifacts, their names count, which are their ids in the store of metadata.
    """
    parameters, artifacts = outputs_of(component)
    key = {
        "inputArtifactNames": {name: [one["name"] for one in found] for name, found in inputs.artifacts.items()},
        "inputParameterValues": as_written(dict(inputs.parameters)),
        "outputArtifactsSpec": {name: {"name": name, "type": spec["artifactType"]} for name, spec in artifacts.items()},
        "outputParametersSpec": {name: spec["parameterType"] for name, spec in parameters.items()},
        "containerSpec": {
            "image": container["image"],
            "cmdArgs": [*container.get("command", []), *container.get("args", [])],
        },
    }
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """The cache of one namespace, which its runs share."""

    _found: dict[tuple[str, str], Outputs] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, pipeline: str, key: str) -> Outputs | None:
        """What the newest task of this key in runs of a pipeline has given on."""
        with self._lock:
            return self._found.get((pipeline, key))

    def keep(self, pipeline: str, key: str, outputs: Outputs) -> None:
        """Keep what a task has given on."""
        with self._lock:
            self._found[pipeline, key] = outputs
