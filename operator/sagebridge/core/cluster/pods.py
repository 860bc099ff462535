"""A pod of a job as the API server shows it, read."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import format_time, parse_time
from sagebridge.core.cluster import writing
from sagebridge.core.cluster.names import (
    AGENT,
    ANNOTATION_ENDED,
    ANNOTATION_STOP,
    COMPLETION_INDEX,
    PREPARE,
    PROCESS,
    TRAIN,
    annotations_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DISRUPTION: Final = "DisruptionTarget"
"""The condition of a pod that the cluster took away."""

_FINISHED: Final = ("Succeeded", "Failed")
_NEVER: Final = datetime.min.replace(tzinfo=UTC)

# https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/container/runtime.go (ContainerReasonStatusUnknown)
# https://github.com/containerd/containerd/blob/main/internal/cri/server/helpers.go (unknownExitReason)
_LOST: Final = ("ContainerStatusUnknown", "Unknown")
_NO_TIME: Final = "1970-01-01T00:00:00Z"
"""What is said where containerd has no time, as of the start of a container that could not be started: its 0."""

DELETION: Final = ("deletionTimestamp", "deletionGracePeriodSeconds")
"""What a pod's metadata say of its deletion."""
_METADATA: Final = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "labels",
    "ownerReferences",
    *DELETION,
)
_ANNOTATIONS: Final = (COMPLETION_INDEX, ANNOTATION_ENDED, ANNOTATION_STOP)
_STATUS: Final = ("phase", "reason", "message", "conditions")
_END_TIMES: Final = ("trainingEndTime", "processingEndTime", "transformEndTime")
STATES: Final = ("initContainerStatuses", "containerStatuses")
"""Where a pod's status has those of its containers; those that begin first come first."""


def essence(body: Mapping[str, Any]) -> dict[str, Any]:
    """What `Pod` reads of a pod, and what tells which it is; a tenth of the whole, of which thousands are kept."""
    metadata, status = body["metadata"], body.get("status") or {}
    annotations = {key: value for key, value in annotations_of(body).items() if key in _ANNOTATIONS}
    states = {key: [_essence(one) for one in status[key] or ()] for key in STATES if key in status}
    return {
        "metadata": {**{key: metadata[key] for key in _METADATA if key in metadata}, "annotations": annotations},
        "spec": {"nodeName": (body.get("spec") or {}).get("nodeName")},
        "status": {**{key: status[key] for key in _STATUS if key in status}, **states},
    }


def _essence(container: Mapping[str, Any]) -> dict[str, Any]:
    # How it ended before may be forgotten once its pod ends; how often it did is not.
    again = {key: container[key] for key in ("lastState", "restartCount") if container.get(key)}
    return {"name": container["name"], "state": container.get("state") or {}, **again}


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerState:
    """One container of a pod.

    Attributes:
        waiting, running, terminated: what Kubernetes says, at most one of them not empty.
        last: how it ended before, for one that was started again; else empty.
        restarts: how often it was started again.
    """

    waiting: Mapping[str, Any]
    running: Mapping[str, Any]
    terminated: Mapping[str, Any]
    last: Mapping[str, Any] = field(default_factory=dict)
    restarts: int = 0

    @property
    def started_at(self) -> str | None:
        """When it started, RFC 3339; None if it did not."""
        return _time(self.running.get("startedAt") or self.terminated.get("startedAt"))

    @property
    def finished_at(self) -> str | None:
        """When it ended, RFC 3339; None if it did not, or nobody knows."""
        return _time(self.terminated.get("finishedAt"))

    @property
    def exit_code(self) -> int | None:
        """None while it has not ended."""
        return self.terminated.get("exitCode")

    @property
    def is_out_of_memory(self) -> bool:
        """Whether the kernel ended it for its memory limit."""
        return self.terminated.get("reason") == "OOMKilled"

    @property
    def is_lost(self) -> bool:
        """Whether it ended and nobody knows how, as where its node was restarted; its exit code means nothing."""
        return self.terminated.get("reason") in _LOST

    @property
    def message(self) -> Mapping[str, Any]:
        """What the agent said in its end; empty for what is none of its messages."""
        found = writing.read(self.terminated.get("message"))
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pod:
    """One host of a job."""

    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name, with the random part that each pod of a host has anew."""
        return str(self.body["metadata"]["name"])

    @property
    def index(self) -> int:
        """Its rank."""
        text = annotations_of(self.body).get(COMPLETION_INDEX, "")
        return int(text) if text.isdecimal() else 0

    @property
    def status(self) -> Mapping[str, Any]:
        """Its status; empty before the scheduler has seen it."""
        return self.body.get("status") or {}

    @property
    def phase(self) -> str:
        """Pending, Running, Succeeded, Failed or Unknown."""
        return str(self.status.get("phase", "Pending"))

    @property
    def is_finished(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.phase in _FINISHED

    @property
    def is_being_deleted(self) -> bool:
        """Whether somebody has deleted it, and it has time to end."""
        return "deletionTimestamp" in self.body["metadata"]

    @property
    def deletion_requested_at(self) -> str | None:
        """When somebody deleted it, RFC 3339, or not much later; None if nobody has."""
        metadata = self.body["metadata"]
        if not self.is_being_deleted:
            return None
        grace = timedelta(seconds=metadata.get("deletionGracePeriodSeconds") or 0)
        requested_at = format_time(parse_time(metadata["deletionTimestamp"]) - grace)
        # Of the kubelet's own deletion only this is known: that it followed the end.
        return requested_at if grace else min(requested_at, self.agent.finished_at or requested_at)

    @property
    def ended_at(self) -> str | None:
        """When the last of its containers ended, RFC 3339; None while one has not."""
        ends = [container.finished_at for container in self.states]
        known = [end for end in ends if end]
        return max(known) if known and self.is_finished else None

    @property
    def done_at(self) -> datetime:
        """When its agent was done: to the millisecond where the agent has told; long ago if nobody knows."""
        said = self.agent.message
        for told in (*(said.get(name) for name in _END_TIMES), self.agent.finished_at):
            with contextlib.suppress(ValueError):
                return parse_time(str(told))
        return _NEVER

    @property
    def node(self) -> str:
        """The node it is on; empty before it is on one."""
        return str((self.body.get("spec") or {}).get("nodeName") or "")

    @property
    def disruption(self) -> Mapping[str, Any] | None:
        """The condition that says that the cluster took it away, not its own failing.

        Source: https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
        """
        found = self.condition(DISRUPTION)
        return found if found is not None and found.get("status") == "True" else None

    @property
    def prepare(self) -> ContainerState:
        """The agent's first part."""
        return self.container(PREPARE)

    @property
    def work(self) -> ContainerState:
        """The user's container, in a pod that has the agent beside it."""
        names = [str(one.get("name")) for statuses in STATES for one in self.status.get(statuses) or ()]
        return self.container(next((name for name in (TRAIN, PROCESS) if name in names), TRAIN))

    @property
    def agent(self) -> ContainerState:
        """The agent's second part."""
        return self.container(AGENT)

    @property
    def states(self) -> tuple[ContainerState, ...]:
        """Of all its containers, whatever kind of pod it is: those that begin first come first."""
        found = [one for statuses in STATES for one in self.status.get(statuses) or ()]
        return tuple(_state_of(one) for one in found)

    @property
    def has_begun(self) -> bool:
        """Whether any of its containers has started."""
        return any(_state_of(one).started_at for statuses in STATES for one in self.status.get(statuses) or ())

    def container(self, name: str) -> ContainerState:
        """One of its containers, whenever it runs; without any state where there is none of that name."""
        found = (one for statuses in STATES for one in self.status.get(statuses) or () if one.get("name") == name)
        return _state_of(next(found, {}))

    def condition(self, kind: str) -> Mapping[str, Any] | None:
        """A condition of its status."""
        return next((one for one in self.status.get("conditions") or () if one.get("type") == kind), None)


def _time(found: str | None) -> str | None:
    return None if found == _NO_TIME else found


def _state_of(status: Mapping[str, Any]) -> ContainerState:
    state = status.get("state") or {}
    return ContainerState(
        waiting=state.get("waiting") or {},
        running=state.get("running") or {},
        terminated=state.get("terminated") or {},
        last=(status.get("lastState") or {}).get("terminated") or {},
        restarts=status.get("restartCount") or 0,
    )


def of_job(job: Mapping[str, Any], bodies: Iterable[Mapping[str, Any]]) -> list[Pod]:
    """The pods that the Job controller has made for a Job: labels and annotations are anybody's to set."""
    uid = job["metadata"].get("uid")
    return [Pod(body=body) for body in bodies if uid in _controllers(body)]


def _controllers(body: Mapping[str, Any]) -> list[str]:
    return [one["uid"] for one in body["metadata"].get("ownerReferences") or () if one.get("controller")]


def newest_by_host(pods: list[Pod]) -> list[Pod]:
    """The pods of a job that count, by rank: of a host that has had several, the newest of those that are to stay.

    A rank is done once a pod of it has succeeded. A busy Job controller may make another before it hears of that, or of
    the one that runs, and takes it away again: https://github.com/kubernetes/kubernetes/issues/130103
    """
    newest: dict[int, Pod] = {}
    for pod in sorted(pods, key=_precedence):
        newest[pod.index] = pod
    return [newest[index] for index in sorted(newest)]


def _precedence(pod: Pod) -> tuple[bool, bool, str]:
    made_at = str(pod.body["metadata"].get("creationTimestamp", ""))
    return pod.phase == "Succeeded", not pod.is_being_deleted, made_at
