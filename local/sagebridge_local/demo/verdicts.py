"""What has to be true for the demo to have worked. Pure: a check takes what was seen, and raises if that won't do."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sagebridge.core.conditions import COMPLETE, FAILED, READY, STALLED, find, is_true
from sagebridge.core.job import Job

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.scoring import Score
from sagebridge_local.demo.trials import Search

REQUIRED_ACCURACY: Final = 0.95
REQUIRED_TRIALS: Final = 6


def check_complete(job: Job) -> None:
    """Pass a job that has completed at its first attempt.

    Raises:
        DemoError: It has not.
    """
    if not (is_true(job.conditions, COMPLETE) and is_true(job.conditions, READY)):
        raise DemoError(f"{job.name} did not complete. {message_of(job)}")
    check_one_attempt(job)


def check_completed(job: Job) -> str:
    """Return the URI of the model that a completed job has left.

    Raises:
        DemoError: It did not complete, took more than one attempt, or left no model.
    """
    check_complete(job)
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


def check_one_job(
    job: Job, *, operation: str, calls: Mapping[str, Mapping[str, Mapping[str, int]]], jobs: Collection[str]
) -> None:
    """Pass an object for which SageMaker got exactly one Create, and has exactly one job.

    Args:
        job: The object.
        operation: The Create operation of its kind.
        calls: How often SageMaker was called, by name of the job, operation and outcome.
        jobs: The names of all jobs there.

    Raises:
        DemoError: It is another number.
    """
    name = job.attempts[0].name
    created = sum(calls.get(name, {}).get(operation, {}).values())
    there = sum(other == name for other in jobs)
    if (created, there) != (1, 1):
        raise DemoError(f"{job.name}: {operation} was called {created} times, and {there} jobs are there.")


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


def check_events(events: Sequence[Mapping[str, Any]], *, kind: str, name: str, reasons: Collection[str]) -> None:
    """Pass Events that tell what happened to an object.

    Args:
        events: Events of the namespace.
        kind: The object's kind.
        name: The object's name.
        reasons: The reasons that have to be among its Events.

    Raises:
        DemoError: One is missing.
    """
    about = [event for event in events if event["involvedObject"]["name"] == name]
    told = {event["reason"] for event in about if event["involvedObject"]["kind"] == kind}
    missing = sorted(set(reasons) - told)
    if missing:
        raise DemoError(f"{kind} {name} has no Event {_listed(missing)}; it has {_listed(sorted(told)) or 'none'}.")


def check_search(search: Search, *, trained: Collection[str], best: str) -> None:
    """Pass a search whose trials have all trained, with different hyperparameters, and whose best is the best.

    Args:
        search: What the object says.
        trained: The names of the trials that SageMaker has, and that have completed.
        best: The name of the best training job, as the object says.

    Raises:
        DemoError: Something does not fit.
    """
    told = {trial.name for trial in search.trials}
    if search.wanted < REQUIRED_TRIALS or not search.wanted == search.completed == len(trained) == len(told):
        raise DemoError(
            f"{search.name} wanted {search.wanted} trials, at least {REQUIRED_TRIALS}; its status tells of "
            f"{search.completed} and shows {len(told)}, and SageMaker has {len(trained)} that completed."
        )
    if told != set(trained):
        raise DemoError(f"{search.name} shows trials that SageMaker has not: {_listed(sorted(told - set(trained)))}.")
    if len({tuple(trial.tuned.items()) for trial in search.trials}) == 1:
        raise DemoError(f"All trials of {search.name} have had the same hyperparameters.")
    highest = max(trial.objective for trial in search.trials)
    if best not in {trial.name for trial in search.trials if trial.objective == highest}:
        raise DemoError(f"{search.name} names {best} as its best, but another one has reached {highest:g}.")


def check_serving(endpoint: Job) -> None:
    """Pass an endpoint that is in service.

    Raises:
        DemoError: It is not.
    """
    if not is_true(endpoint.conditions, READY) or endpoint.status.get("endpointStatus") != "InService":
        raise DemoError(f"The endpoint {endpoint.name} is not in service. {message_of(endpoint)}")


def check_weights(endpoint: Job, *, wanted: Mapping[str, float]) -> None:
    """Pass an endpoint whose variants have the weights that its spec gives them.

    Raises:
        DemoError: They have not.
    """
    found = {variant["variantName"]: variant["currentWeight"] for variant in endpoint.status["variants"]}
    if found != wanted:
        raise DemoError(f"The endpoint {endpoint.name} should have the weights {dict(wanted)}, but has {found}.")


def check_same_config(endpoint: Job, *, config: str, updates: int) -> None:
    """Pass an endpoint that was not deployed anew.

    Args:
        endpoint: The object now.
        config: The name of its endpoint config before.
        updates: How often UpdateEndpoint was called since.

    Raises:
        DemoError: It was.
    """
    now = endpoint.status["endpointConfigName"]
    if now != config or updates:
        raise DemoError(f"A change of weights must not deploy, but UpdateEndpoint was called {updates} times: {now}.")


def check_calls(found: int, *, wanted: int, operation: str) -> None:
    """Pass an operation that was called as often as it should.

    Raises:
        DemoError: It was not.
    """
    if found != wanted:
        raise DemoError(f"{operation} should have been called {wanted} times, but was called {found} times.")


def check_nothing_left(found: Mapping[str, Sequence[str]]) -> None:
    """Pass if SageMaker has nothing any more.

    Args:
        found: What it has, by sort.

    Raises:
        DemoError: It has.
    """
    left = {sort: names for sort, names in found.items() if names}
    if left:
        raise DemoError("Left in SageMaker: " + "; ".join(f"{sort} {_listed(names)}" for sort, names in left.items()))


def message_of(job: Job) -> str:
    """Return what an object's Ready condition says."""
    ready = find(job.conditions, READY)
    return f"{ready['reason']}: {ready['message']}" if ready else "The operator has not looked at it."


def _listed(words: Sequence[str]) -> str:
    return ", ".join(repr(word) for word in words)
