"""One signal that ends a run early, whoever asks first: the user, or a time limit."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


class RunStoppedError(Exception):
    """The run was asked to stop before its container was started."""


class StopReason(StrEnum):
    """Why a run ends early, in the words of SecondaryStatus.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
    """

    USER = "Stopped"
    MAX_RUNTIME = "MaxRuntimeExceeded"
    MAX_WAIT = "MaxWaitTimeExceeded"


class StopSignal:
    """Set once; the first reason stays."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._reason: StopReason | None = None

    @property
    def reason(self) -> StopReason | None:
        """The first reason given, None while the run goes on."""
        return self._reason

    def request(self, reason: StopReason) -> None:
        """Ask the run to end; later requests change nothing."""
        if self._reason is None:
            self._reason = reason
            self._event.set()

    async def wait(self) -> StopReason:
        """Wait until somebody asks; returns the reason."""
        await self._event.wait()
        assert self._reason is not None  # set before the event
        return self._reason

    async def race(self, work: Awaitable[T]) -> T:
        """Wait for the work, unless the run is stopped first: then the work is cancelled.

        Raises:
            RunStoppedError: it was.
        """
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise RunStoppedError
            return task.result()
        finally:
            stop.cancel()
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
