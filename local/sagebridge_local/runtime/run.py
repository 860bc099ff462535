"""The interface between the local SageMaker and the runtime: start a run, stop it, await its outcome.

    handle = start_training(run, report=on_progress)   # returns at once; needs a running event loop
    await handle.stop()                                # at any time, any number of times
    outcome = await handle.outcome()                   # a crash of the runtime is an Outcome, too
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from sagebridge_local.runtime.records import (
    Outcome,
    OutcomeStatus,
    Progress,
    Report,
    RuntimeSettings,
    SecondaryStatus,
    TrainingRun,
)
from sagebridge_local.runtime.stopping import StopReason, StopSignal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Outcome",
    "OutcomeStatus",
    "Progress",
    "Report",
    "RunHandle",
    "RuntimeSettings",
    "SecondaryStatus",
    "TrainingRun",
    "run_training",
    "start_training",
]


class RunHandle:
    """A run under way, as the local SageMaker holds it."""

    def __init__(
        self, *, task: asyncio.Task[Outcome], signal: StopSignal, metrics: Callable[[], list[dict[str, Any]]]
    ) -> None:
        self._task = task
        self._signal = signal
        self._metrics = metrics

    @property
    def done(self) -> bool:
        """Whether the outcome is there."""
        return self._task.done()

    def metrics(self) -> list[dict[str, Any]]:
        """The latest value of each metric so far, in the form of FinalMetricDataList."""
        return self._metrics()

    async def stop(self, reason: StopReason = StopReason.USER) -> None:
        """Ask the run to end: SIGTERM, the grace time, SIGKILL; what is there is still uploaded.

        Returns at once (await `outcome` for the end), may be called at any stage, and after the end does nothing.
        """
        self._signal.request(reason)

    async def outcome(self) -> Outcome:
        """Wait for the end.

        Raises:
            asyncio.CancelledError: the run was aborted by `abort`.
        """
        return await asyncio.shield(self._task)

    async def abort(self) -> None:
        """Kill the processes at once and upload nothing: for the simulator's own shutdown. Waits until they are gone."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
