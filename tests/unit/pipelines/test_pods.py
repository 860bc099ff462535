"""What a pod tells of its step."""
# ruff: noqa: E501

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core.pipelines.pods import StepPod

EARLY, LATE = datetime(2026, 1, 2, 3, 0, tzinfo=UTC), datetime(2026, 1, 2, 3, 5, tzinfo=UTC)


def container(name: str, *, finished: str = "") -> dict[str, Any]:
    state = {"terminated": {"exitCode": 137, "finishedAt": finished}} if finished else {"running": {}}
    return {"name": name, "state": state}


def body(status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    named = {"uid": "uid-0", "name": "train-0", "namespace": "team-a", "creationTimestamp": "2026-01-02T02:00:00Z"}
    return {"metadata": named | metadata, "status": status or {}}


AT_EARLY, AT_LATE = "2026-01-02T03:00:00Z", "2026-01-02T03:05:00Z"
MAIN, WAIT = container("main", finished=AT_EARLY), container("wait", finished=AT_LATE)


@pytest.mark.parametrize(
    ("status", "want", "reason"),
    [
        ({"phase": "Pending"}, (False, None), "it waits for a node"),
        ({"phase": "Running", "containerStatuses": [container("main")]}, (False, None), "it runs"),
        ({"phase": "Running", "containerStatuses": [MAIN, container("wait")]}, (True, EARLY), "the step has ended, Argo's own container not yet"),
        ({"phase": "Failed", "containerStatuses": [WAIT, MAIN]}, (True, EARLY), "the step's end counts"),
        ({"phase": "Succeeded", "containerStatuses": [MAIN]}, (True, EARLY), "it has ended well"),
        ({"phase": "Failed", "reason": "Evicted"}, (True, None), "evicted before it began: nobody tells when"),
        ({"phase": "Failed", "containerStatuses": [container("a", finished=AT_EARLY), container("b", finished=AT_LATE)]}, (True, LATE), "a pod of another make"),
        ({"phase": "Failed", "containerStatuses": [container("main", finished="1970-01-01T00:00:00Z")]}, (True, None), "a runtime that has lost it ends it before it began"),
        ({"phase": "Unknown"}, (False, None), "its node is silent, which says nothing of the step"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_when_its_step_has_ended(status: dict[str, Any], want: tuple[bool, datetime | None], reason: str) -> None:
    pod = StepPod.parse(body(status))

    assert (pod.has_ended, pod.ended_at) == want, reason
    assert pod.is_over(LATE) is want[0]
    assert pod.over_since == want[1]


def test_what_is_told_to_end_is_over_when_its_time_is() -> None:
    pod = StepPod.parse(body({"phase": "Running"}, deletionTimestamp=AT_LATE))

    assert not pod.is_over(LATE - timedelta(seconds=1))
    assert pod.is_over(LATE)
    assert pod.over_since == LATE


def test_whose_it_is() -> None:
    labels, noted = {"pipeline/runid": "run-1"}, {"workflows.argoproj.io/node-name": "digits.root.train.executor(2)"}
    pod = StepPod.parse(body(labels=labels, annotations=noted))

    assert (pod.run, pod.task, pod.namespace) == ("run-1", "digits.root.train.executor", "team-a")
    assert StepPod.parse(body()).run == ""
