"""The values of one metric in a part of a log, in their order: what a running training has shown so far."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sagebridge.core.clock import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sagebridge.runtime.metrics import Expressions

MOST_VALUES: Final = 1000
"""Of one log; what comes after them is left for the next look."""

_LONGEST_LINE: Final = 1 << 18


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What a part of a log says.

    Attributes:
        values: those found, each with its line's time as the log has it.
        at: the time of the last line that was looked at; as before if none was.
    """

    values: tuple[tuple[str, float], ...]
    at: str


def look(
    text: bytes,
    expressions: Expressions,
    *,
    after: str = "",
    is_whole: bool = False,
    seconds: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
) -> Part:
    """Look through the next part of a log, for so long at most. Blocks.

    Args:
        text: lines, each with its time (RFC 3339) and a blank before it; those that were seen may be among them.
        expressions: of one metric.
        after: the time of the last line that was looked at before; empty for the first part.
        is_whole: whether nothing comes after it, so that its last line is one even without an end.
        seconds: how long it may take.
        clock: seconds that pass.
    """
    end, at, found = clock() + seconds, after, list[tuple[str, float]]()
    known = _instant(after)
    for stamp, line in _lines(text, is_whole=is_whole):
        if len(found) >= MOST_VALUES or clock() > end:
            break
        moment = _instant(stamp)
        if moment is None or (known is not None and moment <= known):
            continue
        found += [(stamp, value) for value in _values(line, expressions)]
        at = stamp
    return Part(values=tuple(found), at=at)


def _lines(text: bytes, *, is_whole: bool) -> Iterator[tuple[str, bytes]]:
    start = 0
    while (end := text.find(b"\n", start)) >= 0 or (is_whole and start < len(text)):
        line = text[start : end if end >= 0 else len(text)]
        stamp, _, rest = line.partition(b" ")
        yield stamp.decode(errors="replace"), rest[-_LONGEST_LINE:]
        start = end + 1 if end >= 0 else len(text)


def _values(line: bytes, expressions: Expressions) -> Iterator[float]:
    # A progress bar writes over its line: each state of it is one.
    for state in line.decode(errors="replace").split("\r"):
        for name in expressions.names:
            value = expressions.value(name, state) if state else None
            if value is not None:
                yield value


def _instant(stamp: str) -> tuple[float, int] | None:
    try:
        return instant(stamp)
    except ValueError:
        return None
