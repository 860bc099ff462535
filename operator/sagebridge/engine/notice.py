"""A word to the user while a call waits for its turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.reasons import Reason

T = TypeVar("T")

WAITING: Final = Verdict(
    state=State.PROGRESSING,
    reason=Reason.SUBMITTING,
    message="Waiting for its turn: calls to AWS are limited to what the account's quota allows.",
)


async def with_notice(work: Coroutine[Any, Any, T], *, after: float, tell: Callable[[Verdict], Awaitable[None]]) -> T:
    """Do `work`; if it has to wait for its turn, say so meanwhile.

    Args:
        work: calls to AWS, and nothing that writes status.
        after: seconds until it counts as waiting.
        tell: writes a verdict to status.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=after)
        if not task.done():
            await tell(WAITING)
        return await task
    except BaseException:
        task.cancel()
        await asyncio.wait({task})
        raise
