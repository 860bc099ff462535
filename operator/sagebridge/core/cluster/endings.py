"""What ends the pods of any job, beside what runs in them, as a FailureReason in SageMaker's words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.names import FETCH_MODEL, PREPARE
from sagebridge.core.cluster.pods import DISRUPTION
from sagebridge.core.container.failure import client_error, internal_server_error
from sagebridge.core.job_failure import JobFailure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.pods import ContainerState, Pod

NOBODY_KNOWS: Final = "~"
"""For a time that nobody knows: it comes after every one in RFC 3339."""

_SIGNALLED: Final = (137, 143)
_FIRST: Final = (PREPARE, FETCH_MODEL)
"""The containers of which one has to end well before the agent is started."""
_BY_KUBELET: Final = "TerminationByKubelet"
_DISK: Final = re.compile(r"ephemeral-storage|ephemeral local storage|EmptyDir|inodes|DiskPressure", re.IGNORECASE)


def full_disk(pods: Sequence[Pod], *, advice: str) -> str | None:
    """An eviction that would come again wherever the job runs: it has filled its volume, or its node's disk.

    Args:
        pods: the job's, one for each host.
        advice: what to do.
    """
    for pod in _evicted(pods):
        said = _words_of(pod)
        if _DISK.search(said):
            return client_error(f"Pod {pod.name} was evicted: {said} {advice}")
    return None


def interruption(pods: Sequence[Pod]) -> str | None:
    """A node or a pod that the cluster took away, before any host has failed by itself."""
    taken = [(_taken_at(pod, why), pod, why) for pod in pods if (why := _taken_away(pod)) is not None]
    if not taken:
        return None
    at, found, why = min(taken, key=lambda one: one[0])
    if any(end < at for end in _ends_of_failed([pod for pod in pods if _taken_away(pod) is None])):
        return None
    said = why.get("message") or why.get("reason") or "the cluster took it away"
    return f"{JobFailure.INTERRUPTED}: pod {found.name} on node {found.node or 'unknown'}: {said}"


def _taken_away(pod: Pod) -> Mapping[str, Any] | None:
    """Why the cluster took a pod away of which something ran: a node that goes marks those that have ended, too.

    Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/tainteviction/taint_eviction.go
    """
    why = pod.disruption
    if why is None or pod.phase == "Succeeded":
        return None
    # The kubelet tells it of its own pods with their end; and the clocks of a node and of the API server may be apart.
    had_ended = why.get("reason") != _BY_KUBELET and (pod.ended_at or NOBODY_KNOWS) < _marked_at(why)
    return None if had_ended and _is_done(pod) else why


def _marked_at(why: Mapping[str, Any]) -> str:
    return str(why.get("lastTransitionTime", ""))


def _taken_at(pod: Pod, why: Mapping[str, Any]) -> str:
    """When the cluster took a pod away, RFC 3339, or not much later; empty, before all times, where nobody knows.

    A node that is lost tells nothing more of its pods, which the cluster finds out a minute later; the kubelet marks
    its own pods only when all of them has ended. By then other hosts may have failed for want of it.
    Source: https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/status/status_manager.go (mergePodStatus)
    """
    if pod.phase == "Failed" and pod.agent.running:
        return ""
    at, ended, deleted = _marked_at(why), pod.work.finished_at, pod.deletion_requested_at
    if why.get("reason") != _BY_KUBELET or ended is None or (deleted and deleted <= ended):
        return at
    was_told = pod.work.exit_code in _SIGNALLED or pod.agent.message.get("stopped") == "Terminated"
    return min(at, ended) if was_told and not pod.work.is_out_of_memory else at


def eviction(pods: Sequence[Pod]) -> str | None:
    """A pod that its node could not keep."""
    found = _evicted(pods)
    return client_error(f"Pod {found[0].name} was evicted: {_words_of(found[0])}") if found else None


def rejection(pods: Sequence[Pod]) -> str | None:
    """A pod that its node did not take, though the scheduler had placed it there. The next may fare no better.

    Source: https://kubernetes.io/docs/tasks/administer-cluster/topology-manager/ (one of the checks that do so)
    """
    found = next((pod for pod in pods if _is_rejected(pod)), None)
    if found is None:
        return None
    said = _words_of(found) or str(found.status["reason"])
    # The time of a pod runs while its images come.
    what = "has not begun with" if found.status["reason"] == "DeadlineExceeded" else "did not take"
    return internal_server_error(f"Node {found.node} {what} pod {found.name}: {said.rstrip('.')}.")


def deletion(pods: Sequence[Pod], *, doing: str) -> str | None:
    """By somebody, before any host has failed: the Job controller deletes what is left only after that.

    Args:
        pods: the job's, one for each host.
        doing: what the pod did meanwhile: `trained`.
    """
    deleted = [(at, pod.done_at, pod.name) for pod in pods if (at := pod.deletion_requested_at) and not _is_done(pod)]
    if not deleted:
        return None
    # In the same second, that of the others follows the end of the first.
    first, _, name = min(deleted)
    if any(end <= first for end in _ends_of_failed(pods)):
        return None
    return internal_server_error(f"Pod {name} was deleted while it {doing}, not by this object.")


def of_job(job: Mapping[str, Any]) -> str:
    """What the Job itself says, when no pod is left to say more."""
    said = _said_of(job)
    return f"{JobFailure.INTERRUPTED}: {said}." if _is_interrupted(job) else internal_server_error(f"{said}.")


def unseen_interruption(pods: Sequence[Pod], *, job: Mapping[str, Any]) -> str | None:
    """A pod that the cluster took away, of which the Job alone tells: it went while nobody looked.

    The Job controller names it: "Pod NAMESPACE/NAME has condition DisruptionTarget matching FailJob rule at index 0".
    """
    was_seen = any(f"/{pod.name} " in _said_of(job) for pod in pods if pod.disruption is not None)
    return of_job(job) if _is_interrupted(job) and not was_seen else None


def _is_interrupted(job: Mapping[str, Any]) -> bool:
    return _failure_of(job).get("reason") == "PodFailurePolicy" and DISRUPTION in _said_of(job)


def _said_of(job: Mapping[str, Any]) -> str:
    failed = _failure_of(job)
    return str(failed.get("message") or failed.get("reason") or "the Job failed, and its pods are gone").rstrip(".")


def _failure_of(job: Mapping[str, Any]) -> Mapping[str, Any]:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") in ("Failed", "FailureTarget")), {})


def failed_by_themselves(pods: Sequence[Pod], container: str) -> list[Pod]:
    """Those of which a container has failed, and not because somebody deleted the pod."""
    failed = [pod for pod in pods if pod.container(container).exit_code not in (None, 0)]
    return [pod for pod in failed if not (pod.is_being_deleted and _was_ended(pod.container(container)))]


def _was_ended(container: ContainerState) -> bool:
    return container.exit_code in _SIGNALLED or container.is_lost


def ended_by(pod: Pod, container: str) -> str:
    """A container of the agent's that ended without a word."""
    state = pod.container(container)
    if state.is_lost:
        lost = f"Node {pod.node} has lost the container {container} of pod {pod.name}, as a node that is restarted."
        return internal_server_error(lost)
    why = "at its memory limit" if state.is_out_of_memory else f"with exit code {state.exit_code}"
    return internal_server_error(f"The container {container} of pod {pod.name} ended {why}.")


def _ends_of_failed(pods: Sequence[Pod]) -> list[str]:
    """When those ended that failed by themselves, whoever has deleted them since, RFC 3339."""
    failed = [pod for pod in pods if pod.phase == "Failed" and (not pod.is_being_deleted or _is_done(pod))]
    return [end for pod in failed if (end := pod.ended_at) is not None]


def _is_done(pod: Pod) -> bool:
    """Whether the agent has ended by itself: what is deleted afterwards, as with a node that goes, is no cause."""
    agent = pod.agent
    if any(failed_by_themselves([pod], first) for first in _FIRST):
        return True
    if agent.is_lost or agent.exit_code is None or agent.message.get("stopped") == "Terminated":
        return False
    return agent.exit_code not in _SIGNALLED or agent.is_out_of_memory


def _is_rejected(pod: Pod) -> bool:
    return pod.phase == "Failed" and bool(pod.status.get("reason")) and not pod.has_begun


def _evicted(pods: Sequence[Pod]) -> list[Pod]:
    return [pod for pod in pods if pod.status.get("reason") == "Evicted"]


def _words_of(pod: Pod) -> str:
    return " ".join(str(pod.status.get("message", "")).split())
