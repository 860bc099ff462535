"""A job's log in the step's own, line by line as it is written, for as long as its service can be asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

from sagebridge_kfp.step.api import ApiError
from sagebridge_kfp.step.console import Console
from sagebridge_kfp.step.log_service import (
    LogService,
    LogServiceError,
    NotBegunError,
    RefusedError,
    UnauthorizedError,
)
from sagebridge_kfp.step.patience import pauses

TAIL_OF_ATTACHED: Final = 1000
"""Where a step finds its job running, so many lines of what is there come again."""

_NOT_BEGUN_PAUSE_SECONDS: Final = 1.0
_LAST_LINES_SECONDS: Final = 30.0
_AWAY_SECONDS: Final = 5.0
_BORNE_ONCE_LET_IN: Final = 8
"""So often in a row whoever was let in before may be refused: an API server that has just begun knows no rights yet."""


class LogFollower:
    """Prints a job's log from a thread of its own, and never keeps the step from its end.

    Args:
        service: where the log is read.
        console: where it is printed.
        tail: how many of the lines that are there already; None for all.
        is_of_trials: whether several jobs write it, so that each line begins with its job, as `sagebridge logs` has it.
        pause: gives the pauses in seconds after each failure.
    """

    def __init__(
        self,
        service: LogService,
        *,
        console: Console,
        tail: int | None = None,
        is_of_trials: bool = False,
        pause: Callable[[], Iterator[float]] = pauses,
    ) -> None:
        self._service = service
        self._console = console
        self._tail = tail
        self._is_of_trials = is_of_trials
        self._pause = pause
        self._cursor = ""
        self._is_connected = False
        self._has_said = False
        self._was_let_in = False
        self._refusals = 0
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self, *, seconds: float = _LAST_LINES_SECONDS, away_seconds: float = _AWAY_SECONDS) -> None:
        """Let the last lines of a job that has ended come, and end.

        Args:
            seconds: how long they may take while the service answers.
            away_seconds: how long where it does not.
        """
        if not self._ended.wait(min(seconds, away_seconds)) and self._is_connected:
            self._ended.wait(max(0.0, seconds - away_seconds))
        if not self._ended.is_set():
            self._console.say("The job has ended; the end of its log was not to be had in time.")
        self.leave()

    def leave(self) -> None:
        """End without the rest."""
        self._closing.set()

    def _run(self) -> None:
        try:
            self._follow()
        finally:
            self._ended.set()

    def _follow(self) -> None:
        waits = self._pause()
        while not self._closing.is_set():
            cursor = self._cursor
            try:
                return self._read()
            except NotBegunError:
                self._refusals = 0
                wait = _NOT_BEGUN_PAUSE_SECONDS
            except (LogServiceError, ApiError) as error:
                if _is_refusal(error):
                    self._refusals += 1
                    if self._refusals > self._borne(error):
                        return self._give_up(error)
                    wait = next(waits)
                else:
                    self._refusals = 0
                    waits = self._pause() if self._cursor != cursor else waits
                    wait = max(next(waits), getattr(error, "retry_after", 0.0))
                    self._say_away(error)
            self._is_connected = False
            self._closing.wait(wait)
        return None

    def _read(self) -> None:
        with contextlib.closing(self._service.follow(after=self._cursor, tail=self._tail)) as told:
            for line in told:
                if self._closing.is_set():
                    return
                self._is_connected, self._was_let_in, self._refusals = True, True, 0
                if line is not None:
                    self._console.log(f"[{line.job}] {line.message}" if self._is_of_trials else line.message)
                    self._cursor = line.cursor

    def _borne(self, error: Exception) -> int:
        """How many refusals in a row are not believed."""
        if self._was_let_in:
            return _BORNE_ONCE_LET_IN
        # The token on file is renewed from time to time, and this one may just have been the old one.
        return 1 if isinstance(error, UnauthorizedError) else 0

    def _say_away(self, error: Exception) -> None:
        if not self._has_said:
            self._has_said = True
            self._console.say(f"The log service can't be read, and is asked again and again; the job goes on. {error}")

    def _give_up(self, error: Exception) -> None:
        self._console.say(f"The job's log can't be shown here; the job goes on. {error}")


def _is_refusal(error: Exception) -> bool:
    return isinstance(error, RefusedError) or (isinstance(error, ApiError) and not error.is_passing)
