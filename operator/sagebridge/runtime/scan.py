"""A process of its own that looks for metrics in logs: ``python -m sagebridge.runtime.scan``.

Both the expressions and the logs are a user's. An expression of 30 characters can ask for gigabytes, or for hours, and
while it is compiled nothing in the same process can stop it; here that ends this process, and costs the metrics.

Reads from stdin one line of JSON (``{"definitions": [{"Name": …, "Regex": …}], "hosts": 2}``) and then frames: the
length (4 bytes, big-endian) and so many bytes of a host's log. A frame of length 0 ends a host's log. Writes to stdout
``{"metrics": [{"metricName": …, "value": …, "timestamp": …}], "problems": ["…"]}``.

With ``"parts": [{"after": "<time>", "isWhole": false, "limit": 4194304}]`` beside, one for each host, the logs are
parts of logs that grow, and all values of the metric are wanted: ``{"parts": [{"values": [["<time>", …]], "at":
"<time>"}], …}``. One of ``limit`` bytes was cut off there, so that its last line may not be whole.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from sagebridge.core.clock import format_time
from sagebridge.runtime import series
from sagebridge.runtime.last_values import LastValues, Tail
from sagebridge.runtime.metrics import Expressions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODULE: Final = "sagebridge.runtime.scan"
LENGTH_BYTES: Final = 4

MEMORY_BYTES: Final = 256 << 20
CPU_SECONDS: Final = 60
SEARCH_SECONDS: Final = 30.0
"""For all hosts together; each has an equal part of what is left."""

_NICENESS: Final = 10


def main() -> None:
    """Read, look, and tell."""
    _limit()
    source = sys.stdin.buffer
    asked = json.loads(source.readline())
    sys.stdout.write(json.dumps(_scan(asked, source)))


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICENESS)


def _scan(asked: Mapping[str, object], source: BinaryIO) -> dict[str, object]:
    definitions, hosts = asked["definitions"], asked["hosts"]
    assert isinstance(definitions, list)
    assert isinstance(hosts, int)
    expressions = Expressions(definitions)
    if isinstance(parts := asked.get("parts"), list):
        return {"parts": _parts(parts, expressions, source), "problems": expressions.problems}
    values = LastValues(expressions)
    left, hasty = SEARCH_SECONDS, 0
    for number in range(hosts):
        tail = _tail(source)
        if tail is None:
            break
        began = time.monotonic()
        hasty += not values.look(tail, seconds=left / (hosts - number))
        left -= time.monotonic() - began
    problems = [*expressions.problems, *([f"The logs of {hosts} hosts took too long"] if hasty else [])]
    return {"metrics": _metrics(values), "problems": problems}


def _parts(asked: Sequence[Mapping[str, Any]], expressions: Expressions, source: BinaryIO) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    left = SEARCH_SECONDS
    for number, one in enumerate(asked):
        tail = _tail(source)
        if tail is None:
            break
        began, text = time.monotonic(), tail.text
        is_whole = one["isWhole"] and len(text) < one["limit"]
        part = series.look(
            text, expressions, after=one["after"], is_whole=is_whole, seconds=left / (len(asked) - number)
        )
        left -= time.monotonic() - began
        found.append({"values": part.values, "at": part.at})
    return found


def _tail(source: BinaryIO) -> Tail | None:
    """The end of the next host's log; None if it was not handed over as a whole."""
    tail = Tail()
    while len(header := source.read(LENGTH_BYTES)) == LENGTH_BYTES:
        length = int.from_bytes(header, "big")
        if not length:
            return tail
        tail.add(source.read(length))
    return None


def _metrics(values: LastValues) -> list[dict[str, object]]:
    return [
        {"metricName": name, "value": last.value, "timestamp": format_time(last.at)}
        for name, last in values.found.items()
    ]


if __name__ == "__main__":
    main()
