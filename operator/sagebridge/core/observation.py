"""What a target said about one attempt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from sagebridge.core.conditions import Verdict


class Phase(StrEnum):
    """A job's life, as far as decisions depend on it."""

    OPEN = "Open"
    STOPPING = "Stopping"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    GONE = "Gone"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can change any more."""
        return self not in (Phase.OPEN, Phase.STOPPING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One look at an attempt.

    Attributes:
        phase: where its life stands.
        fields: what to copy to status, in lowerCamelCase; a List gives the few that change, a Describe all.
        whole: whether it came from a Describe.
        failure_reason: SageMaker's FailureReason, empty if none.
        changed_at: when the job last changed, if the target tells.
        waiting: what it waits for, where the target can tell more than the secondary status does.
        is_half_stopped: whether it is open, and a part of it was told to stop already.
    """

    phase: Phase
    fields: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    failure_reason: str = ""
    changed_at: datetime | None = None
    waiting: Verdict | None = None
    is_half_stopped: bool = False

    def differs_from(self, other: Observation | None) -> bool:
        """Whether somebody who saw `other` has to look again. A List is never news after a Describe that agrees."""
        if other is None or other.phase is not self.phase or other.waiting != self.waiting:
            return True
        return any(other.fields.get(key) != value for key, value in self.fields.items())
