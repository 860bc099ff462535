"""Things that only so many can use at once: whoever finds none free joins a queue.

To be used on one event loop. The queues are pure.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Final, Generic, Protocol, TypeVar

Waiter = TypeVar("Waiter")

_PASSED_OVER_AT_MOST: Final = 15


class Queue(Protocol[Waiter]):
    """Waiters, each in one of several lines."""

    def __len__(self) -> int:
        """How many wait."""

    def push(self, line: str, waiter: Waiter) -> None:
        """Let a waiter join the end of a line."""

    def pop(self) -> Waiter:
        """Take out the waiter whose turn it is.

        Raises:
            IndexError: nobody waits.
        """

    def discard(self, line: str, waiter: Waiter) -> bool:
        """Take out one waiter that gave up; False when it was not in the line."""


class FairQueue(Generic[Waiter]):
    """Waiters of many namespaces: first come first served within one, and the namespaces take turns.

    A namespace that floods the operator with objects makes only its own wait longer.
    """

    def __init__(self) -> None:
        self._namespaces: OrderedDict[str, deque[Waiter]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, namespace: str, waiter: Waiter) -> None:
        """Let a waiter join the end of its namespace's line."""
        self._namespaces.setdefault(namespace, deque()).append(waiter)
        self._length += 1

    def pop(self) -> Waiter:
        """Take out the first waiter of the namespace whose turn it is.

        Raises:
            IndexError: when nobody waits.
        """
        if not self._namespaces:
            raise IndexError("nobody waits")
        namespace, line = next(iter(self._namespaces.items()))
        waiter = line.popleft()
        self._length -= 1
        if line:
            self._namespaces.move_to_end(namespace)
        else:
            del self._namespaces[namespace]
        return waiter

    def discard(self, namespace: str, waiter: Waiter) -> bool:
        """Take out one waiter that gave up; False when it was not in the line."""
        line = self._namespaces.get(namespace)
        if line is None or waiter not in line:
            return False
        line.remove(waiter)
        self._length -= 1
        if not line:
            del self._namespaces[namespace]
        return True


class Urgency(StrEnum):
    """What a request is for.

    Attributes:
        AT_ONCE: it must not wait, and is no part of any crowd.
        WORK: something goes on once it is done.
        WORD: it tells people what was done.
    """

    AT_ONCE = "at once"
    WORK = "work"
    WORD = "word"


class WorkFirstQueue(Generic[Waiter]):
    """Work before word of it; but every sixteenth turn is word's, so that it comes at all."""

    def __init__(self) -> None:
        self._lines: dict[str, deque[Waiter]] = {Urgency.WORK: deque(), Urgency.WORD: deque()}
        self._passed_over = 0

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines.values())

    def push(self, urgency: str, waiter: Waiter) -> None:
        """Let a waiter join the end of its line."""
        self._lines[urgency].append(waiter)

    def pop(self) -> Waiter:
        """Take out the waiter whose turn it is.

        Raises:
            IndexError: nobody waits.
        """
        work, word = self._lines[Urgency.WORK], self._lines[Urgency.WORD]
        if word and (not work or self._passed_over >= _PASSED_OVER_AT_MOST):
            self._passed_over = 0
            return word.popleft()
        self._passed_over += bool(word)
        return work.popleft()

    def discard(self, urgency: str, waiter: Waiter) -> bool:
        """Take out one waiter that gave up; False when it was not in the line."""
        try:
            self._lines[urgency].remove(waiter)
        except ValueError:
            return False
        return True


class Slots:
    """A number of things that can be used at once."""

    def __init__(self, number: int, queue: Queue[asyncio.Future[None]]) -> None:
        """Start with all of them free.

        Args:
            number: how many there are.
            queue: who comes next, when one is given back.
        """
        self._free = number
        self._queue = queue

    @contextlib.asynccontextmanager
    async def use(self, line: str) -> AsyncIterator[None]:
        """Wait for one, in this line, and give it back in the end."""
        await self.acquire(line)
        try:
            yield
        finally:
            self.release()

    async def acquire(self, line: str) -> None:
        """Wait for one. A caller that is cancelled takes none."""
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.push(line, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not self._queue.discard(line, turn) and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give one back: to whoever is next, if anybody waits."""
        while self._queue:
            turn = self._queue.pop()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
