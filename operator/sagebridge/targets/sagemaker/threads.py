"""Work on threads, which nobody can take back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def to_the_end(work: Awaitable[T]) -> T:
    """Await what a thread does: who is cancelled meanwhile learns so only after it is done.

    Otherwise a Create could still be under way while its object is being looked after, or let go, without it.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # looked at here, since nobody else is left to
        raise
