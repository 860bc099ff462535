"""Why nothing of an object may run for now, and what ends that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sagebridge.core.clock import format_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.job import STOPPED_AS_ABANDONED, STOPPED_TO_SUSPEND, Attempt, Job
from sagebridge.core.pipelines.attendance import Gone, needs_attendance
from sagebridge.core.pipelines.marks import ANNOTATION_POD, Marks, stopped_because
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Abandon
from sagebridge.core.words import sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """Why nothing may run.

    Attributes:
        why: the `stopRequested` of an attempt that is stopped for it.
        verdict: what is said while nothing runs.
        because: what is said while it is being stopped; empty where that goes without saying.
    """

    why: str
    verdict: Verdict
    because: str = ""


SUSPENDED: Final = Hold(
    why=STOPPED_TO_SUSPEND,
    verdict=Verdict(
        state=State.SUSPENDED,
        reason=Reason.SUSPENDED,
        message="Suspended by spec.runPolicy.suspend; nothing runs. Set it to false to go on.",
    ),
)


def hold(job: Job) -> Hold | None:
    """Why nothing of an object may run now; None if something may. What the user says comes first."""
    if job.run_policy.suspend:
        return _suspended(job)
    return _abandoned(job) if job.is_abandoned else None


def after_stop(job: Job, attempt: Attempt) -> Verdict:
    """What is said when an attempt has ended that was stopped for something which may end."""
    held = hold(job)
    if held is not None:
        return held.verdict
    if attempt.stop_requested == STOPPED_TO_SUSPEND:
        return SUSPENDED.verdict
    message = f"{attempt.name} was stopped while no pod attended it, and may go on: another attempt follows."
    return Verdict(state=State.PROGRESSING, reason=Reason.STOPPING, message=message)


def abandonment(job: Job, gone: Gone | None) -> Abandon | None:
    """What is to be recorded of who attends an object; None if nothing has changed, or nothing may be."""
    if job.is_paused:
        return None
    if job.abandoned_by and not job.is_abandoned:
        return Abandon()
    marks = Marks.parse(job.metadata)
    if gone is None or marks is None or marks.pod != gone.pod or not needs_attendance(job):
        return None
    return Abandon(pod=gone.pod, since=format_time(gone.since))


def of_whom(marks: Marks) -> str:
    """Whose pod is gone, in words."""
    return f"the pod {marks.pod_name} of step {marks.task or '(unnamed)'} of the pipeline run {marks.run}"


def _suspended(job: Job) -> Hold:
    """With what its step has said of it, which would be lost: the conditions of before are no more."""
    why = stopped_because(job.metadata)
    if not why:
        return SUSPENDED
    resumed = "spec.runPolicy.suspend: false goes on with it"
    # Without a pod nothing tells a second run that it is the same: it makes an object of its own.
    if ANNOTATION_POD in job.annotations:
        resumed = "A retry of the step goes on with it, and so does spec.runPolicy.suspend: false"
    message = f"Suspended by its pipeline's step: {sentence(why)} Nothing runs. {resumed}; otherwise delete it."
    return Hold(why=SUSPENDED.why, verdict=replace(SUSPENDED.verdict, message=message))


def _abandoned(job: Job) -> Hold:
    marks = Marks.parse(job.metadata)
    whose = of_whom(marks) if marks is not None else f"the pod {job.abandoned_by} of its pipeline's step"
    because = f"{whose} is gone, and no other pod of that step has come."
    message = (
        f"Nothing runs: {because} A retry of the step goes on with it. To go on without one, take the annotation "
        f"{ANNOTATION_POD} off; otherwise delete it."
    )
    verdict = Verdict(state=State.SUSPENDED, reason=Reason.PIPELINE_STEP_GONE, message=message, is_warning=True)
    return Hold(why=STOPPED_AS_ABANDONED, verdict=verdict, because=because)
