"""Why a step has suspended its job, as the condition tells it, for as long as that is so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.holding import SUSPENDED, hold
from sagebridge.core.job import Job
from sagebridge.core.pipelines.marks import ANNOTATION_POD, ANNOTATION_STOPPED, ANNOTATION_STOPPED_BECAUSE, told_because

WHY = "TrainingJob a can't go on: InvalidSpec: spec.roleArn:\n has 8 characters"
STOPPED = {
    ANNOTATION_POD: "p/u",
    ANNOTATION_STOPPED: "true",
    ANNOTATION_STOPPED_BECAUSE: told_because(WHY, generation=1),
}


def suspended(annotations: dict[str, str], *, generation: int = 2) -> Job:
    metadata: dict[str, Any] = {"name": "a", "generation": generation, "annotations": annotations}
    return Job.parse({"metadata": metadata, "spec": {"runPolicy": {"suspend": True}}})


def test_the_reason_is_kept() -> None:
    held = hold(suspended(STOPPED))
    assert held is not None
    assert held == replace(SUSPENDED, verdict=held.verdict)
    assert held.verdict == replace(SUSPENDED.verdict, message=held.verdict.message)
    assert held.verdict.message == (
        "Suspended by its pipeline's step: TrainingJob a can't go on: InvalidSpec: spec.roleArn: has 8 characters. "
        "Nothing runs. A retry of the step goes on with it, and so does spec.runPolicy.suspend: false; otherwise "
        "delete it."
    )


def test_without_a_pod_no_retry_finds_it() -> None:
    held = hold(suspended({key: value for key, value in STOPPED.items() if key != ANNOTATION_POD}))
    assert held is not None
    assert held.verdict.message.endswith(
        " Nothing runs. spec.runPolicy.suspend: false goes on with it; otherwise delete it."
    )


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        (suspended({}), "its user has suspended it"),
        (suspended(STOPPED, generation=4), "its user has resumed it, and suspended it again"),
        (suspended(STOPPED, generation=3), "its user has mended its spec"),
        (suspended(STOPPED | {ANNOTATION_STOPPED: "false"}), "a step has gone on with it, and its user suspended it"),
        (suspended(STOPPED | {ANNOTATION_STOPPED_BECAUSE: "2"}), "nothing is told"),
        (suspended(STOPPED | {ANNOTATION_STOPPED_BECAUSE: "no number"}), "somebody else has written it"),
    ],
)
def test_what_is_not_so_is_not_told(job: Job, reason: str) -> None:
    assert hold(job) == SUSPENDED, reason


def test_a_resumed_job_is_not_held() -> None:
    body = {"metadata": {"name": "a", "generation": 3, "annotations": STOPPED}, "spec": {}}
    assert hold(Job.parse(body)) is None


def test_a_long_reason_is_bounded_and_one_line() -> None:
    told = told_because("word \n" * 1000, generation=1)
    assert len(told) < 510
    assert told.startswith("2 word word ")
    assert "\n" not in told
