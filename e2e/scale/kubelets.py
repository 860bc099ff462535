"""kwok as the kubelets of the fleet: pods prepare, train, upload and end, as their status would say it.

Sources:
    https://kwok.sigs.k8s.io/docs/user/stages-configuration/
    https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml
from sagebridge_local.golang import kwok_binary
from sagebridge_local.stack import ControlPlane
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.state import Record
from sagebridge_local.stack.supervisor import Supervisor

from scale.fleet import FAKE
from scale.workload import FAILS

_NAME = "kwok"
_RANK = "batch.kubernetes.io/job-completion-index"
_TRAINING_MILLISECONDS = (3_000, 9_000)
_BRIEF_MILLISECONDS = (500, 1_500)
_DELETED = ".metadata.deletionTimestamp"
_PHASE = ".status.phase"
_PREPARES = ".status.initContainerStatuses.[].state.running.startedAt"
_TRAINS = '.status.containerStatuses.[] | select(.name == "train") | .state.running.startedAt'
_IMAGE = '.spec.containers.[] | select(.name == "train") | .image'
_RANK_OF = f'.metadata.annotations["{_RANK}"]'

Expression = dict[str, Any]


class Kubelets:
    """The process. Its nodes don't report: see `fast.FastControlPlane`."""

    def __init__(self, directory: Path, control_plane: ControlPlane) -> None:
        self._supervisor = Supervisor(directory)
        self._config = directory / "kwok.yaml"
        self._config.write_text(yaml.safe_dump_all([_options(), *_stages()]))
        self._kubeconfig = control_plane.kubeconfig

    def start(self) -> None:
        """Start it; it begins by itself when it has the nodes."""
        command = (
            str(kwok_binary()),
            f"--config={self._config}",
            f"--kubeconfig={self._kubeconfig}",
            f"--manage-nodes-with-annotation-selector={FAKE}=fake",
            "--node-lease-duration-seconds=0",
        )
        component = Component(
            name=_NAME,
            command=command,
            ready=lambda: True,
            address="",
            directory=self._supervisor.directory,
            environment={"GOGC": "400"},
            inputs=(self._config,),
        )
        with self._supervisor.locked():
            self._supervisor.ensure([component])

    @property
    def process(self) -> Record | None:
        """It, if it runs."""
        return self._supervisor.alive(_NAME)

    @property
    def log(self) -> Path:
        """What it says."""
        return self._supervisor.log(_NAME)

    def stop(self) -> None:
        """End it."""
        with self._supervisor.locked():
            self._supervisor.stop([_NAME], grace=1.0)


def _options() -> dict[str, Any]:
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokConfiguration",
        "options": {
            "podPlayStageParallelism": 32,
            "nodePlayStageParallelism": 4,
            "podsOnNodeSyncParallelism": 4,
            "nodeLeaseParallelism": 4,
            "cidr": "10.0.0.1/24",
        },
    }


def _stages() -> list[dict[str, Any]]:
    alive, running = _missing(_DELETED), _in(_PHASE, "Running")
    works, rank_0 = _not_in(_IMAGE, FAILS), _in(_RANK_OF, "0")
    is_new = (_in(_PHASE, "Pending"), _missing(".status.initContainerStatuses"))
    return [
        # Without a stage for nodes kwok looks after none.
        _stage("node", [_in(".metadata.name", "none")], template="phase: Running", kind="Node"),
        _stage("prepare", [alive, *is_new, rank_0], _PREPARING),
        # Most pods are of other ranks. That they prepare is not told: each status is a write of the whole pod.
        _stage("train-at-once", [alive, *is_new, _not_in(_RANK_OF, "0")], _TRAINING_AT_ONCE, delay=_BRIEF_MILLISECONDS),
        _stage(
            "train",
            [alive, _in(_PHASE, "Pending"), _there(_PREPARES)],
            _TRAINING,
            delay=_BRIEF_MILLISECONDS,
        ),
        _stage(
            "succeed",
            [alive, running, works, _not_in(_RANK_OF, "0"), _there(_TRAINS)],
            _ended("Succeeded", code=0, message=_said()),
            delay=_TRAINING_MILLISECONDS,
        ),
        _stage("upload", [alive, running, works, rank_0, _there(_TRAINS)], _UPLOADING, delay=_TRAINING_MILLISECONDS),
        _stage(
            "uploaded",
            [alive, running, works, rank_0, _missing(_TRAINS)],
            _ended("Succeeded", code=0, message=_said('"model": "s3://sagebridge-local/output/model.tar.gz", ')),
            delay=_BRIEF_MILLISECONDS,
        ),
        _stage(
            "fail",
            [alive, running, _in(_IMAGE, FAILS), _there(_TRAINS)],
            _ended("Failed", code=1, message=_said('"failure": "RuntimeError: loss is NaN", ')),
            delay=_BRIEF_MILLISECONDS,
        ),
        _stage("end-new", [_there(_DELETED), _in(_PHASE, "Pending"), _missing(_PREPARES)], _template(phase="Failed")),
        _stage("end-preparing", [_there(_DELETED), _in(_PHASE, "Pending"), _there(_PREPARES)], _UNPREPARED),
        _stage(
            "end-training",
            [_there(_DELETED), running],
            _ended("Failed", code=143, message='{"stopped": "Terminated"}'),
        ),
        _stage("delete", [_there(_DELETED), _in(_PHASE, "Succeeded", "Failed"), _missing(".metadata.finalizers")]),
    ]


def _stage(
    name: str,
    expressions: Sequence[Expression],
    template: str = "",
    *,
    delay: tuple[int, int] = (0, 0),
    kind: str = "Pod",
) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": list(expressions)},
            "delay": {"durationMilliseconds": delay[0], "jitterDurationMilliseconds": delay[1]},
            "next": {"patches": [_patch(template)]} if template else {"delete": True},
        },
    }


def _patch(template: str) -> dict[str, str]:
    """A change of the status that it was made for, and of no later one.

    A stage is played for each event that shows a pod in want of it, also for those that tell of what was before it was
    played: a container would end again and again, each time later, and its job's pods were deleted before it ended.
    """
    version = _template(metadata={"resourceVersion": "{{ .metadata.resourceVersion }}"})
    return {"subresource": "status", "type": "strategic", "template": f"{version}status:\n{indent(template, '  ')}"}


def _in(key: str, *values: str) -> Expression:
    return {"key": key, "operator": "In", "values": list(values)}


def _not_in(key: str, *values: str) -> Expression:
    return {"key": key, "operator": "NotIn", "values": list(values)}


def _there(key: str) -> Expression:
    return {"key": key, "operator": "Exists"}


def _missing(key: str) -> Expression:
    return {"key": key, "operator": "DoesNotExist"}


def _said(more: str = "") -> str:
    """The agent's last words, as it writes them."""
    started = '"trainingStartTime": "{{ .status.startTime }}"'
    return f'{{"stopped": "", {more}{started}, "trainingEndTime": "{{{{ Now }}}}"}}'


def _container(name: str, state: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "image": "fake",
        "imageID": "",
        "ready": "running" in state,
        "restartCount": 0,
        "state": dict(state),
    }


_NOW = "{{ Now }}"
_BEGAN = "{{ .status.startTime }}"
_RUNNING = {"running": {"startedAt": _NOW}}
_WAITING = {"waiting": {"reason": "PodInitializing"}}


def _terminated(*, code: int, message: str = "", since: str = _BEGAN) -> dict[str, Any]:
    state = {
        "exitCode": code,
        "reason": "Error" if code else "Completed",
        "startedAt": since,
        "finishedAt": _NOW,
    }
    return {"terminated": {**state, **({"message": message} if message else {})}}


def _initialized(status: str) -> dict[str, str]:
    return {"type": "Initialized", "status": status, "lastTransitionTime": _NOW}


def _template(**given: Any) -> str:
    """What is given as a template; dumped wide, since a break in a template's braces would be none of YAML's."""
    return yaml.safe_dump(given, width=10_000)


_PREPARING = _template(
    phase="Pending",
    startTime=_NOW,
    conditions=[_initialized("False")],
    initContainerStatuses=[_container("prepare", _RUNNING)],
    containerStatuses=[_container("train", _WAITING), _container("agent", _WAITING)],
)
_UNPREPARED = _template(phase="Failed", initContainerStatuses=[_container("prepare", _terminated(code=143))])


def _trains(*, since: str, **more: Any) -> str:
    return _template(
        phase="Running",
        conditions=[_initialized("True"), {"type": "Ready", "status": "True", "lastTransitionTime": _NOW}],
        initContainerStatuses=[_container("prepare", _terminated(code=0, since=since))],
        containerStatuses=[_container("train", _RUNNING), _container("agent", _RUNNING)],
        **more,
    )


_TRAINING = _trains(since=_BEGAN)
_TRAINING_AT_ONCE = _trains(since=_NOW, startTime=_NOW)
_UPLOADING = _template(
    containerStatuses=[_container("train", _terminated(code=0)), _container("agent", _RUNNING)],
)


def _ended(phase: str, *, code: int, message: str) -> str:
    return _template(
        phase=phase,
        conditions=[{"type": "Ready", "status": "False", "reason": "PodCompleted", "lastTransitionTime": _NOW}],
        containerStatuses=[
            _container("train", _terminated(code=code)),
            _container("agent", _terminated(code=0, message=message)),
        ],
    )
