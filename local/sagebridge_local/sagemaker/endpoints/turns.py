"""A line of those that wait for their turn, as many at once as there is room for now."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class Turns:
    """First come, first served.

    Args:
        limit: how many may have a turn now; call `admit` when it has grown.
    """

    def __init__(self, limit: Callable[[], float]) -> None:
        self._limit = limit
        self._taken = 0
        self._line: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Wait for a turn."""
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(ticket)
        self.admit()
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """End a turn."""
        self._taken -= 1
        self.admit()

    def admit(self) -> None:
        """Let in whom there is room for."""
        while self._line and self._taken < self._limit():
            ticket = self._line.popleft()
            if not ticket.done():
                self._taken += 1
                ticket.set_result(None)

    def open(self) -> None:
        """Let everybody in, from now on."""
        self._limit = lambda: float("inf")
        self.admit()
