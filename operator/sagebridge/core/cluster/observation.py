"""What a Job and its pods say about an attempt, as Describe would say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster import stages
from sagebridge.core.cluster.failures import failure_reason, lost_results
from sagebridge.core.cluster.names import ANNOTATION_STOP, annotations_of
from sagebridge.core.cluster.pods import Pod, newest_by_host, of_job
from sagebridge.core.cluster.waiting import waiting
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.core.observation import Observation, Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TO_END: Final = {"activeDeadlineSeconds": 1}
"""The change of a Job's spec that ends it, and keeps its pods to be looked at."""

_SPEC: Final = ("completions", "suspend", "activeDeadlineSeconds")
_TERMINATED: Final = "Terminated"
_STOPPED_BY_AGENT: Final = ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")


@dataclass(frozen=True, kw_only=True, slots=True)
class _End:
    """How a job ended.

    Attributes:
        phase: what decisions depend on.
        status: TrainingJobStatus.
        secondary: SecondaryStatus.
        reason: FailureReason, empty unless it failed.
    """

    phase: Phase
    status: str
    secondary: str
    reason: str = ""


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
    end = _end(job, hosts)
    return _open(job, hosts) if end is None else _ended(job, hosts, end, metrics)


def essence(job: Mapping[str, Any]) -> dict[str, Any]:
    """What is read of a Job, and what tells which it is: all but its pods' template."""
    spec = {key: value for key, value in job.get("spec", {}).items() if key in _SPEC}
    metadata = {key: value for key, value in job["metadata"].items() if key != "managedFields"}
    return {"metadata": metadata, "spec": spec, "status": job.get("status") or {}}


def is_finished(job: Mapping[str, Any]) -> bool:
    """Whether a Job is Complete or Failed: none of its pods runs any more."""
    return finish_of(job) is not None


def is_stranded(job: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Whether a queue has taken a Job's nodes away after some of its hosts had ended, and not all; or all were to end.

    The Job controller runs what has completed not again, and the others would wait for it for ever:
    https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job
    """
    status = job.get("status") or {}
    is_half_done = 0 < int(status.get("succeeded") or 0) < _size(job)
    if is_finished(job) or not (is_half_done or ANNOTATION_STOP in annotations_of(job)):
        return False
    if job.get("spec", {}).get("suspend"):
        return has_no_pods(job)
    started = str(status.get("startTime") or "")
    return any(pod.phase == "Succeeded" and (pod.ended_at or started) < started for pod in pods)


def has_no_pods(job: Mapping[str, Any]) -> bool:
    """Whether nothing runs of a Job; hosts that are told to end may still come to a good one."""
    status = job.get("status") or {}
    return not status.get("active") and not status.get("terminating")


def _open(job: Mapping[str, Any], pods: Sequence[Pod]) -> Observation:
    is_stopping = ANNOTATION_STOP in annotations_of(job)
    begun = stages.times(job, pods)
    secondary = stages.STOPPING if is_stopping else stages.stage(job, pods, size=_size(job))
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


def _ended(job: Mapping[str, Any], pods: Sequence[Pod], end: _End, metrics: Sequence[Mapping[str, Any]]) -> Observation:
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


def _end(job: Mapping[str, Any], pods: Sequence[Pod]) -> _End | None:
    finish = finish_of(job)
    if finish is None:
        return _end_of_stranded(job) if is_stranded(job, pods) else None
    stopped = _stopped_by_agent(pods)
    is_complete = finish["type"] == "Complete" or _have_all_succeeded(job, pods)
    cut = next((pod for pod in pods if pod.agent.message.get("stopped") == _TERMINATED), None)
    if stopped or ((cut or not is_complete) and ANNOTATION_STOP in annotations_of(job)):
        # Its results may be lost all the same, which is not to be passed over.
        return _End(phase=Phase.STOPPED, status="Stopped", secondary=stopped or "Stopped", reason=lost_results(pods))
    if is_complete and cut:
        # A script that ends well when it is told to end has not trained to its end.
        return _interrupted(f"pod {cut.name} was told to end while it trained.")
    if is_complete:
        return _End(phase=Phase.SUCCEEDED, status="Completed", secondary="Completed")
    if finish.get("reason") == "DeadlineExceeded":
        return _End(phase=Phase.STOPPED, status="Stopped", secondary="MaxWaitTimeExceeded")
    reason = failure_reason(job, pods)
    secondary = "Interrupted" if failure_class(reason) is JobFailure.INTERRUPTED else "Failed"
    return _End(phase=Phase.FAILED, status="Failed", secondary=secondary, reason=reason)


def _have_all_succeeded(job: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Of every rank one pod. Another of that rank, which the Job controller made too many, may have failed the Job."""
    return len(pods) == _size(job) and all(pod.phase == "Succeeded" for pod in pods)


def _end_of_stranded(job: Mapping[str, Any]) -> _End:
    if ANNOTATION_STOP in annotations_of(job):
        return _End(phase=Phase.STOPPED, status="Stopped", secondary="Stopped")
    done = int(job["status"]["succeeded"])
    return _interrupted(f"the queue took the nodes away when {done} of {_size(job)} hosts had ended.")


def _interrupted(why: str) -> _End:
    reason = f"{JobFailure.INTERRUPTED}: {why}"
    return _End(phase=Phase.FAILED, status="Failed", secondary="Interrupted", reason=reason)


def finish_of(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The condition that ends a Job; None while it goes on."""
    found = (_condition(job, kind) for kind in ("Complete", "Failed"))
    return next((one for one in found if one is not None and one.get("status") == "True"), None)


def _condition(job: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), None)


def _stopped_by_agent(pods: Sequence[Pod]) -> str:
    said = [str(pod.agent.message.get("stopped") or "") for pod in pods]
    return next((word for word in said if word in _STOPPED_BY_AGENT), "")


def _size(job: Mapping[str, Any]) -> int:
    return int(job.get("spec", {}).get("completions") or 1)


def _start(begun: Mapping[str, str]) -> dict[str, str]:
    started = begun.get(stages.DOWNLOADING)
    return {"trainingStartTime": started} if started else {}


def ended_at(job: Mapping[str, Any]) -> str | None:
    """When a Job ended, RFC 3339; None while it goes on."""
    status = job.get("status") or {}
    finish = finish_of(job) or {}
    suspended = _condition(job, "Suspended") or {}
    found = status.get("completionTime") or finish.get("lastTransitionTime") or suspended.get("lastTransitionTime")
    return str(found) if found else None


def _duration(begun: Mapping[str, str], at: str | None) -> dict[str, Any]:
    started = begun.get(stages.DOWNLOADING)
    if not at:
        return {}
    if not started:
        return {"trainingEndTime": at}
    seconds = max(0, round((parse_time(at) - parse_time(started)).total_seconds()))
    return {"trainingEndTime": at, "trainingTimeInSeconds": seconds}


def _model(pods: Sequence[Pod], end: _End) -> dict[str, Any]:
    if end.phase not in (Phase.SUCCEEDED, Phase.STOPPED):
        return {}
    said = (pod.agent.message.get("model") for pod in pods)
    found = next((uri for uri in said if isinstance(uri, str) and uri), None)
    return {"modelArtifacts": {"s3ModelArtifacts": found}} if found else {}
