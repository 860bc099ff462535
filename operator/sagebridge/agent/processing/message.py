"""The termination message of a processing job's agent: what the operator learns of a host from its pod's status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sagebridge.agent.message import WorkMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingMessage(WorkMessage):
    """How it went on one host of a processing job.

    Attributes:
        exit_message: What the container left for ExitMessage.
    """

    WORK: ClassVar[str] = "processing"

    exit_message: str | None = None

    def _own(self) -> dict[str, str | None]:
        return {"message": self.exit_message}
