"""How far a log was read, as a word that a reader keeps and comes back with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from sagebridge.core.logs.lines import HEAD, LogLine, Position

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PLACE: Final = re.compile(r"([0-9a-f]{10})-([0-9a-z]{1,13})-([0-9a-z]{1,8})")
_MOST_STREAMS: Final = 4096

Positions = Mapping[str, Position]
"""The position of the last line that was read, by the stream's key; a stream that is not there was not read."""


class CursorError(ValueError):
    """A cursor that was not given out here."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cursor:
    """How far the log of a job was read.

    Attributes:
        attempt: Up to which of the job's attempts.
        positions: Up to where in the streams of this attempt.
    """

    attempt: int
    positions: Positions = field(default_factory=dict)

    def __str__(self) -> str:
        return ".".join([str(self.attempt), *(_place(key, at) for key, at in sorted(self.positions.items()))])

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """The inverse of `str`.

        Raises:
            CursorError: It is no cursor.
        """
        attempt, *places = text.split(".", _MOST_STREAMS + 1)
        if not re.fullmatch(r"[1-9][0-9]{0,5}", attempt) or len(places) > _MOST_STREAMS:
            raise CursorError(text)
        positions: dict[str, Position] = {}
        for place in places:
            match = _PLACE.fullmatch(place)
            if match is None:
                raise CursorError(text)
            positions[match[1]] = Position(int(match[2], 36), int(match[3], 36))
        return cls(attempt=int(attempt), positions=positions)


class Track:
    """How far a reader has come in an attempt's log, as it goes on from line to line.

    Each position is kept as its text in the cursor too: of a line's cursor only one is new.

    Attributes:
        attempt: Which of the job's attempts it is.
        positions: Up to where in its streams.
    """

    def __init__(self, *, attempt: int, positions: Positions) -> None:
        self.attempt = attempt
        self.positions: dict[str, Position] = {}
        self._places: dict[str, str] = {}
        self.reach(positions)

    def reach(self, positions: Positions) -> None:
        """Go on to these positions, where they are not behind."""
        for key, at in positions.items():
            if at > self.positions.get(key, HEAD):
                self.positions[key] = at
                self._places[key] = _place(key, at)

    def keep(self, keys: Collection[str]) -> None:
        """Forget all streams but these."""
        for key in self.positions.keys() - keys:
            del self.positions[key], self._places[key]

    def cursor(self) -> str:
        """The text of the `Cursor`."""
        return ".".join([str(self.attempt), *self._places.values()])


@lru_cache(maxsize=4096)
def stream_key(stream: str) -> str:
    """What a stream is called in a cursor: 40 bits of its name's hash, as hexadecimal digits."""
    return hashlib.blake2b(stream.encode(), digest_size=5).hexdigest()


def is_behind(positions: Positions, line: LogLine) -> bool:
    """Tell whether who has read so far has not read this line."""
    return positions.get(stream_key(line.stream), HEAD) < line.position


def reaches(positions: Positions, floor: Positions) -> bool:
    """Tell whether who has read so far has read all up to `floor`."""
    return all(positions.get(key, HEAD) >= at for key, at in floor.items())


def before_lines(lines: Sequence[LogLine], after: Positions) -> Positions:
    """How far the streams count as read before the first of the last lines: those that were left out are behind."""
    before = dict(after)
    for line in reversed(lines):
        at = line.position
        before[stream_key(line.stream)] = Position(at.time, at.ordinal - 1)
    return before


def _place(key: str, at: Position) -> str:
    return f"{key}-{_base36(at.time)}-{_base36(at.ordinal)}"


def _base36(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
        if not number:
            return digits
