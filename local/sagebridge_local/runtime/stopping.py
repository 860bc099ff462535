"""One signal that ends a run early, whoever asks first: the user, or a time limit."""

from __future__ import annotations

import asyncio
from enum import StrEnum


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
