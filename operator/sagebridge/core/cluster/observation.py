"""What a Job and its pods say about an attempt, as Describe would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster import stages
from sagebridge.core.cluster.failures import Terms
from sagebridge.core.cluster.jobs import ended_at, size_of
from sagebridge.core.cluster.names import ANNOTATION_STOP, annotations_of
from sagebridge.core.cluster.outcome import outcome
from sagebridge.core.cluster.pods import newest_by_host, of_job
from sagebridge.core.cluster.waiting import waiting
from sagebridge.core.observation import Observation, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.outcome import Outcome
    from sagebridge.core.cluster.pods import Pod

_SPEC: Final = ("completions", "suspend", "activeDeadlineSeconds")
_TERMS: Final = Terms(doing="trained", disk_advice="Write less, or raise resourceConfig.volumeSizeInGB.")


def observe(
    job: Mapping[str, Any] | None, pods: Sequence[Mapping[str, Any]], *, metrics: Sequence[Mapping[str, Any]] = ()
) -> Observation:
    """Look at one attempt.

    Args:
        job: its Job; None if there is none.
        pods: the Job's pods, as they come.
        metrics: ``finalMetricDataList``, where the logs were read.
    """
    if job is None:
        return Observation(phase=Phase.GONE, whole=True)
    hosts = newest_by_host(of_job(job, pods))
    end = outcome(job, hosts, terms=_TERMS)
    return _open(job, hosts) if end is None else _ended(job, hosts, end, metrics)


def essence(job: Mapping[str, Any]) -> dict[str, Any]:
    """What is read of a Job, and what tells which it is: all but its pods' template."""
    spec = {key: value for key, value in job.get("spec", {}).items() if key in _SPEC}
    metadata = {key: value for key, value in job["metadata"].items() if key != "managedFields"}
    return {"metadata": metadata, "spec": spec, "status": job.get("status") or {}}


def _open(job: Mapping[str, Any], pods: Sequence[Pod]) -> Observation:
    is_stopping = ANNOTATION_STOP in annotations_of(job)
    begun = stages.times(job, pods)
    secondary = stages.STOPPING if is_stopping else stages.stage(job, pods, size=size_of(job))
    return Observation(
        phase=Phase.STOPPING if is_stopping else Phase.OPEN,
        fields={
            "trainingJobStatus": "Stopping" if is_stopping else "InProgress",
            "secondaryStatus": secondary,
            "secondaryStatusTransitions": stages.transitions(begun, ending="", ended_at=None),
            **_start(begun),
        },
        waiting=None if is_stopping else waiting(job, pods),
        is_half_stopped=not is_stopping and any(ANNOTATION_STOP in annotations_of(pod.body) for pod in pods),
    )


def _ended(
    job: Mapping[str, Any], pods: Sequence[Pod], end: Outcome, metrics: Sequence[Mapping[str, Any]]
) -> Observation:
    begun = stages.times(job, pods)
    at = ended_at(job)
    fields: dict[str, Any] = {
        "trainingJobStatus": end.status,
        "secondaryStatus": end.secondary,
        "secondaryStatusTransitions": stages.transitions(begun, ending=end.secondary, ended_at=at),
        "creationTime": job["metadata"].get("creationTimestamp"),
        **_start(begun),
        **_duration(begun, at),
        **({"failureReason": end.reason} if end.reason else {}),
        **_model(pods, end),
        **({"finalMetricDataList": list(metrics)} if metrics else {}),
    }
    return Observation(phase=end.phase, fields=fields, whole=True, failure_reason=end.reason)


def _start(begun: Mapping[str, str]) -> dict[str, str]:
    started = begun.get(stages.DOWNLOADING)
    return {"trainingStartTime": started} if started else {}


def _duration(begun: Mapping[str, str], at: str | None) -> dict[str, Any]:
    started = begun.get(stages.DOWNLOADING)
    if not at:
        return {}
    if not started:
        return {"trainingEndTime": at}
    seconds = max(0, round((parse_time(at) - parse_time(started)).total_seconds()))
    return {"trainingEndTime": at, "trainingTimeInSeconds": seconds}


def _model(pods: Sequence[Pod], end: Outcome) -> dict[str, Any]:
    if end.phase not in (Phase.SUCCEEDED, Phase.STOPPED):
        return {}
    said = (pod.agent.message.get("model") for pod in pods)
    found = next((uri for uri in said if isinstance(uri, str) and uri), None)
    return {"modelArtifacts": {"s3ModelArtifacts": found}} if found else {}
