"""Time: what the server calls now, and what is due when."""

from __future__ import annotations

import heapq
import itertools
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """The server's time in seconds since the epoch."""

    def now(self) -> float:
        """The present instant."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the present forward."""
        ...


class SystemClock:
    """The machine's clock, which `advance` moves ahead."""

    def __init__(self, *, read: Callable[[], float] = time.time) -> None:
        self._read = read
        self._offset = 0.0

    def now(self) -> float:
        """The machine's time plus all that was advanced."""
        return self._read() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the present forward by `seconds`."""
        self._offset += seconds


class ManualClock:
    """A clock that stands still until it is advanced."""

    def __init__(self, start: float) -> None:
        self._now = start

    def now(self) -> float:
        """The instant the clock stands at."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the present forward by `seconds`."""
        self._now += seconds


class Timer:
    """One thing that is due at an instant; cancelling it is final."""

    __slots__ = ("action", "due")

    def __init__(self, due: float, action: Callable[[float], None]) -> None:
        self.due = due
        self.action: Callable[[float], None] | None = action

    def cancel(self) -> None:
        """Never run it."""
        self.action = None


class Scheduler:
    """Runs what is due in order, each told the instant it was due at, whenever `run_due` is called.

    Actions get their own due instant rather than the present, so that a job that went through three states during
    one large step of the clock shows the times it would have shown with small steps.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.on_change: Callable[[], None] = lambda: None
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = itertools.count()

    def at(self, due: float, action: Callable[[float], None]) -> Timer:
        """Run `action(due)` once the clock reaches `due`."""
        timer = Timer(due, action)
        heapq.heappush(self._heap, (due, next(self._sequence), timer))
        if self._heap[0][2] is timer:
            self.on_change()
        return timer

    def next_due(self) -> float | None:
        """The earliest instant at which something is due."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run_due(self) -> None:
        """Run everything that is due by now, earliest first, including what that adds."""
        now = self.clock.now()
        while self._heap and self._heap[0][0] <= now:
            due, _, timer = heapq.heappop(self._heap)
            action, timer.action = timer.action, None
            if action is not None:
                action(due)

    def advance(self, seconds: float) -> None:
        """Move the clock forward and run what became due."""
        self.clock.advance(seconds)
        self.run_due()
        self.on_change()

    def clear(self) -> None:
        """Forget everything that is due."""
        self._heap.clear()
