"""One job as the service keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

IN_PROGRESS: Final = "InProgress"
COMPLETED: Final = "Completed"
FAILED: Final = "Failed"
STOPPING: Final = "Stopping"
STOPPED: Final = "Stopped"
TERMINAL: Final = frozenset({COMPLETED, FAILED, STOPPED})


@dataclass(slots=True)
class Transition:
    """One stay in a secondary status; times in seconds since the epoch."""

    status: str
    start_time: float
    message: str
    end_time: float | None = None


@dataclass(slots=True, eq=False)
class Job:
    """A job's row: what was asked, and what became of it. Only the lifecycle changes its state.

    Times are seconds since the epoch. `extra` holds further members of the Describe reply, by their API names.
    `visible_from` is when List begins to show it.
    """

    name: str
    arn: str
    account: str
    region: str
    request: Mapping[str, Any]
    creation_time: float
    last_modified_time: float
    visible_from: float
    status: str = IN_PROGRESS
    secondary_status: str = ""
    failure_reason: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    transitions: list[Transition] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    described: bytes | None = None
    summarised: bytes | None = None
    foreign: bool = False

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can change its status any more."""
        return self.status in TERMINAL

    def touch(self, at: float) -> None:
        """Note a change of state: the modification time moves."""
        self.last_modified_time = at
        self.forget_replies()

    def forget_replies(self) -> None:
        """Encode the Describe reply and the List element anew when they are asked for next."""
        self.described = self.summarised = None
