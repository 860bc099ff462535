"""Where an object stands, from its conditions."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge_kfp.step.standing import Stage, standing


def body(*conditions: tuple[str, str, str], seen: bool = True, **status: Any) -> dict[str, Any]:
    listed = [{"type": kind, "status": value, "reason": reason, "message": "m"} for kind, value, reason in conditions]
    return {
        "metadata": {"generation": 3},
        "status": {"conditions": listed, "observedGeneration": 3 if seen else 2} | status,
    }


STALLED = (("Ready", "False", "AccessDenied"), ("Stalled", "True", "AccessDenied"))
FAILED = (("Ready", "False", "JobFailed"), ("Stalled", "True", "JobFailed"), ("Failed", "True", "JobFailed"))
DONE = (("Ready", "True", "Completed"), ("Complete", "True", "Completed"))


def with_reason(reason: str) -> tuple[tuple[str, str, str], ...]:
    return (("Ready", "False", reason), ("Stalled", "True", reason))


def told(reason: str, message: str) -> dict[str, Any]:
    found = body(("Ready", "False", reason))
    found["status"]["conditions"][0]["message"] = message
    return found


def on_the_way(reason: str, *, seen: bool = True) -> dict[str, Any]:
    return body(("Ready", "False", reason), ("Reconciling", "True", reason), seen=seen)


@pytest.mark.parametrize(
    ("found", "stage", "reason"),
    [
        ({"metadata": {"generation": 1}}, Stage.OPEN, "nobody has looked at it"),
        (body(("Ready", "Unknown", "Accepted")), Stage.OPEN, "just accepted"),
        (body(("Ready", "False", "InProgress"), ("Reconciling", "True", "InProgress")), Stage.OPEN, "it runs"),
        (body(("Ready", "False", "Suspended"), ("Suspended", "True", "Suspended")), Stage.OPEN, "it may go on"),
        (body(*DONE), Stage.DONE, "it has completed"),
        (body(*DONE, seen=False), Stage.DONE, "Complete never goes back"),
        (body(*FAILED), Stage.FAILED, "no attempt follows"),
        (body(*FAILED, seen=False), Stage.FAILED, "Failed never goes back"),
        (body(*STALLED), Stage.STALLED, "somebody may act"),
        (body(*STALLED, seen=False), Stage.OPEN, "that was said of an older spec"),
        (body(*with_reason("InvalidSpec")), Stage.REFUSED, "no wait mends a spec"),
        (body(*with_reason("NotAllowed")), Stage.REFUSED, "nor what the policy forbids"),
        (body(*with_reason("Rejected")), Stage.REFUSED, "nor what SageMaker refuses to be asked"),
        (body(*with_reason("NameConflict")), Stage.REFUSED, "nor a name that is taken"),
        (
            body(*with_reason("Rejected"), attempts=[{"number": 1}]),
            Stage.STALLED,
            "the search tries the next trial again",
        ),
        (on_the_way("WaitingForReference"), Stage.STALLED, "somebody has to make it"),
        (on_the_way("WaitingForReference", seen=False), Stage.OPEN, "that was said of an older spec"),
        (on_the_way("ReferenceNotReady"), Stage.OPEN, "it may train for days"),
        (body(*with_reason("NotAllowed"), attempts=[{"number": 1}]), Stage.STALLED, "a job is at work meanwhile"),
    ],
)
def test_of_jobs(found: dict[str, Any], stage: Stage, reason: str) -> None:
    assert standing(found).stage is stage, reason


@pytest.mark.parametrize(
    ("found", "stage", "reason"),
    [
        (body(("Ready", "True", "InService")), Stage.DONE, "it serves"),
        (body(("Ready", "True", "InService"), seen=False), Stage.OPEN, "it serves what it did before"),
        (body(("Ready", "False", "Updating"), ("Reconciling", "True", "Updating")), Stage.OPEN, "under way"),
        (body(*with_reason("UpdateFailed")), Stage.REFUSED, "it serves what it did before, for good"),
        (body(*with_reason("EndpointFailed")), Stage.REFUSED, "it has failed"),
        (body(*with_reason("Rejected")), Stage.REFUSED, "what SageMaker does not take of an update"),
        (body(*with_reason("QuotaExceeded")), Stage.STALLED, "a quota may be raised"),
        (on_the_way("WaitingForReference"), Stage.STALLED, "somebody has to make it"),
        (on_the_way("ReferenceNotReady"), Stage.OPEN, "it may train for days"),
    ],
)
def test_of_what_goes_on(found: dict[str, Any], stage: Stage, reason: str) -> None:
    assert standing(found, keeps=True).stage is stage, reason


@pytest.mark.parametrize(
    ("found", "line"),
    [
        ({"metadata": {}}, "Accepted"),
        (body(("Ready", "False", "InProgress"), secondaryStatus="Training"), "InProgress (Training): m"),
        (body(("Ready", "True", "InService"), endpointStatus="InService"), "InService (InService): m"),
        (body(*FAILED), "JobFailed: m"),
        (told("Accepted", "Accepted; attempt 1 will be x."), "Accepted; attempt 1 will be x."),
        (told("Rejected", "Rejected by AWS"), "Rejected: Rejected by AWS"),
    ],
)
def test_as_a_line(found: dict[str, Any], line: str) -> None:
    assert str(standing(found)) == line
