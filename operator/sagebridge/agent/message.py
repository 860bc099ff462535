"""The termination message: what the operator learns of a host from its pod's status."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Final

from sagebridge.agent.clock import rfc3339

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

LIMIT_BYTES: Final = 2048
"""A pod's containers share 12 KiB in equal parts: this is the part of each of six, where others are injected.

Source: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

_TERMINATED_EXIT_CODE: Final = 143
"""As of a process that SIGTERM has ended."""

_MAY_BE_CUT: Final = ("failure", "failureReason", "message")


class StopReason(StrEnum):
    """Why work was ended early: the first three in the words of SecondaryStatus.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
    """

    USER = "Stopped"
    MAX_RUNTIME = "MaxRuntimeExceeded"
    MAX_WAIT = "MaxWaitTimeExceeded"
    TERMINATED = "Terminated"


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkMessage:
    """How it went on one host.

    Attributes:
        stopped: Why the work was ended early; empty when it was not, None where there was none yet.
        failure: What the container left in its failure file.
        failure_reason: Why the agent itself failed.
        start_time: When the host began with the job.
        end_time: When all was done.
        upload_start_time: When the results began to be uploaded.
    """

    WORK: ClassVar[str]
    """What the times are said to be of."""

    stopped: str | None = None
    failure: str | None = None
    failure_reason: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    upload_start_time: datetime | None = None

    @property
    def exit_code(self) -> int:
        """0 for a host that has done its part: one that was told to end before that has not."""
        if self.failure_reason:
            return 1
        return _TERMINATED_EXIT_CODE if self.stopped == StopReason.TERMINATED else 0

    def text(self) -> str:
        """As JSON of at most 2,048 bytes in UTF-8; for that what people read is cut, the longest first."""
        times = {
            f"{self.WORK}StartTime": self.start_time,
            f"{self.WORK}EndTime": self.end_time,
            "uploadStartTime": self.upload_start_time,
        }
        content: dict[str, str] = {} if self.stopped is None else {"stopped": self.stopped}
        texts = {"failure": self.failure, "failureReason": self.failure_reason, **self._own()}
        content |= {name: text for name, text in texts.items() if text}
        content |= {name: rfc3339(moment) for name, moment in times.items() if moment is not None}
        while len(_encoded(content)) > LIMIT_BYTES:
            longest = max(_MAY_BE_CUT, key=lambda name: len(_encoded(content.get(name, ""))))
            content[longest] = content[longest][:-16]
        return _encoded(content).decode()

    def write(self, path: Path) -> None:
        """Leave it where the kubelet looks for it."""
        path.write_text(self.text(), encoding="utf-8")

    def _own(self) -> dict[str, str | None]:
        """What is told of work of this kind alone."""
        return {}


@dataclass(frozen=True, kw_only=True, slots=True)
class Message(WorkMessage):
    """How it went on one host of a training job.

    Attributes:
        model: Where the model is, once it is there.
    """

    WORK: ClassVar[str] = "training"

    model: str | None = None

    def _own(self) -> dict[str, str | None]:
        return {"model": self.model}


def _encoded(content: object) -> bytes:
    # What is no text (half of a surrogate pair) must not keep the rest from being told.
    return json.dumps(content, ensure_ascii=False).encode("utf-8", errors="replace")
