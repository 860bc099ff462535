"""Waiting for what happens in other processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

T = TypeVar("T")

# No test waits so long when all is well: it only turns what would hang into a failure.
LONGEST_SECONDS: Final = 120.0
_LOOK_SECONDS: Final = 0.05


def eventually(look: Callable[[], T], *, what: str, seconds: float = LONGEST_SECONDS) -> T:
    """Call `look` until what it gives is true, and return that.

    Raises:
        AssertionError: it never was.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not after {seconds} s"
        time.sleep(_LOOK_SECONDS)
    return found


async def eventually_async(look: Callable[[], Awaitable[T]], *, what: str, seconds: float = LONGEST_SECONDS) -> T:
    """The same of a coroutine function.

    Raises:
        AssertionError: it never was.
    """
    deadline = time.monotonic() + seconds
    while not (found := await look()):
        assert time.monotonic() < deadline, f"{what}: not after {seconds} s"
        await asyncio.sleep(_LOOK_SECONDS)
    return found
