"""Blocking work of the runtime, in threads of its own, so that it can't starve the event loop or other executors."""

from __future__ import annotations

import asyncio
import functools
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from sagebridge_local.runtime.failures import TransferCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

_EXECUTOR = ThreadPoolExecutor(max_workers=32, thread_name_prefix="sagebridge-runtime")


class CancelToken:
    """Tells work in threads that nobody waits for it any more."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask the work to end."""
        self._event.set()

    @property
    def cancelled(self) -> bool:
        """Whether the work should end."""
        return self._event.is_set()

    def check(self) -> None:
        """End the work here if it was cancelled.

        Raises:
            TransferCancelledError: it was.
        """
        if self.cancelled:
            raise TransferCancelledError

    def wait(self, seconds: float) -> bool:
        """Sleep, unless cancelled; returns whether it was."""
        return self._event.wait(seconds)


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a blocking function in the runtime's threads and await its result."""
    call = functools.partial(function, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(_EXECUTOR, call)
