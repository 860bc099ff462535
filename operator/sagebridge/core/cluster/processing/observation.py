"""What a Job and its pods say about an attempt at a processing job, as Describe would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster import stages
from sagebridge.core.cluster.failures import Terms
from sagebridge.core.cluster.jobs import ended_at
from sagebridge.core.cluster.names import ANNOTATION_OUTPUTS, ANNOTATION_STOP, annotations_of
from sagebridge.core.cluster.outcome import outcome
from sagebridge.core.cluster.pods import newest_by_host, of_job
from sagebridge.core.cluster.processing import outputs
from sagebridge.core.cluster.waiting import waiting
from sagebridge.core.container.processing import exit_message
from sagebridge.core.observation import Observation, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.outcome import Outcome
    from sagebridge.core.cluster.pods import Pod

STATUS: Final = "processingJobStatus"

_TERMS: Final = Terms(
    doing="processed", disk_advice="Write less, or raise processingResources.clusterConfig.volumeSizeInGB."
)


def observe(job: Mapping[str, Any] | None, pods: Sequence[Mapping[str, Any]]) -> Observation:
    """Look at one attempt.

    Args:
        job: its Job; None if there is none.
        pods: the Job's pods, as they come.
    """
    if job is None:
        return Observation(phase=Phase.GONE, whole=True)
    hosts = newest_by_host(of_job(job, pods))
    end = outcome(job, hosts, terms=_TERMS)
    return _open(job, hosts) if end is None else _ended(job, hosts, end)


def _open(job: Mapping[str, Any], pods: Sequence[Pod]) -> Observation:
    is_stopping = ANNOTATION_STOP in annotations_of(job)
    return Observation(
        phase=Phase.STOPPING if is_stopping else Phase.OPEN,
        fields={STATUS: "Stopping" if is_stopping else "InProgress", **_start(job, pods)},
        waiting=None if is_stopping else waiting(job, pods),
        is_half_stopped=not is_stopping and any(ANNOTATION_STOP in annotations_of(pod.body) for pod in pods),
    )


def _ended(job: Mapping[str, Any], pods: Sequence[Pod], end: Outcome) -> Observation:
    fields = {
        STATUS: end.status,
        "exitMessage": _exit_message(pods),
        "failureReason": end.reason,
        "processingOutputConfig": outputs.read(annotations_of(job).get(ANNOTATION_OUTPUTS, "")),
        "creationTime": job["metadata"].get("creationTimestamp"),
        **_start(job, pods),
        "processingEndTime": ended_at(job),
    }
    given = {name: value for name, value in fields.items() if value}
    return Observation(phase=end.phase, fields=given, whole=True, failure_reason=end.reason)


def _start(job: Mapping[str, Any], pods: Sequence[Pod]) -> dict[str, str]:
    """When the first host began to bring its inputs."""
    started = stages.times(job, pods).get(stages.DOWNLOADING)
    return {"processingStartTime": started} if started else {}


def _exit_message(pods: Sequence[Pod]) -> str:
    said = [pod.agent.message.get("message") for pod in pods]
    return exit_message([each.encode(errors="replace") for each in said if isinstance(each, str)])
