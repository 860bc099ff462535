"""Why a job failed: what its pods leave, as a FailureReason in SageMaker's words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.endings import (
    NOBODY_KNOWS,
    deletion,
    ended_by,
    eviction,
    failed_by_themselves,
    full_disk,
    interruption,
    of_job,
    rejection,
    unseen_interruption,
)
from sagebridge.core.cluster.names import AGENT, PREPARE
from sagebridge.core.container.failure import FAILURE_REASON_LIMIT, algorithm_error, client_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.pods import ContainerState, Pod

_KILLED: Final = (137, 143)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """The words of one kind of job.

    Attributes:
        doing: what its pods did while they ran: `trained`.
        disk_advice: what to do when a volume is full.
    """

    doing: str
    disk_advice: str


def failure_reason(job: Mapping[str, Any], pods: Sequence[Pod], *, terms: Terms) -> str:
    """The reason of a job that failed, at most 1,024 characters.

    What came first counts: when one rank fails, the others lose their connections, or are ended.
    """
    for look in (
        partial(full_disk, advice=terms.disk_advice),
        interruption,
        partial(unseen_interruption, job=job),
        eviction,
        rejection,
        partial(deletion, doing=terms.doing),
        _lost,
        _preparation,
        _script,
        _agent,
        _killed_script,
    ):
        if (found := look(pods)) is not None:
            return found[:FAILURE_REASON_LIMIT]
    return of_job(job)


def lost_results(pods: Sequence[Pod]) -> str:
    """Why results are not in S3 of a job that was stopped; empty when they are."""
    said = [str(found) for pod in pods if (found := pod.agent.message.get("failureReason"))]
    return said[0][:FAILURE_REASON_LIMIT] if said else ""


def _lost(pods: Sequence[Pod]) -> str | None:
    """A host whose node was restarted. Of one that failed after another the Job controller has deleted the pod."""
    found = next((pod for pod in pods if pod.agent.is_lost and not pod.is_being_deleted), None)
    return ended_by(found, AGENT) if found else None


def _preparation(pods: Sequence[Pod]) -> str | None:
    for pod in _by_time(failed_by_themselves(pods, PREPARE), "prepare"):
        said = pod.prepare.message.get("failureReason")
        return str(said) if said else ended_by(pod, PREPARE)
    return None


def _script(pods: Sequence[Pod]) -> str | None:
    """Of a script that failed by itself: ranks that were ended because another failed are no cause."""
    failed = next((pod for pod in _failed_scripts(pods) if _failed_by_itself(pod.work)), None)
    return _script_reason(failed) if failed else None


def _failed_by_itself(script: ContainerState) -> bool:
    return script.is_out_of_memory or not (script.exit_code in _KILLED or script.is_lost)


def _killed_script(pods: Sequence[Pod]) -> str | None:
    failed = _failed_scripts(pods)
    return _script_reason(failed[0]) if failed else None


def _failed_scripts(pods: Sequence[Pod]) -> list[Pod]:
    return _by_time([pod for pod in pods if pod.work.exit_code not in (None, 0)], "work")


def _script_reason(pod: Pod) -> str:
    code = pod.work.exit_code or 1
    said = str(pod.agent.message.get("failure") or "")
    if pod.work.is_out_of_memory:
        said = f"OutOfMemory: the container of {pod.name} was ended by the kernel at its memory limit. {said}".strip()
    elif not said and pod.work.terminated.get("reason") in ("StartError", "ContainerCannotRun"):
        return client_error(f"The container can't be started: {pod.work.terminated.get('message', '')}".strip())
    return algorithm_error(said, exit_code=code)


def _agent(pods: Sequence[Pod]) -> str | None:
    for pod in _by_time(failed_by_themselves(pods, AGENT), "agent"):
        said = pod.agent.message.get("failureReason")
        return str(said) if said else ended_by(pod, AGENT)
    return None


def _by_time(pods: Sequence[Pod], container: str) -> list[Pod]:
    """What nobody knows the time of comes last: a container that was never started has ended, too, once its pod has."""
    return sorted(
        pods, key=lambda pod: (getattr(pod, container).finished_at or NOBODY_KNOWS, _trained_until(pod), pod.index)
    )


def _trained_until(pod: Pod) -> str:
    """When the agent noticed the end of training, to the millisecond: ranks that lose one fail in the same second."""
    return str(pod.agent.message.get("uploadStartTime") or NOBODY_KNOWS)
