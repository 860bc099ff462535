"""How many streams there may be, and how many of them may take much memory at once."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from weakref import WeakValueDictionary

from sagebridge.logs.access import BusyError
from sagebridge.metrics import Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How many streams are open at most.

    Attributes:
        in_all: Of all callers.
        of_namespace: Of the jobs of one namespace, whoever reads them: it may have any number of service accounts.
        of_caller: Of one user, by name.
    """

    in_all: int
    of_namespace: int
    of_caller: int


class OpenStreams:
    """Counts the streams that are open."""

    def __init__(self, *, limits: Limits, metrics: Metrics) -> None:
        self._limits = limits
        self._metrics = metrics
        self._by_caller: Counter[str] = Counter()
        self._by_namespace: Counter[str] = Counter()

    @contextlib.contextmanager
    def opened(self, caller: str, namespace: str) -> Iterator[None]:
        """Count one more while it lasts.

        Raises:
            BusyError: There are too many.
        """
        if self._by_caller.total() >= self._limits.in_all:
            raise BusyError(f"{self._limits.in_all} streams are open, and no more are served")
        if self._by_namespace[namespace] >= self._limits.of_namespace:
            raise BusyError(f"{namespace} has {self._limits.of_namespace} streams open, and gets no more")
        if self._by_caller[caller] >= self._limits.of_caller:
            raise BusyError(f"{caller} has {self._limits.of_caller} streams open, and gets no more")
        self._count(caller, namespace, 1)
        try:
            yield
        finally:
            self._count(caller, namespace, -1)

    def _count(self, caller: str, namespace: str, more: int) -> None:
        self._by_caller[caller] += more
        self._by_namespace[namespace] += more
        self._by_caller += Counter()  # those that have none are forgotten
        self._by_namespace += Counter()
        self._show()

    def _show(self) -> None:
        self._metrics.log_streams.set(self._by_caller.total())


class Slots:
    """Room for what takes memory, so many at once: each namespace has a share, so that none takes all."""

    def __init__(self, *, in_all: int, of_namespace: int) -> None:
        self._all = asyncio.Semaphore(in_all)
        self._of_namespace = of_namespace
        self._own: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def taken(self, namespace: str) -> AsyncIterator[None]:
        """Wait for one, and keep it while it lasts."""
        own = self._own.setdefault(namespace, asyncio.Semaphore(self._of_namespace))
        async with own, self._all:
            yield
