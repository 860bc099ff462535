"""What the demo writes down: report.json."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil
import sagebridge

from sagebridge_local.stack.files import write_private

_PACKAGES: Final = ("boto3", "kopf", "moto", "scikit-learn")


class Result(StrEnum):
    """How a step, or the whole demo, ended."""

    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A step that was taken.

    Attributes:
        title: Its name.
        result: How it ended.
        detail: What happened, in one sentence.
        seconds: How long it took.
    """

    title: str
    result: Result
    detail: str
    seconds: float


@dataclass(kw_only=True, slots=True)
class Report:
    """Collects what happened, and is written at the end, however the demo ends.

    Attributes:
        started: When the demo began; the start of its process counts too.
        steps: The steps taken, in order.
        facts: What the steps found out, by name.
        finished: Whether every step was taken; until then nothing has passed.
    """

    started: datetime = field(default_factory=lambda: datetime.fromtimestamp(psutil.Process().create_time(), UTC))
    steps: list[Step] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    finished: bool = False

    @property
    def result(self) -> Result:
        """Passed if all steps were taken and have, else the first bad result."""
        bad = [step.result for step in self.steps if step.result is not Result.PASSED]
        return bad[0] if bad else Result.PASSED if self.finished else Result.FAILED

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return (datetime.now(UTC) - self.started).total_seconds()

    def content(self) -> dict[str, Any]:
        """Return it as JSON: result, error, started, seconds, steps, versions, and the facts."""
        return {
            "result": self.result,
            "error": self._error(),
            "started": self.started.isoformat(timespec="seconds"),
            "seconds": round(self.seconds, 2),
            "steps": [asdict(step) | {"seconds": round(step.seconds, 2)} for step in self.steps],
            **self.facts,
        }

    def _error(self) -> dict[str, str | None] | None:
        failed = next((step for step in self.steps if step.result is not Result.PASSED), None)
        if failed:
            return {"step": failed.title, "message": failed.detail}
        return None if self.finished else {"step": None, "message": "It ended before its last step."}

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all."""
        write_private(path, json.dumps(self.content(), indent=2) + "\n")


def versions(*, kubernetes: str) -> Mapping[str, str]:
    """Return the versions of what took part, by name."""
    packages = {name: version(name) for name in _PACKAGES}
    return {
        "sagebridge": sagebridge.__version__,
        "kubernetes": kubernetes,
        "python": platform.python_version(),
        **packages,
    }
