"""How work in a thread learns that nobody waits for it any more."""

from __future__ import annotations

import threading

from sagebridge.runtime.failures import TransferCancelledError


class CancelToken:
    """Tells work in threads that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to end."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work should end."""
        return self._event.is_set()

    def check(self) -> None:
        """End the work here if it was cancelled.

        Raises:
            TransferCancelledError: it was.
        """
        if self.cancelled:
            raise TransferCancelledError

    def wait(self, seconds: float) -> bool:
        """Sleep, unless cancelled; returns whether it was."""
        return self._event.wait(seconds)
