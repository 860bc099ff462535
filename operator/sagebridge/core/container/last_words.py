"""What a container that has died has to say, in one line: the rest is in its log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_TRACEBACK: Final = "Traceback (most recent call last):"


def of(lines: Sequence[str]) -> str:
    """The exception that the last traceback ends with; without any, the last line that says something.

    Args:
        lines: what was written to stderr.
    """
    told = [line for line in lines if line.strip()]
    begins = next((index for index in reversed(range(len(told))) if told[index].strip() == _TRACEBACK), None)
    if begins is None:
        return told[-1].strip() if told else ""
    # The frames are indented deeper than the first line and the exception; a server may indent all of it.
    margin = _indent(told[begins])
    after = (line for line in told[begins + 1 :] if _indent(line) <= margin)
    return next(after, told[-1]).strip()


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
