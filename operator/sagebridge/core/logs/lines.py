"""A line of a log, and which lines are wanted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sagebridge.core.logs.health_checks import is_answered_health_check

_LINE_CHARACTERS: Final = 256

_STEERING: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Position(NamedTuple):
    """Where a line stands in its stream, whoever reads it and whenever.

    Attributes:
        time: When it was printed, in the unit of where it is kept: milliseconds in CloudWatch, nanoseconds of pods.
        ordinal: Which of the stream's lines with this time it is, counted from 1.
    """

    time: int
    ordinal: int


HEAD: Final = Position(0, 0)
"""Before all lines."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """A line of a job's log.

    Attributes:
        timestamp: When it was printed, in milliseconds since 1970.
        stream: The log stream: ``<job>/<host>-<epoch>``, or of an endpoint ``<variant>/<instance>[/<container>]``.
        text: What was printed, without characters that would steer a terminal.
        label: What to begin the line with: the stream of an endpoint, since its variants answer side by side, and the
            training job of a search's trial.
        position: Where it stands in its stream.
    """

    timestamp: int
    stream: str
    text: str
    label: str = ""
    position: Position = HEAD

    @property
    def size(self) -> int:
        """How much of the memory it takes, more or less, as a number of characters: an empty line takes some too."""
        return len(self.text) + _LINE_CHARACTERS


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """Which lines are wanted.

    Attributes:
        since: Those printed from then on, in milliseconds since 1970; 0 for all.
        tail: Of those that are there at first, how many, counted from the end; None for all.
        pings: Also the web server's lines of health checks that were answered.
    """

    since: int = 0
    tail: int | None = None
    pings: bool = True

    def takes(self, text: str) -> bool:
        """Tell whether a line is wanted for what it says."""
        return self.pings or not is_answered_health_check(text)


WHOLE: Final = Excerpt()


def last_lines(lines: Iterable[LogLine], count: int, *, most_characters: float) -> list[LogLine]:
    """The last of some lines, in order of time: so many, or fewer where they are too large together.

    Args:
        lines: Those of each stream in order.
        count: How many.
        most_characters: What they take up at most, as `LogLine.size` counts it; one is given in any case.
    """
    ordered = sorted(lines, key=lambda line: line.timestamp)
    first, size = len(ordered), 0
    while first > max(0, len(ordered) - count):
        size += ordered[first - 1].size
        if size > most_characters and first < len(ordered):
            break
        first -= 1
    return ordered[first:]


def without_steering(text: str) -> str:
    """Text as it may be printed: without characters that would steer a terminal."""
    return _STEERING.sub("", text)
