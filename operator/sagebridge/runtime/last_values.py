"""The last value of each metric in logs that are whole: read from their ends, so that what is last is found first."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sagebridge.core.clock import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sagebridge.runtime.metrics import Expressions

MOST_BYTES: Final = 16 << 20
"""Of one host's log, from its end."""

_LONGEST_LINE: Final = 1 << 18
_LONGEST_TIME: Final = 64


class Tail:
    """The last bytes of a stream: `MOST_BYTES` of them at least if it has as many, and twice that at most."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._is_cut = False

    def add(self, chunk: bytes) -> None:
        """What comes next."""
        self._text += chunk
        if len(self._text) > 2 * MOST_BYTES:
            del self._text[:-MOST_BYTES]
            self._is_cut = True

    @property
    def text(self) -> bytes:
        """All that is kept."""
        return bytes(self._text)

    def lines(self) -> Iterator[bytes]:
        """Whole lines, the last first."""
        text, end = self._text, len(self._text)
        first = (text.find(b"\n") + 1 or end) if self._is_cut else 0
        while end > first:
            start = text.rfind(b"\n", first, end) + 1 or first
            yield bytes(text[start:end])
            end = start - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LastValue:
    """A value, and when it was printed."""

    value: float
    at: datetime


class LastValues:
    """Keeps of each metric what was printed last on any host.

    Attributes:
        found: by the metric's name.
    """

    def __init__(self, expressions: Expressions, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.found: dict[str, LastValue] = {}
        self._expressions = expressions
        self._clock = clock

    def look(self, tail: Tail, *, seconds: float) -> bool:
        """Look through one host's log, for so long at most; whether that was enough. Blocks.

        Each line begins with its time (RFC 3339) and a blank, as Kubernetes hands logs out with ``timestamps=true``.
        """
        end = self._clock() + seconds
        wanted = self._expressions.names
        for line in tail.lines():
            if not wanted:
                break
            if self._clock() > end:
                return False
            stamp, _, text = line[:_LONGEST_TIME].partition(b" ")
            moment = _moment(stamp)
            if moment is not None:
                text = line[len(stamp) + 1 :][-_LONGEST_LINE:]
                wanted = [name for name in wanted if not self._settle(name, moment, text)]
        return True

    def _settle(self, name: str, moment: datetime, text: bytes) -> bool:
        """Take a value from a line; whether lines before it can tell nothing more."""
        known = self.found.get(name)
        if known is not None and known.at >= moment:
            return True
        # A progress bar writes over its line: each state of it is one.
        for part in reversed(text.decode(errors="replace").split("\r")):
            value = self._expressions.value(name, part) if part else None
            if value is not None:
                self.found[name] = LastValue(value=value, at=moment)
                return True
        return False


def _moment(stamp: bytes) -> datetime | None:
    try:
        return parse_time(stamp.decode())
    except ValueError:
        return None
