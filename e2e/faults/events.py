"""Watch events as lines of JSON: split from a stream, and thinned out as after a lost connection."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from typing import Any

_BOOKMARK = "BOOKMARK"


async def lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, each with its line feed."""
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"
    if rest:
        yield rest


def coalesce(events: Iterable[bytes]) -> list[bytes]:
    """Only the last event of each name: what lies between is never seen.

    An object that was deleted and made again shows up as the new one alone, as after a list that follows a lost watch.
    """
    kept: dict[tuple[str, str], bytes] = {}
    for line in events:
        key = _key(json.loads(line))
        kept.pop(key, None)
        kept[key] = line
    return list(kept.values())


def _key(event: dict[str, Any]) -> tuple[str, str]:
    if event.get("type") == _BOOKMARK:
        return ("", _BOOKMARK)
    metadata = event.get("object", {}).get("metadata", {})
    return (metadata.get("namespace", ""), metadata.get("name", ""))
