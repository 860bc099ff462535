"""The end of the pod itself: SIGTERM to the agent."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sagebridge.agent.clock import Clock


class Termination:
    """Whether the pod is being ended, and since when: a drain, a reclaimed spot node, a preemption, a deleted job."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: float | None = None

    @property
    def since(self) -> float | None:
        """When it was asked for, by the clock's monotonic seconds."""
        return self._since

    def request(self) -> None:
        """The pod ends; later requests change nothing."""
        if self._since is None:
            self._since = self._clock.monotonic()

    def listen(self) -> None:
        """Take SIGTERM from now on. Only in the main thread."""
        signal.signal(signal.SIGTERM, lambda *_: self.request())
