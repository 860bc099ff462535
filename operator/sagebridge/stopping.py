"""The end of a process that is told to end before it has begun."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


async def until_told(work: Coroutine[Any, Any, None]) -> None:
    """Do some work, and cancel it when the process is told to end.

    The first process of a container ignores signals that it has no handlers for, so that one that waits for the API
    server, or for the Lease, would be killed in the end. The work may take the signals over.
    """
    loop, working = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, working.cancel)
    await asyncio.wait({working})
    if working.cancelled():
        logger.info("Told to end before it has begun")
        return
    working.result()
