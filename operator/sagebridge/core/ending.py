"""The end of a job with its object."""

from __future__ import annotations

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.job import Attempt, DeletionPolicy, Place
from sagebridge.core.observation import Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.situation import Situation
from sagebridge.core.steps import Conclude, Look, Purge, Release, Settle, Step, Stop, Withdraw


def plan_end(situation: Situation, deletion: Deletion) -> Step:
    """The next step once the object's deletion was asked for."""
    job = situation.job
    is_retained = job.run_policy.deletion_policy is DeletionPolicy.RETAIN
    if is_retained or situation.is_purged or (job.last_attempt is None and not job.models):
        return Release()
    if deletion.is_given_up(situation.now):
        return give_up(situation)
    if job.last_attempt is not None:
        again_after = deletion.seconds_left(situation.now)
        stopping = _plan_stop(situation, job.last_attempt, again_after=again_after)
        if stopping is not None:
            return stopping
    if job.models:
        return Withdraw()
    if job.run_policy.deletion_policy is DeletionPolicy.PURGE:
        return Purge()
    return Settle() if _is_to_be_settled(situation) else Release()


def give_up(situation: Situation) -> Release:
    """Let the object go, and name what could not be done in time."""
    job, last = situation.job, situation.job.last_attempt
    again = tuple(one for one in job.attempts if one.may_run_again) if _is_to_be_settled(situation) else ()
    is_purge = job.run_policy.deletion_policy is DeletionPolicy.PURGE
    return Release(
        orphan=last if last is not None and not last.is_closed else None,
        unsettled=again,
        unpurged=tuple(one for one in job.attempts if _is_there(one) and one not in again) if is_purge else (),
        models=tuple(model.name for model in job.models),
    )


def _is_there(attempt: Attempt) -> bool:
    """Whether what has ended is left to be purged, as far as is known."""
    is_gone = not attempt.arn or attempt.reason == Reason.JOB_GONE
    return attempt.is_closed and not is_gone and not attempt.adopted


def _is_to_be_settled(situation: Situation) -> bool:
    """Whether a queue may have something that it would run when the object, which would stop it, is gone."""
    job = situation.job
    if job.place is not Place.CLUSTER or situation.is_settled:
        return False
    if job.is_paused and all(attempt.is_closed for attempt in job.attempts):
        # Nothing may be changed, and what had ended was seen to then.
        return False
    return any(not attempt.is_closed or attempt.may_run_again for attempt in job.attempts)


def _plan_stop(situation: Situation, attempt: Attempt, *, again_after: float) -> Step | None:
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
    is_purged = situation.job.run_policy.deletion_policy is DeletionPolicy.PURGE
    # On the cluster a queue may take its nodes away and run it again, and somebody has to tell the new pods.
    if observation.phase is Phase.STOPPING and (is_purged or situation.job.place is Place.CLUSTER):
        message = f"Waiting for {attempt.name} to stop{', to delete it then' if is_purged else ''}."
        verdict = Verdict(state=State.PROGRESSING, reason=Reason.DELETING, message=message)
        return Conclude(verdict=verdict, again_after=again_after)
    return None
