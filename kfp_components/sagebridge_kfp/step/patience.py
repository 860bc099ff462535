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
        clock: seconds from anywhere.
        ending: set when the process was told to end; pauses are over then.
    """

    def __init__(
        self,
        console: Console,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        ending: threading.Event | None = None,
    ) -> None:
        self._console = console
        self._seconds = seconds
        self._clock = clock
        self._ending = ending or threading.Event()

    def with_limit(self, seconds: float) -> Patience:
        """The same with another limit."""
        return Patience(self._console, seconds=seconds, clock=self._clock, ending=self._ending)

    def call(self, call: Callable[[], T]) -> T:
        """Return what the call gives.

        Raises:
            ApiError: it is refused.
            StepFailedError: the API server was away for too long, or the process is to end.
        """
        begun = self._clock()
        said = False
        for pause in pauses():
            try:
                return call()
            except ApiError as error:
                if not error.is_passing:
                    raise
                if self._clock() - begun + pause > self._seconds:
                    raise StepFailedError(f"Given up after {self._seconds:g} s: {error}") from error
                if not said:
                    self._console.say(f"{error} Trying again.")
                    said = True
            if self._ending.wait(pause):
                raise StepFailedError("Told to end.")
        raise AssertionError("pauses never end")
