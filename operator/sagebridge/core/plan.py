"""What to do next for a job: a pure function of the object, the last observation and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import takewhile

from sagebridge.core import conditions
from sagebridge.core.clock import parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.ending import give_up, plan_end
from sagebridge.core.holding import abandonment, after_stop, hold
from sagebridge.core.job import STOPPED_TO_GO_ON, Attempt, Job, Place, is_tracked_by_gitops
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.core.observation import Observation, Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.resolution import Path, value_at
from sagebridge.core.situation import Situation
from sagebridge.core.steps import (
    Close,
    Conclude,
    Expire,
    Forget,
    Look,
    Protect,
    Provide,
    Record,
    Release,
    Step,
    Stop,
    Submit,
    Tag,
    TakeBack,
    Wait,
    Withdraw,
)

__all__ = ["INTERRUPTION_PAUSES_SECONDS", "MOST_ATTEMPTS", "RETRY_BACKOFF_SECONDS", "Situation", "next_step"]

RETRY_BACKOFF_SECONDS = (10.0, 30.0, 60.0, 120.0, 300.0)
"""Pause before attempt 2, 3, …; the last one holds for all that follow."""
INTERRUPTION_PAUSES_SECONDS = (5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""The same after the cluster took nodes away, once, twice, … in a row: at first others may be there already."""
MOST_ATTEMPTS = 100
"""As many as a status holds."""

_TTL_IGNORED = (
    "ttlSecondsAfterFinished is not applied: Argo CD or Flux keeps this object, and would have it made, and paid for, "
    "again."
)

_WHERE: Mapping[Place, str] = {Place.SAGEMAKER: "in AWS", Place.CLUSTER: "on the cluster"}
_NO_REASON: Mapping[Place, str] = {
    Place.SAGEMAKER: "SageMaker gave no reason.",
    Place.CLUSTER: "The cluster gave no reason.",
}

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (SecondaryStatus)
_OUT_OF_TIME: Mapping[str, str] = {
    "MaxRuntimeExceeded": "ran for as long as stoppingCondition.maxRuntimeInSeconds allows, and was stopped.",
    "MaxWaitTimeExceeded": "took as long as stoppingCondition.maxWaitTimeInSeconds allows, and was stopped.",
}
# Kinds without a secondary status don't tell the two apart.
_STOPPED_SOMEHOW = "was stopped, not by this object: since its time was up, or by somebody."


def next_step(situation: Situation) -> Step:
    """The one step to take now.

    Returns:
        A step that brings the object nearer to its spec, or says where it stands; taking it again does no harm.
    """
    job = situation.job
    if situation.deletion is not None:
        return _plan_deletion(situation, situation.deletion) if job.is_finalized else Wait()
    if not job.is_finalized:
        return Protect()
    if job.is_finished:
        return _plan_finished(situation)
    return _unless_paused(job, _plan_running(situation))


def _unless_paused(job: Job, step: Step) -> Step:
    if not job.is_paused or isinstance(step, Wait | Conclude | Look | TakeBack | Close | Release):
        return step
    state = State.PROGRESSING if job.deletion_requested_at else State.PAUSED
    message = f"Paused: nothing is changed {_WHERE[job.place]}. Remove the annotation sagebridge.io/paused to go on."
    return Conclude(verdict=Verdict(state=state, reason=Reason.PAUSED, message=message), again_after=60.0)


# --- running -----------------------------------------------------------------------------------------------------


def _plan_running(situation: Situation) -> Step:
    change = abandonment(situation.job, situation.gone)
    if change is not None:
        return change
    attempt = situation.job.last_attempt
    if attempt is None or attempt.is_closed:
        return _plan_attempt_after(situation, attempt)
    if not attempt.arn:
        return _plan_unsubmitted(situation, attempt)
    if situation.observation is None:
        # Sweeps come by themselves, and cost less; but what is to be stopped is not to wait for one.
        return Look(attempt=attempt) if situation.job.is_held else Wait()
    return _PLANS[situation.observation.phase](situation, attempt, situation.observation)


def _plan_attempt_after(situation: Situation, previous: Attempt | None) -> Step:
    if (held := hold(situation.job)) is not None:
        return Conclude(verdict=held.verdict)
    if previous is None:
        return Record(number=1)
    if previous.number >= MOST_ATTEMPTS:
        message = f"There were {MOST_ATTEMPTS} attempts, the most that are recorded. The last one: {previous.message}"
        return Conclude(verdict=Verdict(state=State.FAILED, reason=Reason.JOB_FAILED, message=message))
    # AWS tells when it ended, and its clock may be ahead of ours.
    passed = max(0.0, (situation.now - parse_time(previous.end_time)).total_seconds())
    remaining = _retry_pause(situation.job, previous) - passed
    if remaining > 0:
        return Conclude(verdict=_retry_pending(situation.job, previous), again_after=remaining)
    return Record(number=previous.number + 1)


def _retry_pause(job: Job, previous: Attempt) -> float:
    if previous.was_stopped_to_go_on:
        return 0.0
    if previous.was_interrupted:
        return INTERRUPTION_PAUSES_SECONDS[min(_interruptions_in_a_row(job), len(INTERRUPTION_PAUSES_SECONDS)) - 1]
    return RETRY_BACKOFF_SECONDS[min(_count_failures(job), len(RETRY_BACKOFF_SECONDS)) - 1]


def _plan_unsubmitted(situation: Situation, attempt: Attempt) -> Step:
    if not situation.job.is_held:
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
    if (held := hold(job)) is not None:
        return Stop(attempt=attempt, why=held.why)
    if attempt.stop_requested in STOPPED_TO_GO_ON:
        return _plan_unstopped(attempt, observation)
    if situation.wants_tags:
        return Tag(attempt=attempt)
    if not observation.whole and any(_has_changed(path, observation, job) for path in situation.look_when):
        return Look(attempt=attempt)
    secondary = observation.fields.get("secondaryStatus") or "InProgress"
    progress = _progressing(Reason.IN_PROGRESS, f"{attempt.name} is {secondary}.")
    return Conclude(verdict=observation.waiting or progress)


def _plan_unstopped(attempt: Attempt, observation: Observation) -> Step:
    """What was to be stopped is open, and may be: how it ends must not be taken for our doing."""
    if observation.is_half_stopped:
        # The rest of it can't go on alone; another attempt does.
        return Stop(attempt=attempt, why=attempt.stop_requested)
    return TakeBack(attempt=attempt)


def _has_changed(path: Path, observation: Observation, job: Job) -> bool:
    """Whether a List tells another value than the status; none is as good as 0."""
    return bool((value_at(observation.fields, path) or 0) != (value_at(job.status, path) or 0))


def _plan_stopping(situation: Situation, attempt: Attempt, _: Observation) -> Step:
    held = hold(situation.job)
    because = f": {held.because}" if held is not None and held.because else "."
    return Conclude(verdict=_progressing(Reason.STOPPING, f"{attempt.name} is being stopped{because}"))


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
    why = _in_one_line(observation.failure_reason) or _NO_REASON[job.place]
    message = f"{attempt.name} failed: {why}{_last_words(observation)}"
    if failure == JobFailure.INTERRUPTED and job.place is Place.CLUSTER:
        message = f"{message} It starts again, from its last checkpoint if it has one; no retry is used up."
        return Close(attempt=attempt, verdict=_progressing(Reason.RETRY_PENDING, message))
    retries_used = _count_failures(job)
    if failure in job.run_policy.retry_errors and retries_used < job.run_policy.retry_limit:
        message = f"{message} Retry {retries_used + 1} of {job.run_policy.retry_limit} follows."
        return Close(attempt=attempt, verdict=_progressing(Reason.RETRY_PENDING, message))
    return Close(attempt=attempt, verdict=Verdict(state=State.FAILED, reason=Reason.JOB_FAILED, message=message))


def _plan_stopped(situation: Situation, attempt: Attempt, observation: Observation) -> Step:
    if not observation.whole:
        return Look(attempt=attempt)
    secondary = observation.fields.get("secondaryStatus")
    if attempt.stop_requested in STOPPED_TO_GO_ON and secondary not in _OUT_OF_TIME:
        return Close(attempt=attempt, verdict=after_stop(situation.job, attempt))
    why = _OUT_OF_TIME.get(secondary, "was stopped, not by this object.") if secondary else _STOPPED_SOMEHOW
    message = f"{attempt.name} {why} Apply it under another name to run it again.{_last_words(observation)}"
    return Close(attempt=attempt, verdict=Verdict(state=State.FAILED, reason=Reason.JOB_STOPPED, message=message))


def _plan_gone(situation: Situation, attempt: Attempt, _: Observation) -> Step:
    if attempt.stop_requested in STOPPED_TO_GO_ON:
        return Close(attempt=attempt, verdict=after_stop(situation.job, attempt))
    message = f"{attempt.name} is no longer there: somebody deleted it."
    return Close(attempt=attempt, verdict=Verdict(state=State.FAILED, reason=Reason.JOB_GONE, message=message))


_PLANS: Mapping[Phase, Callable[[Situation, Attempt, Observation], Step]] = {
    Phase.OPEN: _plan_open,
    Phase.STOPPING: _plan_stopping,
    Phase.SUCCEEDED: _plan_succeeded,
    Phase.FAILED: _plan_failed,
    Phase.STOPPED: _plan_stopped,
    Phase.GONE: _plan_gone,
}


def _interruptions_in_a_row(job: Job) -> int:
    return len(list(takewhile(lambda attempt: attempt.was_interrupted, reversed(job.attempts))))


def _count_failures(job: Job) -> int:
    return sum(
        attempt.is_closed and not attempt.was_stopped_to_go_on and not attempt.was_interrupted
        for attempt in job.attempts
    )


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


def _plan_deletion(situation: Situation, deletion: Deletion) -> Step:
    step = _unless_paused(situation.job, plan_end(situation, deletion))
    return give_up(situation) if isinstance(step, Conclude) and deletion.is_over(situation.now) else step


# --- verdicts ----------------------------------------------------------------------------------------------------


def _progressing(reason: Reason, message: str) -> Verdict:
    return Verdict(state=State.PROGRESSING, reason=reason, message=message)


def _retry_pending(job: Job, previous: Attempt) -> Verdict:
    retries = f"Retry {_count_failures(job)} of {job.run_policy.retry_limit} follows."
    if previous.was_interrupted:
        retries = "It starts again, from its last checkpoint if it has one."
    return _progressing(Reason.RETRY_PENDING, f"{previous.name} failed: {_in_one_line(previous.message)} {retries}")


def _last_words(observation: Observation) -> str:
    """What the container left to say, of a kind whose Describe tells it; empty if it said nothing."""
    words = _in_one_line(observation.fields.get("exitMessage"))
    return f" Its exit message: {words}" if words else ""


def _in_one_line(text: str | None) -> str:
    """A script's words without line breaks: kubectl shows an Event's first line only."""
    return " ".join((text or "").split())
