"""One request at a time."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

_LOOK_SECONDS: Final = 1.0
# Chosen here. Who has given up has waited as long as an invocation may take.
ABANDONED_SECONDS: Final = 5.0


@dataclass(frozen=True)
class _Holder:
    """Who has the turn.

    Attributes:
        client: Where its answer goes.
        since: When it came, by the monotonic clock.
    """

    client: socket.socket
    since: float


class Turns:
    """Lets in one request at a time, as a worker of SageMaker's images does: functions need not be made for threads.

    Such a worker is ended when a request takes too long, and so is this process: once nobody waits any more for the
    answer to the one that has the turn.
    """

    def __init__(
        self, *, give_up: Callable[[], None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lock = threading.Lock()
        self._holder: _Holder | None = None
        self._give_up = give_up or _end_process
        self._clock = clock

    @contextlib.contextmanager
    def take(self, client: socket.socket) -> Iterator[None]:
        """Wait for the turn, and have it.

        Args:
            client: Where the answer goes.
        """
        while not self._lock.acquire(timeout=_LOOK_SECONDS):
            self.check()
        self._holder = _Holder(client, self._clock())
        try:
            yield
        finally:
            self._holder = None
            self._lock.release()

    def check(self) -> None:
        """End the process if what has the turn is abandoned, and does not come to an end."""
        holder = self._holder
        if holder and self._clock() - holder.since >= ABANDONED_SECONDS and _has_left(holder.client):
            self._give_up()


def _has_left(client: socket.socket) -> bool:
    """Whether the other end of a connection is closed."""
    try:
        readable, _, _ = select.select([client], [], [], 0)
        return bool(readable) and not client.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True


def _end_process() -> None:
    sys.stderr.write("A request was given up and does not come to an end: the model server ends itself.\n")
    sys.stderr.flush()
    os._exit(1)
