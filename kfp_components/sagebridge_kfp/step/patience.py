"""Calls that are made again where what failed them passes."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from sagebridge_kfp.step.api import ApiError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.failure import StepFailedError

T = TypeVar("T")

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0

_DOUBTFUL: Final = frozenset({401, 403})


def pauses(*, first: float = FIRST_PAUSE_SECONDS, longest: float = LONGEST_PAUSE_SECONDS) -> Iterator[float]:
    """Yield pauses in seconds that grow, each a little different, so that many steps don't come back at once."""
    pause = first
    while True:
        yield pause * random.uniform(0.75, 1.0)  # noqa: S311
        pause = min(pause * 2, longest)


class Patience:
    """Makes a call until it succeeds, is refused, or has failed for too long.

    Args:
        console: where it says that it tries again.
        seconds: how long the API server may be away.
        doubt_seconds: for how long a refusal is not believed: an API server that has just begun may not know yet whom
            it serves, and what they may do.
        clock: seconds from anywhere.
        ending: set when the process was told to end; pauses are over then.
    """

    def __init__(
        self,
        console: Console,
        *,
        seconds: float,
        doubt_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
        ending: threading.Event | None = None,
    ) -> None:
        self._console = console
        self._seconds = seconds
        self._doubt_seconds = doubt_seconds
        self._clock = clock
        self._ending = ending or threading.Event()

    def with_limit(self, seconds: float, *, doubt_seconds: float | None = None) -> Patience:
        """The same with another limit, or other limits."""
        return Patience(
            self._console,
            seconds=seconds,
            doubt_seconds=self._doubt_seconds if doubt_seconds is None else doubt_seconds,
            clock=self._clock,
            ending=self._ending,
        )

    def call(self, call: Callable[[], T]) -> T:
        """Return what the call gives.

        Raises:
            ApiError: it is refused.
            StepFailedError: the API server was away for too long, or the process is to end.
        """
        trouble = self.trouble()
        while True:
            try:
                return call()
            except ApiError as error:
                trouble.bear(error)

    def trouble(self) -> Trouble:
        """Trouble that begins now, if there is any."""
        return Trouble(
            self._console,
            limits=(self._seconds, self._doubt_seconds),
            clock=self._clock,
            ending=self._ending,
        )


class Trouble:
    """Failures of the same, one after the other.

    Args:
        console: where it is said that it is tried again.
        limits: how long the API server may be away, and for how long a refusal is not believed, in seconds.
        clock: seconds from anywhere.
        ending: set when the process was told to end.
    """

    def __init__(
        self,
        console: Console,
        *,
        limits: tuple[float, float],
        clock: Callable[[], float],
        ending: threading.Event,
    ) -> None:
        self._console = console
        self._away, self._doubt = limits
        self._clock = clock
        self._ending = ending
        self._begun = clock()
        self._refused_since: float | None = None
        self._pauses = pauses()
        self._has_said = False

    def bear(self, error: ApiError) -> None:
        """Wait for a moment, after which the same may be tried again.

        Raises:
            ApiError: it is refused.
            StepFailedError: the API server was away for too long, or the process is to end.
        """
        pause = next(self._pauses)
        self._check(error, self._clock(), pause)
        if not self._has_said:
            self._console.say(f"{error} Trying again.")
            self._has_said = True
        if self._ending.wait(pause):
            raise StepFailedError("Told to end.")

    def _check(self, error: ApiError, now: float, pause: float) -> None:
        if error.is_passing:
            self._refused_since = None
            if now - self._begun + pause > self._away:
                raise StepFailedError(f"Given up after {self._away:g} s: {error}") from error
            return
        # An API server that was away has just begun when it refuses: only since then has there been doubt.
        self._refused_since = now if self._refused_since is None else self._refused_since
        if error.status not in _DOUBTFUL or now - self._refused_since + pause > self._doubt:
            raise error
