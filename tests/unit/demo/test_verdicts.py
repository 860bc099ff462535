"""What the demo lets pass, and what it refuses."""
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sagebridge.core.job import Job
from sagebridge_local.demo import verdicts
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.scoring import Score
from sagebridge_local.demo.trials import Search, Trial

ATTEMPT = {"number": 1, "name": "default-digits-abc", "region": "us-east-1", "recordedAt": "2026-01-02T03:04:05Z"}
MODEL = {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}
REASON = "AlgorithmError: ExecuteUserScriptError:\nKeyError: no label"
CALLS = {"default-digits-abc": {"CreateTrainingJob": {"OK": 1}, "DescribeTrainingJob": {"OK": 1}}}


def job(*true: str, **status: Any) -> Job:
    """An object whose named conditions are True, and Ready is False if it is not among them."""
    kinds = true if "Ready" in true else ("Ready", *true)
    conditions = [
        {"type": kind, "status": str(kind in true), "reason": "InProgress", "message": "it runs"} for kind in kinds
    ]
    metadata = {"name": "digits", "namespace": "default", "uid": "u"}
    return Job.parse({"metadata": metadata, "status": {"conditions": conditions, "attempts": [ATTEMPT]} | status})


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    check: Callable[[], object]
    want: str


def failed(job: Job) -> Callable[[], object]:
    return lambda: verdicts.check_failed(job, words=["AlgorithmError", "no label"])


def one_job(*, calls: Any = CALLS, jobs: tuple[str, ...] = ("default-digits-abc",)) -> Callable[[], object]:
    return lambda: verdicts.check_one_job(job(), operation="CreateTrainingJob", calls=calls, jobs=jobs)


TRIALS = tuple(Trial(number=str(n), name=f"t-{n}", objective=n / 10, tuned={"x": str(n)}) for n in range(6))
NAMES = [trial.name for trial in TRIALS]
WEIGHTED = job(
    "Ready",
    endpointConfigName="c1",
    variants=[{"variantName": name, "currentWeight": 1.0} for name in ("a", "b")],
)


def searched(
    *, trials: Sequence[Trial] = TRIALS, wanted: int = 6, trained: Sequence[str] = NAMES, best: str = "t-5"
) -> Callable[[], object]:
    search = Search(
        name="s",
        status="Completed",
        metric="m",
        running=0,
        completed=wanted,
        failed=0,
        wanted=wanted,
        trials=tuple(trials),
    )
    return lambda: verdicts.check_search(search, trained=trained[:wanted], best=best)


REFUSED = [
    Case(reason="a job that runs has not completed", check=lambda: verdicts.check_completed(job()), want="InProgress: it runs"),
    Case(reason="Complete without Ready is not healthy", check=lambda: verdicts.check_completed(job("Complete", modelArtifacts=MODEL)), want="did not complete"),
    Case(reason="a model is wanted", check=lambda: verdicts.check_completed(job("Complete", "Ready")), want="names no model"),
    Case(reason="two attempts are one too many", check=lambda: verdicts.check_completed(job("Complete", "Ready", modelArtifacts=MODEL, attempts=[ATTEMPT, ATTEMPT])), want="2 attempts"),
    Case(reason="no attempt is one too few", check=lambda: verdicts.check_completed(job("Complete", "Ready", modelArtifacts=MODEL, attempts=[])), want="0 attempts"),
    Case(reason="a failing script must not complete", check=failed(job("Ready", "Complete")), want="should have ended as Failed"),
    Case(reason="Failed and Ready contradict each other", check=failed(job("Ready", "Failed", "Stalled", failureReason=REASON)), want="should have ended"),
    Case(reason="the reason has to be the script's", check=failed(job("Failed", "Stalled", failureReason="InternalServerError")), want="lacks 'AlgorithmError', 'no label'"),
    Case(reason="a reason is wanted", check=failed(job("Failed", "Stalled")), want="it is empty"),
    Case(reason="a manifest that was taken", check=lambda: verdicts.check_refused(None, words=["x"]), want="was taken"),
    Case(reason="a message that does not name the field", check=lambda: verdicts.check_refused("no", words=["spec.a"]), want="lacks 'spec.a'"),
    Case(reason="a bad model", check=lambda: verdicts.check_accuracy(Score(correct=94, rows=100)), want="94 of 100 held-out digits: accuracy 0.9400"),
    Case(reason="two Creates for one object", check=one_job(calls={"default-digits-abc": {"CreateTrainingJob": {"OK": 1, "ThrottlingException": 1}}}), want="called 2 times"),
    Case(reason="no job", check=one_job(jobs=()), want="0 jobs are there"),
    Case(reason="a refused manifest's job", check=lambda: verdicts.check_no_job("digits", jobs=["default-digits-abc"], creates=0), want="SageMaker has 'default-digits-abc'"),
    Case(reason="a refused manifest's call", check=lambda: verdicts.check_no_job("bad", jobs=[], creates=1), want="called 1 times"),
    Case(reason="an Event that is missing", check=lambda: verdicts.check_events([event("digits", "Accepted")], kind="TrainingJob", name="digits", reasons=["Completed"]), want="TrainingJob digits has no Event 'Completed'; it has 'Accepted'"),
    Case(reason="another kind's Event does not count", check=lambda: verdicts.check_events([event("digits", "Completed", kind="Endpoint")], kind="TrainingJob", name="digits", reasons=["Completed"]), want="it has none"),
    Case(reason="too few trials are no search", check=searched(trials=TRIALS[:5], wanted=5), want="at least 6"),
    Case(reason="a trial that has not completed", check=searched(trained=NAMES[:5]), want="SageMaker has 5 that completed"),
    Case(reason="a status that shows fewer than there are", check=searched(trials=TRIALS[:5]), want="shows 5"),
    Case(reason="a trial that SageMaker does not know", check=searched(trained=[*NAMES[:5], "other"]), want="shows trials that SageMaker has not: 't-5'"),
    Case(reason="one point tried six times is no search", check=searched(trials=[replace(one, tuned={"x": "1"}) for one in TRIALS]), want="the same hyperparameters"),
    Case(reason="the best has to be the best", check=searched(best="t-0"), want="names t-0 as its best"),
    Case(reason="an endpoint that is stalled does not count as in service", check=lambda: verdicts.check_serving(job("Stalled", endpointStatus="InService")), want="not in service. InProgress: it runs"),
    Case(reason="Ready alone is not in service", check=lambda: verdicts.check_serving(job("Ready", endpointStatus="Updating")), want="not in service"),
    Case(reason="weights that were not taken over", check=lambda: verdicts.check_weights(WEIGHTED, wanted={"a": 4.0, "b": 1.0}), want="should have the weights {'a': 4.0, 'b': 1.0}, but has {'a': 1.0, 'b': 1.0}"),
    Case(reason="another config is a deployment", check=lambda: verdicts.check_same_config(WEIGHTED, config="c0", updates=0), want="must not deploy"),
    Case(reason="an update is a deployment", check=lambda: verdicts.check_same_config(WEIGHTED, config="c1", updates=1), want="called 1 times"),
    Case(reason="two endpoints for one object", check=lambda: verdicts.check_calls(2, wanted=1, operation="CreateEndpoint"), want="CreateEndpoint should have been called 1 times, but was called 2 times"),
    Case(reason="what is left costs money", check=lambda: verdicts.check_nothing_left({"models": ["m"], "endpoints": []}), want="Left in SageMaker: models 'm'"),
    Case(reason="another object's Event does not count", check=lambda: verdicts.check_events([event("other", "Completed")], kind="TrainingJob", name="digits", reasons=["Completed"]), want="it has none"),
]  # fmt: skip

PASSED = [
    Case(reason="a completed job's model is found", check=lambda: verdicts.check_completed(job("Complete", "Ready", modelArtifacts=MODEL)), want="s3://bucket/model.tar.gz"),
    Case(reason="a failure tells its reason", check=failed(job("Failed", "Stalled", failureReason=REASON)), want=REASON),
    Case(reason="a refusal is told", check=lambda: verdicts.check_refused("spec.a: bad", words=["spec.a"]), want="spec.a: bad"),
    Case(reason="just good enough", check=lambda: verdicts.check_accuracy(Score(correct=95, rows=100)), want="None"),
    Case(reason="one Create, one job", check=one_job(), want="None"),
    Case(reason="nothing was made", check=lambda: verdicts.check_no_job("bad", jobs=["default-digits-abc"], creates=0), want="None"),
    Case(reason="a search whose best is the best", check=searched(), want="None"),
    Case(reason="an endpoint in service", check=lambda: verdicts.check_serving(job("Ready", endpointStatus="InService")), want="None"),
    Case(reason="weights as wanted, whatever their order", check=lambda: verdicts.check_weights(WEIGHTED, wanted={"b": 1, "a": 1}), want="None"),
    Case(reason="a change of weights alone", check=lambda: verdicts.check_same_config(WEIGHTED, config="c1", updates=0), want="None"),
    Case(reason="nothing is left", check=lambda: verdicts.check_nothing_left({"models": [], "endpoints": []}), want="None"),
    Case(reason="all Events are there", check=lambda: verdicts.check_events([event("digits", "Completed")], kind="TrainingJob", name="digits", reasons=["Completed"]), want="None"),
]  # fmt: skip


def event(name: str, reason: str, *, kind: str = "TrainingJob") -> dict[str, Any]:
    return {"reason": reason, "involvedObject": {"kind": kind, "name": name}}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    with pytest.raises(DemoError) as caught:
        case.check()
    assert case.want in str(caught.value)


@pytest.mark.parametrize("case", PASSED, ids=lambda case: case.reason)
def test_passed(case: Case) -> None:
    assert str(case.check()) == case.want
