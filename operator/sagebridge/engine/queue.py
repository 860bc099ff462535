"""Keys that wait for their reconcile: with delays, each at most once, never two of one key at a time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class DelayQueue(Generic[Key]):
    """A queue of keys, each with the earliest time at which it is due.

    Adding a key that waits already keeps the earlier of the two times. A key that is being worked on can be added, and
    comes out again after `done`. For one event loop; not thread-safe.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._due: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._working: set[Key] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._due)

    def add(self, key: Key, *, delay: float = 0.0) -> None:
        """Have `key` come out in `delay` seconds, or earlier if that was asked before."""
        due = self._clock() + delay
        if key in self._due and self._due[key] <= due:
            return
        self._due[key] = due
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._changed.set()

    def forget(self, key: Key) -> None:
        """Drop what was asked for `key`."""
        self._due.pop(key, None)

    def done(self, key: Key) -> None:
        """Say that the work on `key`, as `get` gave it out, has ended."""
        self._working.discard(key)
        if key in self._due:
            heapq.heappush(self._heap, (self._due[key], next(self._order), key))
        self._changed.set()

    async def get(self) -> Key:
        """Wait for a key that is due; it is not given out again before `done`."""
        while True:
            self._changed.clear()
            pause = self._pause()
            if pause is not None and pause <= 0:
                return self._take()
            try:
                async with asyncio.timeout(pause):
                    await self._changed.wait()
            except TimeoutError:
                continue

    def _pause(self) -> float | None:
        """Seconds until the next key is due; None when none waits."""
        while self._heap:
            due, _, key = self._heap[0]
            if self._due.get(key) == due and key not in self._working:
                return due - self._clock()
            heapq.heappop(self._heap)
        return None

    def _take(self) -> Key:
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        self._working.add(key)
        return key
