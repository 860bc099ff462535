"""report.json never says more than what happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sagebridge_local.demo.report import Report, Result, Step


def step(result: Result = Result.PASSED, title: str = "Train") -> Step:
    return Step(title=title, result=result, detail="what happened", seconds=1.234)


@pytest.mark.parametrize(
    ("steps", "finished", "want", "reason"),
    [
        ([step()], True, Result.PASSED, "all steps taken, all passed"),
        ([step()], False, Result.FAILED, "an unexpected error ended it before the last step"),
        ([], False, Result.FAILED, "nothing was done"),
        ([step(), step(Result.FAILED)], False, Result.FAILED, "a step failed"),
        ([step(Result.INTERRUPTED), step(Result.FAILED)], False, Result.INTERRUPTED, "what came first counts"),
        ([step(), step(Result.FAILED)], True, Result.FAILED, "only the cleaning up failed"),
    ],
)
def test_result(steps: list[Step], finished: bool, want: Result, reason: str) -> None:
    assert Report(steps=steps, finished=finished).result is want, reason


def test_written_whole(tmp_path: Path) -> None:
    report = Report(steps=[step(), step(Result.FAILED, title="Score")], facts={"accuracy": 0.5})
    report.write(tmp_path / "report.json")
    written = json.loads((tmp_path / "report.json").read_text())
    assert written["result"] == "failed"
    assert written["error"] == {"step": "Score", "message": "what happened"}
    assert written["steps"][0] == {"title": "Train", "result": "passed", "detail": "what happened", "seconds": 1.23}
    assert written["accuracy"] == 0.5


def test_an_early_end_is_no_success() -> None:
    assert Report(steps=[step()]).content()["error"] == {"step": None, "message": "It ended before its last step."}
    assert Report(steps=[step()], finished=True).content()["error"] is None
