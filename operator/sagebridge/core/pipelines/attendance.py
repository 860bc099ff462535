"""What becomes of an object when the pod of the step that made it is gone: a pure function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sagebridge.core.job import Job
from sagebridge.core.pipelines.marks import Marks
from sagebridge.core.pipelines.pods import StepPod


@dataclass(frozen=True, kw_only=True, slots=True)
class Gone:
    """The pod of a step that was found gone for good, without a successor.

    Attributes:
        pod: its name and UID, with a slash between.
        since: since when nobody attends what the step made.
    """

    pod: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """Nothing is to be done: somebody attends it, or nobody has to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitUntil:
    """Nobody attends it; that is borne until then."""

    moment: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Abandoned:
    """Nobody attends it, and has not for long enough."""

    since: datetime


Fate = Leave | WaitUntil | Abandoned


def needs_attendance(job: Job) -> bool:
    """Whether an object is of a step that has not ended well, and is to be stopped should nobody attend it.

    Not so once the job has ended, while it is suspended or stopped for want of attendance already, when it is being
    deleted, and where somebody has resumed it by hand after its step had suspended it.
    """
    marks = Marks.parse(job.metadata)
    if marks is None or marks.is_done or job.is_finished or job.deletion_requested_at is not None:
        return False
    return not (marks.is_stopped or job.run_policy.suspend or job.is_abandoned)


def of_step(marks: Marks, pods: Sequence[StepPod]) -> list[StepPod]:
    """Of a namespace's pods those of the step: the one that attends the object, and others of the same task."""
    return [
        pod
        for pod in pods
        if pod.uid == marks.pod_uid or (pod.run == marks.run and pod.task == marks.task and marks.task)
    ]


def fate(marks: Marks, pods: Sequence[StepPod], *, first_seen_gone: datetime, now: datetime, grace: timedelta) -> Fate:
    """Tell what is to become of an object that needs attendance.

    Args:
        marks: what its step has noted on it.
        pods: the pods of the step; a successor counts from when it is there, before it has noted anything.
        first_seen_gone: when it was first seen that no pod of the step runs. It counts where no pod tells when it
            ended.
        now: the time of this look.
        grace: how long nobody need attend it.
    """
    if any(not pod.is_over(now) for pod in pods):
        return Leave()
    ends = [pod.over_since for pod in pods]
    if all(pod.uid != marks.pod_uid for pod in pods):
        ends.append(None)
    since = max(first_seen_gone if end is None else end for end in ends)
    until = since + grace
    return WaitUntil(moment=until) if now < until else Abandoned(since=since)
