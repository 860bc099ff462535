"""Work that is done again and again beside the user's container."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge.agent.clock import Clock

_logger = logging.getLogger(__name__)


class Periodic:
    """Does something every so many seconds in a thread, while a `with` block lasts. What fails is done again later."""

    def __init__(self, work: Callable[[], object], *, seconds: float, what: str, clock: Clock) -> None:
        """Prepare; nothing happens yet.

        Args:
            work: What is done.
            seconds: How long to wait before each time.
            what: Its name in the log.
            clock: The time.
        """
        self._work = work
        self._seconds = seconds
        self._what = what
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not joined: a pass that hangs in S3 must not keep the agent from what is to be done next.
        self._over.set()

    def _run(self) -> None:
        while not self._clock.wait(self._over, self._seconds):
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - the next time makes good what failed
                _logger.warning("%s: %s: %s", self._what, type(error).__name__, error)
