"""What has to be true for the demo to have worked. Pure: a check takes what was seen, and raises if that won't do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sagebridge.core.conditions import COMPLETE, FAILED, READY, STALLED, find, is_true
from sagebridge.core.job import Job

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.scoring import Score

REQUIRED_ACCURACY: Final = 0.95


def check_completed(job: Job) -> str:
    """Return the URI of the model that a completed job has left.

    Raises:
        DemoError: It did not complete, took more than one attempt, or left no model.
    """
    if not (is_true(job.conditions, COMPLETE) and is_true(job.conditions, READY)):
        raise DemoError(f"{job.name} did not complete. {message_of(job)}")
    check_one_attempt(job)
    uri = (job.status.get("modelArtifacts") or {}).get("s3ModelArtifacts")
    if not uri:
        raise DemoError(f"{job.name} completed, but its status names no model.")
    return str(uri)


def check_failed(job: Job, *, words: Sequence[str]) -> str:
    """Return the FailureReason of a job that was meant to fail.

    Args:
        job: The object at its end.
        words: What the reason has to hold.

    Raises:
        DemoError: It did not fail, looks healthy all the same, or its reason does not tell why.
    """
    right = is_true(job.conditions, FAILED) and is_true(job.conditions, STALLED)
    if not right or is_true(job.conditions, READY) or is_true(job.conditions, COMPLETE):
        raise DemoError(f"{job.name} should have ended as Failed. {message_of(job)}")
    check_one_attempt(job)
    reason = str(job.status.get("failureReason") or "")
    missing = [word for word in words if word not in reason]
    if missing:
        raise DemoError(f"{job.name} failed, but its failureReason lacks {_listed(missing)}: {reason or 'it is empty'}")
    return reason


def check_one_attempt(job: Job) -> None:
    """Pass a job with exactly one attempt.

    Raises:
        DemoError: It has none, or several.
    """
    if len(job.attempts) != 1:
        raise DemoError(f"{job.name} has {len(job.attempts)} attempts instead of one.")


def check_one_job(job: Job, *, calls: Mapping[str, Mapping[str, Mapping[str, int]]], jobs: Collection[str]) -> None:
    """Pass an object for which SageMaker got exactly one Create, and has exactly one job.

    Args:
        job: The object.
        calls: How often SageMaker was called, by name of the job, operation and outcome.
        jobs: The names of all jobs there.

    Raises:
        DemoError: It is another number.
    """
    name = job.attempts[0].name
    created = sum(calls.get(name, {}).get("CreateTrainingJob", {}).values())
    there = sum(other == name for other in jobs)
    if (created, there) != (1, 1):
        raise DemoError(f"{job.name}: CreateTrainingJob was called {created} times, and {there} jobs are there.")


def check_no_job(name: str, *, jobs: Collection[str], creates: int) -> None:
    """Pass if a refused manifest has left nothing in SageMaker.

    Args:
        name: The manifest's.
        jobs: The names of all jobs there.
        creates: How often CreateTrainingJob was called since it was applied.

    Raises:
        DemoError: It has.
    """
    if creates:
        raise DemoError(f"The manifest {name} was refused, and yet CreateTrainingJob was called {creates} times.")
    found = [job for job in jobs if name in job]
    if found:
        raise DemoError(f"The manifest {name} was refused, and yet SageMaker has {_listed(found)}.")


def check_refused(message: str | None, *, words: Sequence[str]) -> str:
    """Return the words with which a bad manifest was refused.

    Args:
        message: What kubectl wrote to standard error; None if it took the manifest.
        words: What the message has to hold: the fields, and what would be right.

    Raises:
        DemoError: It was taken, or the message does not say what is wrong.
    """
    if message is None:
        raise DemoError("The bad manifest was taken; it should have been refused.")
    missing = [word for word in words if word not in message]
    if missing:
        raise DemoError(f"The bad manifest was refused, but the message lacks {_listed(missing)}: {message}")
    return message


def check_accuracy(score: Score, *, required: float = REQUIRED_ACCURACY) -> None:
    """Pass a model that is good enough.

    Raises:
        DemoError: It is not.
    """
    if score.accuracy < required:
        raise DemoError(
            f"The model reads {score.correct} of {score.rows} held-out digits: accuracy {score.accuracy:.4f}, "
            f"at least {required} was wanted."
        )


def check_events(events: Sequence[Mapping[str, Any]], *, name: str, reasons: Collection[str]) -> None:
    """Pass Events that tell what happened to an object.

    Args:
        events: Events of the namespace.
        name: The object's name.
        reasons: The reasons that have to be among its Events.

    Raises:
        DemoError: One is missing.
    """
    told = {event["reason"] for event in events if event["involvedObject"]["name"] == name}
    missing = sorted(set(reasons) - told)
    if missing:
        raise DemoError(f"{name} has no Event {_listed(missing)}; it has {_listed(sorted(told)) or 'none'}.")


def message_of(job: Job) -> str:
    """Return what an object's Ready condition says."""
    ready = find(job.conditions, READY)
    return f"{ready['reason']}: {ready['message']}" if ready else "The operator has not looked at it."


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
