"""What a step prints: its own lines, and those of the job's log between them."""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Final

LAST_LINES: Final = 20
"""How many of the log's last lines a failure tells."""

# A colour may stay out of a step's log; what moves a cursor would hide lines.
_STEERING: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def _now() -> datetime:
    return datetime.now(UTC)


class Console:
    """Whole lines on standard output, from whatever thread.

    Args:
        output: where they go; standard output as it is at each line, if None.
        now: the time that the step's own lines begin with.

    Attributes:
        last: the log's last lines.
    """

    def __init__(self, *, output: IO[str] | None = None, now: Callable[[], datetime] = _now) -> None:
        self._output = output
        self._now = now
        self._lock = threading.Lock()
        self.last: deque[str] = deque(maxlen=LAST_LINES)

    def say(self, text: str) -> None:
        """Print a line of the step's own."""
        self._print(f"[sagebridge] {self._now():%Y-%m-%dT%H:%M:%SZ} {' '.join(text.split())}")

    def log(self, message: str) -> None:
        """Print a line of the job's log."""
        line = _STEERING.sub("", message)
        self.last.append(line)
        self._print(line)

    def _print(self, line: str) -> None:
        # Kubeflow's launcher reads it, and ends at once when both are told to: the step has more to do then.
        with self._lock, contextlib.suppress(BrokenPipeError):
            print(line, file=self._output or sys.stdout, flush=True)
