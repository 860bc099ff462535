"""What to do next for a job: a pure function of the object, the last observation and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sagebridge.core import conditions
from sagebridge.core.clock import parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.errors import failure_class
from sagebridge.core.job import STOPPED_TO_SUSPEND, Attempt, DeletionPolicy, Job, is_tracked_by_gitops
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.resolution import Path, value_at
from sagebridge.core.steps import (
    Close,
    Conclude,
    Expire,
    Forget,
    Look,
    Protect,
    Provide,
    Purge,
    Record,
    Release,
    Step,
    Stop,
    Submit,
    Tag,
    Wait,
    Withdraw,
)

RETRY_BACKOFF_SECONDS = (10.0, 30.0, 60.0, 120.0, 300.0)
"""Pause before attempt 2, 3, …; the last one holds for all that follow."""

_TTL_IGNORED = (
    "ttlSecondsAfterFinished is not applied: Argo CD or Flux keeps this object, and would have it made, and paid for, "
    "again."
)

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (SecondaryStatus)
_OUT_OF_TIME: Mapping[str, str] = {
    "MaxRuntimeExceeded": "ran for as long as stoppingCondition.maxRuntimeInSeconds allows, and was stopped.",
    "MaxWaitTimeExceeded": "took as long as stoppingCondition.maxWaitTimeInSeconds allows, and was stopped.",
}
# Kinds without a secondary status don't tell the two apart.
_STOPPED_SOMEHOW = "was stopped, not by this object: since its time was up, or by somebody."


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """All that a plan depends on.

    Attributes:
        job: the object.
        observation: the last look at its last attempt; None if there was none since the operator started.
        now: the time of this pass.
        deletion_deadline: how long AWS may keep a deletion from ending.
        is_purged: whether all its jobs were deleted in AWS.
        tags_refused: whether AWS has refused the changed tags in this pass.
        look_when: counters in status which, when a List shows them changed, are worth a look at the whole.
        models_kept: whether AWS has refused to delete its models in this pass.
    """

    job: Job
    observation: Observation | None
    now: datetime
    deletion_deadline: timedelta
    is_purged: bool = False
    tags_refused: bool = False
    look_when: tuple[Path, ...] = ()
    models_kept: bool = False

    @property
    def wants_tags(self) -> bool:
        """Whether the job's tags are to be changed now."""
        return self.job.has_unapplied_tags and not self.job.is_paused and not self.tags_refused

    @property
    def drops_models(self) -> bool:
        """Whether the models that were made for an object that has finished are to be deleted now."""
        return bool(self.job.models) and not self.job.is_paused and not self.models_kept


def next_step(situation: Situation) -> Step:
    """The one step to take now.

    Returns:
        A step that brings the object nearer to its spec, or says where it stands; taking it again does no harm.
    """
    job = situation.job
    if job.deletion_requested_at is not None:
        deletion = _plan_deletion(situation, job.deletion_requested_at)
        return _unless_paused(job, deletion) if job.is_finalized else Wait()
    if not job.is_finalized:
        return Protect()
    if job.is_finished:
        return _plan_finished(situation)
    return _unless_paused(job, _plan_running(situation))


def _unless_paused(job: Job, step: Step) -> Step:
    if not job.is_paused or isinstance(step, Wait | Conclude | Look | Close | Release):
        return step
    state = State.PROGRESSING if job.deletion_requested_at else State.PAUSED
    message = "Paused: nothing is changed in AWS. Remove the annotation sagebridge.io/paused to go on."
    return Conclude(verdict=Verdict(state=state, reason=Reason.PAUSED, message=message), again_after=60.0)


# --- running -----------------------------------------------------------------------------------------------------


def _plan_running(situation: Situation) -> Step:
    attempt = situation.job.last_attempt
    if attempt is None or attempt.is_closed:
        return _plan_attempt_after(situation, attempt)
    if not attempt.arn:
        return _plan_unsubmitted(situation, attempt)
    if situation.observation is None:
        # Sweeps come by themselves, and cost less; but what is to be stopped is not to wait for one.
        return Look(attempt=attempt) if situation.job.run_policy.suspend else Wait()
    return _PLANS[situation.observation.phase](situation, attempt, situation.observation)


def _plan_attempt_after(situation: Situation, previous: Attempt | None) -> Step:
    if situation.job.run_policy.suspend:
        return Conclude(verdict=_suspended())
    if previous is None:
        return Record(number=1)
    # AWS tells when it ended, and its clock may be ahead of ours.
    passed = max(0.0, (situation.now - parse_time(previous.end_time)).total_seconds())
    remaining = _retry_pause(situation.job, previous) - passed
    if remaining > 0:
        return Conclude(verdict=_retry_pending(situation.job, previous), again_after=remaining)
    return Record(number=previous.number + 1)


def _retry_pause(job: Job, previous: Attempt) -> float:
    if previous.stop_requested == STOPPED_TO_SUSPEND:
        return 0.0
    return RETRY_BACKOFF_SECONDS[min(_count_failures(job), len(RETRY_BACKOFF_SECONDS)) - 1]


def _plan_unsubmitted(situation: Situation, attempt: Attempt) -> Step:
    if not situation.job.run_policy.suspend:
        return _plan_submission(situation.job, attempt)
    if situation.observation is None:
        return Look(attempt=attempt)
    if situation.observation.phase is Phase.GONE:
        return Forget(attempt=attempt)
    return Submit(attempt=attempt)


def _plan_submission(job: Job, attempt: Attempt) -> Step:
    """The model that it uses comes before the job."""
    model = job.model_of(attempt)
    return Provide(attempt=attempt) if model is not None and not model.arn else Submit(attempt=attempt)


def _plan_open(situation: Situation, attempt: Attempt, observation: Observation) -> Step:
    job = situation.job
    if job.run_policy.suspend:
        return Stop(attempt=attempt, why=STOPPED_TO_SUSPEND)
    if situation.wants_tags:
        return Tag(attempt=attempt)
    if not observation.whole and any(_has_changed(path, observation, job) for path in situation.look_when):
        return Look(attempt=attempt)
    secondary = observation.fields.get("secondaryStatus") or "InProgress"
    return Conclude(verdict=_progressing(Reason.IN_PROGRESS, f"{attempt.name} is {secondary}."))


def _has_changed(path: Path, observation: Observation, job: Job) -> bool:
    """Whether a List tells another value than the status; none is as good as 0."""
    return bool((value_at(observation.fields, path) or 0) != (value_at(job.status, path) or 0))


def _plan_stopping(_: Situation, attempt: Attempt, __: Observation) -> Step:
    return Conclude(verdict=_progressing(Reason.STOPPING, f"{attempt.name} is being stopped."))


def _plan_succeeded(_: Situation, attempt: Attempt, observation: Observation) -> Step:
    if not observation.whole:
        return Look(attempt=attempt)
    return Close(
        attempt=attempt,
        verdict=Verdict(
            state=State.READY, reason=Reason.COMPLETED, message=f"{attempt.name} completed.{_last_words(observation)}"
        ),
    )


def _plan_failed(situation: Situation, attempt: Attempt, observation: Observation) -> Step:
    if not observation.whole:
        return Look(attempt=attempt)
    job = situation.job
    failure = failure_class(observation.failure_reason).value
    why = _in_one_line(observation.failure_reason) or "SageMaker gave no reason."
    message = f"{attempt.name} failed: {why}{_last_words(observation)}"
    retries_used = _count_failures(job)
    if failure in job.run_policy.retry_errors and retries_used < job.run_policy.retry_limit:
        message = f"{message} Retry {retries_used + 1} of {job.run_policy.retry_limit} follows."
        return Close(attempt=attempt, verdict=_progressing(Reason.RETRY_PENDING, message))
    return Close(attempt=attempt, verdict=Verdict(state=State.FAILED, reason=Reason.JOB_FAILED, message=message))


def _plan_stopped(_: Situation, attempt: Attempt, observation: Observation) -> Step:
    if not observation.whole:
        return Look(attempt=attempt)
    if attempt.stop_requested == STOPPED_TO_SUSPEND:
        return Close(attempt=attempt, verdict=_suspended())
    secondary = observation.fields.get("secondaryStatus")
    why = _OUT_OF_TIME.get(secondary, "was stopped, not by this object.") if secondary else _STOPPED_SOMEHOW
    message = f"{attempt.name} {why} Apply it under another name to run it again.{_last_words(observation)}"
    return Close(attempt=attempt, verdict=Verdict(state=State.FAILED, reason=Reason.JOB_STOPPED, message=message))


def _plan_gone(_: Situation, attempt: Attempt, __: Observation) -> Step:
    message = f"{attempt.name} is no longer in SageMaker: somebody deleted it."
    return Close(attempt=attempt, verdict=Verdict(state=State.FAILED, reason=Reason.JOB_GONE, message=message))


_PLANS: Mapping[Phase, Callable[[Situation, Attempt, Observation], Step]] = {
    Phase.OPEN: _plan_open,
    Phase.STOPPING: _plan_stopping,
    Phase.SUCCEEDED: _plan_succeeded,
    Phase.FAILED: _plan_failed,
    Phase.STOPPED: _plan_stopped,
    Phase.GONE: _plan_gone,
}


def _count_failures(job: Job) -> int:
    return sum(attempt.is_closed and attempt.stop_requested != STOPPED_TO_SUSPEND for attempt in job.attempts)


# --- finished ----------------------------------------------------------------------------------------------------


def _plan_finished(situation: Situation) -> Step:
    job = situation.job
    attempt = job.last_attempt
    if attempt is not None and attempt.arn and attempt.reason != Reason.JOB_GONE and situation.wants_tags:
        return Tag(attempt=attempt)
    if situation.drops_models:
        return Withdraw()
    verdict = _verdict_of_finished(job)
    remaining = _seconds_to_live(situation)
    if remaining is None:
        return Conclude(verdict=verdict)
    return Conclude(verdict=verdict, again_after=remaining) if remaining > 0 else Expire()


def _verdict_of_finished(job: Job) -> Verdict:
    state, kind = (State.READY, conditions.COMPLETE) if job.is_complete else (State.FAILED, conditions.FAILED)
    condition = conditions.find(job.conditions, kind) or {}
    message = str(condition.get("message", "")).removesuffix(f" {_TTL_IGNORED}")
    if job.run_policy.ttl_seconds is not None and is_tracked_by_gitops(job.metadata):
        message = f"{message} {_TTL_IGNORED}"
    default = Reason.COMPLETED if job.is_complete else Reason.JOB_FAILED
    return Verdict(state=state, reason=Reason.parse(condition.get("reason"), default=default), message=message)


def _seconds_to_live(situation: Situation) -> float | None:
    job = situation.job
    ended = job.status.get("completionTime")
    if job.run_policy.ttl_seconds is None or not ended or is_tracked_by_gitops(job.metadata):
        return None
    return job.run_policy.ttl_seconds - (situation.now - parse_time(ended)).total_seconds()


# --- deletion ----------------------------------------------------------------------------------------------------


def _plan_deletion(situation: Situation, requested_at: datetime) -> Step:
    job = situation.job
    policy = job.run_policy.deletion_policy
    if policy is DeletionPolicy.RETAIN or situation.is_purged or (job.last_attempt is None and not job.models):
        return Release()
    if situation.now - requested_at > situation.deletion_deadline:
        return Release(orphan=job.last_attempt, models=tuple(model.name for model in job.models))
    remaining = (requested_at + situation.deletion_deadline - situation.now).total_seconds() + 1.0
    if job.last_attempt is not None:
        stopping = _plan_stop_for_deletion(situation, job.last_attempt, again_after=remaining)
        if stopping is not None:
            return stopping
    if job.models:
        return Withdraw()
    return Purge() if policy is DeletionPolicy.PURGE else Release()


def _plan_stop_for_deletion(situation: Situation, attempt: Attempt, *, again_after: float) -> Step | None:
    """What is left to do until the last attempt's job may be left, or None.

    `again_after` is when the deadline is over: while AWS can't be asked, nothing else wakes the object.
    """
    if attempt.is_closed:
        return None
    observation = situation.observation
    if observation is None:
        return Look(attempt=attempt)
    if observation.phase is Phase.OPEN:
        return Stop(attempt=attempt)
    if observation.phase is Phase.STOPPING and situation.job.run_policy.deletion_policy is DeletionPolicy.PURGE:
        message = f"Waiting for {attempt.name} to stop, to delete it then."
        return Conclude(verdict=_progressing(Reason.DELETING, message), again_after=again_after)
    return None


# --- verdicts ----------------------------------------------------------------------------------------------------


def _progressing(reason: Reason, message: str) -> Verdict:
    return Verdict(state=State.PROGRESSING, reason=reason, message=message)


def _suspended() -> Verdict:
    message = "Suspended by spec.runPolicy.suspend; nothing runs. Set it to false to go on."
    return Verdict(state=State.SUSPENDED, reason=Reason.SUSPENDED, message=message)


def _retry_pending(job: Job, previous: Attempt) -> Verdict:
    retries = f"Retry {_count_failures(job)} of {job.run_policy.retry_limit} follows."
    return _progressing(Reason.RETRY_PENDING, f"{previous.name} failed: {_in_one_line(previous.message)} {retries}")


def _last_words(observation: Observation) -> str:
    """What the container left to say, of a kind whose Describe tells it; empty if it said nothing."""
    words = _in_one_line(observation.fields.get("exitMessage"))
    return f" Its exit message: {words}" if words else ""


def _in_one_line(text: str | None) -> str:
    """A script's words without line breaks: kubectl shows an Event's first line only."""
    return " ".join((text or "").split())
