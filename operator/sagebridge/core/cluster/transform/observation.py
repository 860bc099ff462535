"""What a Job and its pods say about an attempt at a transform job, as Describe would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.jobs import ended_at, finish_of, has_no_pods
from sagebridge.core.cluster.names import ANNOTATION_STOP, FETCH_MODEL, annotations_of
from sagebridge.core.cluster.pods import newest_by_host, of_job
from sagebridge.core.cluster.transform.failures import failure_reason, is_given_up, is_hopeless, shares_apart
from sagebridge.core.cluster.waiting import waiting
from sagebridge.core.observation import Observation, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.pods import Pod

STATUS: Final = "transformJobStatus"


def observe(job: Mapping[str, Any] | None, pods: Sequence[Mapping[str, Any]]) -> Observation:
    """Look at one attempt.

    Args:
        job: its Job; None if there is none.
        pods: the Job's pods, as they come.
    """
    if job is None:
        return Observation(phase=Phase.GONE, whole=True)
    hosts = newest_by_host(of_job(job, pods))
    finish = finish_of(job)
    if finish is None:
        return _unfinished(job, hosts)
    if finish["type"] == "Complete":
        apart = shares_apart(hosts)
        return _failed(job, hosts, apart) if apart else _ended(job, hosts, Phase.SUCCEEDED, "Completed")
    if _is_told_to_stop(job):
        return _ended(job, hosts, Phase.STOPPED, "Stopped")
    return _failed(job, hosts, failure_reason(job, hosts))


def _is_told_to_stop(job: Mapping[str, Any]) -> bool:
    return ANNOTATION_STOP in annotations_of(job)


def is_to_be_given_up(job: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Whether a Job has to be ended that would not end by itself: of all its model servers none comes up.

    Args:
        job: its Job.
        pods: those that are the Job's.
    """
    return not is_given_up(job) and finish_of(job) is None and is_hopeless(newest_by_host(list(pods)))


def _unfinished(job: Mapping[str, Any], pods: Sequence[Pod]) -> Observation:
    is_stopping = _is_told_to_stop(job)
    if is_stopping and job.get("spec", {}).get("suspend") and has_no_pods(job):
        # A queue has taken it away before it had ended.
        return _ended(job, pods, Phase.STOPPED, "Stopped")
    return Observation(
        phase=Phase.STOPPING if is_stopping else Phase.OPEN,
        fields={STATUS: "Stopping" if is_stopping else "InProgress", **_start(pods)},
        waiting=None if is_stopping else waiting(job, pods),
    )


def _failed(job: Mapping[str, Any], pods: Sequence[Pod], reason: str) -> Observation:
    return _ended(job, pods, Phase.FAILED, "Failed", reason=reason)


def _ended(job: Mapping[str, Any], pods: Sequence[Pod], phase: Phase, status: str, *, reason: str = "") -> Observation:
    at = ended_at(job)
    fields = {
        STATUS: status,
        "creationTime": job["metadata"].get("creationTimestamp"),
        **_start(pods),
        **({"transformEndTime": at} if at else {}),
        **({"failureReason": reason} if reason else {}),
    }
    return Observation(phase=phase, fields=fields, whole=True, failure_reason=reason)


def _start(pods: Sequence[Pod]) -> dict[str, str]:
    """When the first pod began to bring the model."""
    begun = [at for pod in pods if (at := pod.container(FETCH_MODEL).started_at)]
    return {"transformStartTime": min(begun)} if begun else {}
