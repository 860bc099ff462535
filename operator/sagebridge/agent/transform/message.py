"""The termination message of a transform's agent: what the operator learns of a pod from its status."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.agent.clock import rfc3339
from sagebridge.agent.message import LIMIT_BYTES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

_TERMINATED_EXIT_CODE: Final = 143
"""As of a process that SIGTERM has ended."""

_CUT: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedObject:
    """Why an object has no output.

    Attributes:
        position: Of the object among all of the job, from 0.
        reason: Which it is, and why.
        is_algorithms: Whether the model is to blame, and not what it was asked.
    """

    position: int
    reason: str
    is_algorithms: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformMessage:
    """How it went in one pod.

    Attributes:
        terminated: Whether the pod was told to end before.
        transformed: How many objects have their outputs.
        inputs: Stands for the list of objects that the pod has taken its share of; empty before it had one.
        failures: The objects that have none, by position.
        failure_reason: Why the agent itself failed.
        is_unhealthy: Whether that is because the model server is not there.
        start_time: When the agent began.
        end_time: When all was done.
    """

    terminated: bool = False
    transformed: int = 0
    inputs: str = ""
    failures: tuple[FailedObject, ...] = ()
    failure_reason: str | None = None
    is_unhealthy: bool = False
    start_time: datetime | None = None
    end_time: datetime | None = None

    @property
    def exit_code(self) -> int:
        """0 for a pod that has done its part."""
        if self.terminated:
            return _TERMINATED_EXIT_CODE
        return 1 if self.failure_reason or self.failures else 0

    def text(self) -> str:
        """As JSON of at most 2,048 bytes in UTF-8; for that the reason is cut."""
        content: dict[str, Any] = {"stopped": "Terminated" if self.terminated else "", "transformed": self.transformed}
        times = {"transformStartTime": self.start_time, "transformEndTime": self.end_time}
        content |= {name: rfc3339(moment) for name, moment in times.items() if moment is not None}
        if self.inputs:
            content["inputs"] = self.inputs
        if self.is_unhealthy:
            content["unhealthy"] = True
        told = content
        if self.failures:
            first = self.failures[0]
            told = {"position": first.position, "failureReason": first.reason}
            is_algorithms = any(failure.is_algorithms for failure in self.failures)
            content["failed"] = {"count": len(self.failures), "isAlgorithms": is_algorithms, "first": told}
        if self.failure_reason:
            told = content
            content["failureReason"] = self.failure_reason
        while len(_encoded(content)) > LIMIT_BYTES:
            told["failureReason"] = told["failureReason"][:-_CUT]
        return _encoded(content).decode()

    def write(self, path: Path) -> None:
        """Leave it where the kubelet looks for it."""
        path.write_text(self.text(), encoding="utf-8")


def _encoded(content: object) -> bytes:
    # What is no text (half of a surrogate pair) must not keep the rest from being told.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", errors="replace")
