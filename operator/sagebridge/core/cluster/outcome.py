"""How a job has ended whose hosts know each other, and have an agent each."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.failures import failure_reason, lost_results
from sagebridge.core.cluster.jobs import finish_of, is_stranded, size_of
from sagebridge.core.cluster.names import ANNOTATION_STOP, annotations_of
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.core.observation import Phase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.failures import Terms
    from sagebridge.core.cluster.pods import Pod

_TERMINATED: Final = "Terminated"
_STOPPED_BY_AGENT: Final = ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")
_STATUSES: Final = MappingProxyType({Phase.SUCCEEDED: "Completed", Phase.FAILED: "Failed", Phase.STOPPED: "Stopped"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a job ended.

    Attributes:
        phase: what decisions depend on.
        secondary: SecondaryStatus, of a kind that has it.
        reason: FailureReason, empty unless it failed, or its results are lost.
    """

    phase: Phase
    secondary: str
    reason: str = ""

    @property
    def status(self) -> str:
        """TrainingJobStatus, ProcessingJobStatus."""
        return _STATUSES[self.phase]


def outcome(job: Mapping[str, Any], pods: Sequence[Pod], *, terms: Terms) -> Outcome | None:
    """How a Job has ended; None while it goes on.

    Args:
        job: the Job.
        pods: its pods, one for each host that has one.
        terms: the words of its kind.
    """
    finish = finish_of(job)
    if finish is None:
        return _end_of_stranded(job) if is_stranded(job, pods) else None
    stopped = _stopped_by_agent(pods)
    is_complete = finish["type"] == "Complete" or _have_all_succeeded(job, pods)
    cut = next((pod for pod in pods if pod.agent.message.get("stopped") == _TERMINATED), None)
    if stopped or ((cut or not is_complete) and ANNOTATION_STOP in annotations_of(job)):
        # Its results may be lost all the same, which is not to be passed over.
        return Outcome(phase=Phase.STOPPED, secondary=stopped or "Stopped", reason=lost_results(pods))
    if is_complete and cut:
        # A script that ends well when it is told to end has not come to its own end.
        return _interrupted(f"pod {cut.name} was told to end while it {terms.doing}.")
    if is_complete:
        return Outcome(phase=Phase.SUCCEEDED, secondary="Completed")
    if finish.get("reason") == "DeadlineExceeded":
        return Outcome(phase=Phase.STOPPED, secondary="MaxWaitTimeExceeded")
    reason = failure_reason(job, pods, terms=terms)
    secondary = "Interrupted" if failure_class(reason) is JobFailure.INTERRUPTED else "Failed"
    return Outcome(phase=Phase.FAILED, secondary=secondary, reason=reason)


def _have_all_succeeded(job: Mapping[str, Any], pods: Sequence[Pod]) -> bool:
    """Of every rank one pod. Another of that rank, which the Job controller made too many, may have failed the Job."""
    return len(pods) == size_of(job) and all(pod.phase == "Succeeded" for pod in pods)


def _end_of_stranded(job: Mapping[str, Any]) -> Outcome:
    if ANNOTATION_STOP in annotations_of(job):
        return Outcome(phase=Phase.STOPPED, secondary="Stopped")
    done = int(job["status"]["succeeded"])
    return _interrupted(f"the queue took the nodes away when {done} of {size_of(job)} hosts had ended.")


def _stopped_by_agent(pods: Sequence[Pod]) -> str:
    said = [str(pod.agent.message.get("stopped") or "") for pod in pods]
    return next((word for word in said if word in _STOPPED_BY_AGENT), "")


def _interrupted(why: str) -> Outcome:
    reason = f"{JobFailure.INTERRUPTED}: {why}"
    return Outcome(phase=Phase.FAILED, secondary="Interrupted", reason=reason)
