"""How long a deletion may be held up. It always ends, and never without a try."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Self

from sagebridge.core import conditions
from sagebridge.core.clock import format_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason

_PASS: Final = timedelta(minutes=1)
"""What a try may take that neither fails nor comes to anything."""
_RETRY: Final = 10.0
_LONGEST_RETRY: Final = 30.0
_TAKEN_UP: Final = (Reason.DELETING, Reason.DELETION_BLOCKED, Reason.PAUSED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """A deletion that was asked for.

    Its time counts from when somebody first worked at it: while no operator runs, none of it passes. A process that
    comes after others had theirs tries once. So the time is over for good, however often the operator starts anew.

    What is to be retained would be lost with its object. There each process has all of the time for itself, and gives
    up only where it was denied until the end: a failure that passes is no reason.

    Attributes:
        requested_at: when it was asked for.
        began_at: when this process began to work at it.
        deadline: how long it may be held up.
        is_taken_up: whether another process had worked at it before, as status said then.
        was_refused: whether something has failed in this process that belongs to it.
        denied_since: since when whatever belongs to it was denied, and did not fail otherwise; None if it was not last.
        is_retaining: whether what goes with the object is to be retained.
    """

    requested_at: datetime
    began_at: datetime
    deadline: timedelta
    is_taken_up: bool = False
    was_refused: bool = False
    denied_since: datetime | None = None
    is_retaining: bool = False

    @classmethod
    def begun(cls, job: Job, *, requested_at: datetime, now: datetime, deadline: timedelta) -> Self:
        """One that this process begins to work at."""
        return cls(requested_at=requested_at, began_at=now, deadline=deadline, is_taken_up=_is_taken_up(job))

    @property
    def ends_at(self) -> datetime:
        """When its time is over."""
        if not self.is_retaining:
            return (self.requested_at if self.is_taken_up else self.began_at) + self.deadline
        ends_at = self.began_at + self.deadline
        # An API server that has just begun denies for a moment what it allows.
        return max(ends_at, self.denied_since + min(_PASS, self.deadline)) if self.denied_since else ends_at

    @property
    def is_found_late(self) -> bool:
        """Whether its time would have been over before anybody had worked at it."""
        return not self.is_taken_up and self.began_at > self.requested_at + self.deadline

    @property
    def late_verdict(self) -> Verdict:
        """What is told of one that was found late: so the next process knows that somebody has worked at it."""
        message = (
            f"Deletion was asked for at {format_time(self.requested_at)}, while nobody worked at it. It has until "
            f"{format_time(self.ends_at)}."
        )
        return Verdict(state=State.PROGRESSING, reason=Reason.DELETING, message=message)

    def retaining(self) -> Self:
        """The same, of what is to be retained."""
        return replace(self, is_retaining=True)

    def refused(self) -> Self:
        """After something has failed, and may pass."""
        return replace(self, was_refused=True, denied_since=None)

    def denied(self, now: datetime) -> Self:
        """After something was refused that stays refused until somebody acts."""
        return replace(self, was_refused=True, denied_since=self.denied_since or now)

    def is_over(self, now: datetime) -> bool:
        """Whether nothing is waited for any more."""
        return now > self.ends_at

    def is_given_up(self, now: datetime) -> bool:
        """Whether nothing is tried any more."""
        if self.is_retaining:
            return self.denied_since is not None and self.is_over(now)
        return (self.was_refused and self.is_over(now)) or now > self.began_at + self.deadline + _PASS

    def pause(self, now: datetime, *, wanted: float | None) -> float:
        """Seconds until what was refused is tried again: somebody waits for it, and its time may be over before."""
        return min(max(1.0, wanted or _RETRY), _LONGEST_RETRY, self.seconds_left(now))

    def seconds_left(self, now: datetime) -> float:
        """After how many seconds to look whether it is over; at least 1."""
        return max(1.0, (self.ends_at - now).total_seconds() + 1.0)


def _is_taken_up(job: Job) -> bool:
    ready = conditions.find(job.conditions, conditions.READY) or {}
    # What is paused, and not being deleted, is not on its way.
    return ready.get("reason") in _TAKEN_UP and conditions.is_true(job.conditions, conditions.RECONCILING)
