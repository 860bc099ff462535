"""Rounds of sweeps: what the pollers have in common."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable
from functools import partial
from typing import Any, Generic, TypeVar

logger = logging.getLogger(__name__)

Group = TypeVar("Group", bound=Hashable)


class Rounds(Generic[Group]):
    """Sweeps of groups, side by side and round after round, and how long ago they went well.

    Attributes:
        interval: seconds between the beginnings of two rounds.
    """

    def __init__(self, *, interval: float, clock: Callable[[], float]) -> None:
        self.interval = interval
        self._clock = clock
        self._sweeps: dict[Group, asyncio.Task[None]] = {}
        self._last: float | None = None
        self._last_success: float | None = None

    @property
    def seconds_since_last(self) -> float:
        """How long ago a round ended, well or badly; it grows when the loop hangs. 0 until the first has begun."""
        return 0.0 if self._last is None else self._clock() - self._last

    @property
    def seconds_since_success(self) -> float:
        """How long nothing was seen of what there is to see. 0 until the first round has begun."""
        return 0.0 if self._last_success is None else self._clock() - self._last_success

    def succeeded(self) -> None:
        """Note that something was seen, or that there is nothing to see."""
        self._last_success = self._clock()

    async def run(self, go_round: Callable[[], Awaitable[None]]) -> None:
        """Go round until cancelled. The first round starts at once, so that a restart catches up."""
        self._last = self._last_success = self._clock()
        try:
            while True:
                started = self._clock()
                await go_round()
                await asyncio.sleep(max(0.0, self.interval - (self._clock() - started)))
        finally:
            for task in self._sweeps.values():
                task.cancel()
            await asyncio.gather(*self._sweeps.values(), return_exceptions=True)

    async def sweep(self, groups: Iterable[Group], look: Callable[[Group], Coroutine[Any, Any, None]]) -> None:
        """One round: look at each group once, but at those whose last look goes on.

        Nobody waits for the slow: what takes longer than a round goes on beside the next ones.

        Args:
            groups: what is due.
            look: looks at one of them.
        """
        for group in set(groups) - self._sweeps.keys():
            task = asyncio.create_task(look(group))
            self._sweeps[group] = task
            task.add_done_callback(partial(self._ended, group))
        if self._sweeps:
            await asyncio.wait(self._sweeps.values(), timeout=self.interval)
        self._last = self._clock()

    def _ended(self, group: Group, task: asyncio.Task[None]) -> None:
        self._sweeps.pop(group, None)
        if not task.cancelled() and (error := task.exception()):
            logger.error("Sweep of %s: it could not be concluded", group, exc_info=error)
