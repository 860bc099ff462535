"""A Job as the API server shows it, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.names import ANNOTATION_STOP, annotations_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.pods import Pod

TO_END: Final = {"activeDeadlineSeconds": 1}
"""The change of a Job's spec, or a pod's, that ends it, and keeps what is left of it to be looked at."""


def is_finished(job: Mapping[str, Any]) -> bool:
    """Whether a Job is Complete or Failed: none of its pods runs any more."""
    return finish_of(job) is not None


def finish_of(job: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The condition that ends a Job; None while it goes on."""
    found = (_condition(job, kind) for kind in ("Complete", "Failed"))
    return next((one for one in found if one is not None and one.get("status") == "True"), None)


def ended_at(job: Mapping[str, Any]) -> str | None:
    """When a Job ended, RFC 3339; None while it goes on."""
    status = job.get("status") or {}
    finish = finish_of(job) or {}
    suspended = _condition(job, "Suspended") or {}
    found = status.get("completionTime") or finish.get("lastTransitionTime") or suspended.get("lastTransitionTime")
    return str(found) if found else None


def is_stranded(job: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Whether a queue has taken a Job's nodes away after some of its hosts had ended, and not all; or all were to end.

    The Job controller runs what has completed not again, and the others would wait for it for ever:
    https://kubernetes.io/docs/concepts/workloads/controllers/job/#suspending-a-job
    """
    status = job.get("status") or {}
    is_half_done = 0 < int(status.get("succeeded") or 0) < size_of(job)
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


def size_of(job: Mapping[str, Any]) -> int:
    """How many hosts it has."""
    return int(job.get("spec", {}).get("completions") or 1)


def _condition(job: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), None)
