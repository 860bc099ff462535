"""Standard output and error as a log of whole lines, whoever writes at the same time."""

from __future__ import annotations

import io
import sys
import threading
from typing import TextIO


class LineWriter(io.TextIOWrapper):
    """Holds a thread's text back until its line is whole: print writes the text first, and then its newline."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream.buffer, encoding=stream.encoding, errors=stream.errors, write_through=True)
        self._begun = threading.local()

    def write(self, text: str, /) -> int:
        """Write the lines that end in a text, in one piece."""
        lines, newline, rest = (self._rest() + text).rpartition("\n")
        self._begun.text = rest
        self._put(lines + newline)
        return len(text)

    def flush(self) -> None:
        """Write what this thread has begun."""
        rest, self._begun.text = self._rest(), ""
        self._put(rest)

    def end_line(self) -> None:
        """Write what this thread has begun as a line: nobody else will end it."""
        if self._rest():
            self.write("\n")

    def _rest(self) -> str:
        return getattr(self._begun, "text", "")

    def _put(self, text: str) -> None:
        super().write(text)
        super().flush()


def keep_lines_whole() -> None:
    """Let the process write so from now on."""
    sys.stdout, sys.stderr = LineWriter(sys.stdout), LineWriter(sys.stderr)


def end_lines() -> None:
    """End what this thread has begun to write."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, LineWriter):
            stream.end_line()
