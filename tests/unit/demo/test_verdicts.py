"""What the demo lets pass, and what it refuses."""
# ruff: noqa: E501

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sagebridge.core.job import Job
from sagebridge_local.demo import verdicts
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.scoring import Score

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
    return lambda: verdicts.check_one_job(job(), calls=calls, jobs=jobs)


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
    Case(reason="an Event that is missing", check=lambda: verdicts.check_events([event("digits", "Accepted")], name="digits", reasons=["Completed"]), want="no Event 'Completed'; it has 'Accepted'"),
    Case(reason="another object's Event does not count", check=lambda: verdicts.check_events([event("other", "Completed")], name="digits", reasons=["Completed"]), want="it has none"),
]  # fmt: skip

PASSED = [
    Case(reason="a completed job's model is found", check=lambda: verdicts.check_completed(job("Complete", "Ready", modelArtifacts=MODEL)), want="s3://bucket/model.tar.gz"),
    Case(reason="a failure tells its reason", check=failed(job("Failed", "Stalled", failureReason=REASON)), want=REASON),
    Case(reason="a refusal is told", check=lambda: verdicts.check_refused("spec.a: bad", words=["spec.a"]), want="spec.a: bad"),
    Case(reason="just good enough", check=lambda: verdicts.check_accuracy(Score(correct=95, rows=100)), want="None"),
    Case(reason="one Create, one job", check=one_job(), want="None"),
    Case(reason="nothing was made", check=lambda: verdicts.check_no_job("bad", jobs=["default-digits-abc"], creates=0), want="None"),
    Case(reason="all Events are there", check=lambda: verdicts.check_events([event("digits", "Completed")], name="digits", reasons=["Completed"]), want="None"),
]  # fmt: skip


def event(name: str, reason: str) -> dict[str, Any]:
    return {"reason": reason, "involvedObject": {"name": name}}


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.reason)
def test_refused(case: Case) -> None:
    with pytest.raises(DemoError) as caught:
        case.check()
    assert case.want in str(caught.value)


@pytest.mark.parametrize("case", PASSED, ids=lambda case: case.reason)
def test_passed(case: Case) -> None:
    assert str(case.check()) == case.want
