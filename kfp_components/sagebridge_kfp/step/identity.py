"""Which step of which run this is: the same for each pod of one task, another for every other task.

Sources:
    https://argo-workflows.readthedocs.io/en/latest/fields/ (the annotation workflows.argoproj.io/node-name)
    https://www.kubeflow.org/docs/components/pipelines/ (the label pipeline/runid, KFP_POD_NAME and KFP_POD_UID)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.names import digest
from sagebridge.core.pipelines.marks import task_of

from sagebridge_kfp.step.failure import StepFailedError

RUN_VARIABLE: Final = "SAGEBRIDGE_RUN_ID"
NODE_VARIABLE: Final = "SAGEBRIDGE_NODE_NAME"
POD_NAME_VARIABLE: Final = "KFP_POD_NAME"
POD_UID_VARIABLE: Final = "KFP_POD_UID"

NAME_LIMIT: Final = 63
_NUMBER_ROOM: Final = 4
_ITERATION: Final = re.compile(r"\(\d+:.*\)$")
_NOT_TASKS: Final = frozenset({"executor", "main"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """A step of a run.

    Attributes:
        run: the run's id.
        task: the step within the run, with the iterations it is in, and without the number of a retry.
        task_name: what people call the task.
        pod: name and UID of the pod, with a slash between; empty outside of a cluster.
    """

    run: str
    task: str
    task_name: str
    pod: str = ""

    def step(self, kind: str) -> str:
        """Ten characters for what this step makes of a kind: the same for all pods of the task."""
        return digest(self.run, self.task, kind)

    def name(self, kind: str, *, readable: str = "", number: int = 1) -> str:
        """The name of the object that this step makes of a kind; at most 63 characters.

        Args:
            kind: such as ``TrainingJob``.
            readable: what it begins with; the task's name where it is empty.
            number: 1 for the first, 2 for the one after that has failed for good, and so on.
        """
        suffix = self.step(kind)
        room = NAME_LIMIT - len(suffix) - 1 - _NUMBER_ROOM
        words = re.sub(r"[^a-z0-9]+", "-", (readable or self.task_name).lower()).strip("-")
        begin = words[:room].strip("-") or kind.lower()
        return f"{begin}-{suffix}" if number == 1 else f"{begin}-{suffix}-{number}"


def spec_digest(spec: Mapping[str, Any]) -> str:
    """Ten characters that stand for a spec."""
    return digest(json.dumps(spec, sort_keys=True, default=str))


def identify(
    environment: Mapping[str, str], *, output_uri: str = "", spec: Mapping[str, Any] | None = None
) -> Identity:
    """Tell which step this is.

    Args:
        environment: the process's variables, which tell it in a pod.
        output_uri: one of the task's outputs, which tells it elsewhere.
        spec: what it wants. On a laptop all tasks of one component and all iterations of a loop share one folder of
            outputs, so that only what they want tells them apart.

    Raises:
        StepFailedError: neither tells.
    """
    name, uid = environment.get(POD_NAME_VARIABLE, ""), environment.get(POD_UID_VARIABLE, "")
    pod = f"{name}/{uid}" if name and uid else ""
    run, node = environment.get(RUN_VARIABLE, ""), environment.get(NODE_VARIABLE, "")
    if run and node:
        task = task_of(node)
        return Identity(run=run, task=task, task_name=_task_name(task), pod=pod)
    if not output_uri:
        raise StepFailedError(
            f"Nothing tells which step of which run this is: neither {RUN_VARIABLE} and {NODE_VARIABLE}, which the "
            "components of sagebridge_kfp set, nor a folder of outputs."
        )
    return _from_outputs(output_uri, spec=spec or {}, pod=pod)


def _task_name(node: str) -> str:
    parts = [_ITERATION.sub("", part) for part in _parts_of_node(node)]
    return next((part for part in reversed(parts) if part and part not in _NOT_TASKS), "step")


def _parts_of_node(node: str) -> list[str]:
    """The parts between full stops, of which the item of a loop may have some too."""
    return re.split(r"\.(?![^()]*\))", node)


def _from_outputs(output_uri: str, *, spec: Mapping[str, Any], pod: str) -> Identity:
    folder, _, _ = output_uri.rstrip("/").rpartition("/")
    parts = [part for part in folder.split("/") if part]
    if "://" in output_uri and not output_uri.startswith("file://"):
        # <root>/<pipeline>/<run id>/<task>/<salt>/<name>: a retried pod is given the same.
        run, task_name = _at(parts, -3), _at(parts, -2)
    else:
        run, task_name = _at(parts, -2), _at(parts, -1)
    return Identity(run=run, task=f"{folder}#{spec_digest(spec)}", task_name=task_name, pod=pod)


def _at(parts: list[str], position: int) -> str:
    return parts[position] if len(parts) >= -position else "local"
