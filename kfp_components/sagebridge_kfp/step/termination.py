"""What happens when the process is told to end: one call stops the job, from a connection that is open already."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from sagebridge_kfp.step.api import ApiError
from sagebridge_kfp.step.console import Console

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_STATUS_OF_SIGNALS: Final = 128
_RETRY_PAUSE_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 20.0

Stop = Callable[[], str]
"""Stops what the step has made, by one call, and says what it did; called again after an ApiError that passes."""


def _leave(status: int) -> None:
    for output in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            output.flush()
    # The thread that waits for the job must not say that it has failed: it was stopped.
    os._exit(status)


class Termination:
    """Ends the process at SIGTERM or SIGINT, after it has stopped what is to be stopped.

    A thread reads the signal from a pipe, which Python's own C handler writes to: so it does not matter what the main
    thread is doing. https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd

    Args:
        console: where it says what it did.
        leave: ends the process with a status.

    Attributes:
        ending: set as soon as the process is told to end.
    """

    def __init__(self, console: Console, *, leave: Callable[[int], None] = _leave) -> None:
        self.ending = threading.Event()
        self._console = console
        self._leave = leave
        self._stop: Stop | None = None
        # Held while it is not known yet whether there is something to be stopped.
        self._settled = threading.RLock()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Take the signals; in another thread than the main one they can't be taken, and stay as they are."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        before = {number: signal.signal(number, _ignore) for number in _SIGNALS}
        waker = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        thread = threading.Thread(target=self._wait, args=(reader,), name="termination", daemon=True)
        thread.start()
        try:
            yield
        finally:
            if self.ending.is_set():
                # Whatever the main thread came to: the job is being stopped, and then the process ends.
                thread.join()
            signal.set_wakeup_fd(waker)
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)
            os.close(writer)

    @contextlib.contextmanager
    def unsettled(self) -> Iterator[None]:
        """While something is being made: who is told to end waits until it is there, and stops it then."""
        with self._settled:
            yield

    def arm(self, stop: Stop) -> None:
        """From now on, this is what stops it."""
        with self._settled:
            self._stop = stop

    def disarm(self) -> None:
        """From now on nothing is to be stopped."""
        with self._settled:
            self._stop = None

    def end(self, number: int) -> None:
        """Stop what is to be stopped, and end the process."""
        self.ending.set()
        with self._settled:
            try:
                self._stop_patiently()
            finally:
                # Also where nobody reads any more what is said here.
                self._leave(_STATUS_OF_SIGNALS + number)

    def _wait(self, reader: int) -> None:
        wanted = {int(number) for number in _SIGNALS}
        with contextlib.closing(os.fdopen(reader, "rb", buffering=0)) as pipe:
            while numbers := pipe.read(1):
                if numbers[0] in wanted:
                    return self.end(numbers[0])
        return None

    def _stop_patiently(self) -> None:
        begun = time.monotonic()
        while self._stop is not None:
            try:
                return self._console.say(self._stop())
            except ApiError as error:
                if not error.is_passing or time.monotonic() - begun > _LONGEST_SECONDS:
                    return self._console.say(f"Told to end, and could not stop the job: {error}")
                time.sleep(_RETRY_PAUSE_SECONDS)
        return self._console.say("Told to end; nothing of this step runs.")


def _ignore(number: int, frame: object) -> None:
    """Python's own handlers would end the process, or the call that the main thread is in."""
