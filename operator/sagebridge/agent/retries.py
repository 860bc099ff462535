"""Trying again what fails on the way to S3, until its time is over."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, Final, TypeVar

from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.termination import Termination

T = TypeVar("T")

_FIRST_DELAY_SECONDS: Final = 1.0
_LONGEST_DELAY_SECONDS: Final = 30.0
_DISK_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})

_logger = logging.getLogger(__name__)


class Retries:
    """How long work is tried again: so many seconds after it first failed, and not long after the pod is ended."""

    def __init__(
        self,
        *,
        clock: Clock,
        termination: Termination,
        seconds: float,
        grace_seconds: float,
        transient_only: bool = False,
    ) -> None:
        """Set the limits.

        Args:
            clock: The time.
            termination: Whether the pod ends.
            seconds: How long something may fail.
            grace_seconds: How long it may fail once the pod is being ended.
            transient_only: Whether all that S3 refuses fails at once, also what somebody may mend (access denied).
        """
        self._transient_only = transient_only
        self._clock = clock
        self._termination = termination
        self._seconds = seconds
        self._grace_seconds = grace_seconds

    def call(self, work: Callable[[], T], *, what: str) -> T:
        """Do it, again and again until it works. Blocks.

        Args:
            work: The work.
            what: Its name in the log.

        Raises:
            RunFailedError: its time is over; the reason is that of the last try.
            OSError: the disk is full, or it can't be read to the last.
        """
        delay = _FIRST_DELAY_SECONDS
        failing_since: float | None = None
        while True:
            try:
                return work()
            except (RunFailedError, OSError) as error:
                failing_since = self._clock.monotonic() if failing_since is None else failing_since
                left = self.left(failing_since)
                if left <= 0 or not self._may_pass(error):
                    raise
                _logger.warning("%s failed, and is tried again for %.0f s: %s", what, left, error)
            self._clock.sleep(min(delay, left))
            delay = min(2 * delay, _LONGEST_DELAY_SECONDS)

    def _may_pass(self, error: RunFailedError | OSError) -> bool:
        if isinstance(error, OSError):
            return not (self._transient_only or is_disk_full(error))
        return error.is_transient or not (self._transient_only or error.is_final)

    @property
    def is_cut_short(self) -> bool:
        """Whether the pod is being ended."""
        return self._termination.since is not None

    def left(self, since: float) -> float:
        """How many seconds remain for what began at a moment of the clock, or has failed since."""
        until = since + self._seconds
        if self._termination.since is not None:
            until = min(until, self._termination.since + self._grace_seconds)
        return until - self._clock.monotonic()


def is_disk_full(error: Exception) -> bool:
    """Whether there is no room left for what was to be written."""
    return isinstance(error, OSError) and error.errno in _DISK_FULL
