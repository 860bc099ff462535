"""The interface between the local SageMaker and the runtime: start a run, stop it, await its outcome.

handle = start_training(run, report=on_progress)   # returns at once; needs a running event loop
await handle.stop()                                # at any time, any number of times
outcome = await handle.outcome()                   # a crash of the runtime is an Outcome, too
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from sagebridge.core.container.failure import internal_server_error

from sagebridge_local.runtime.job import TrainingJob
from sagebridge_local.runtime.processing.job import ProcessingJob
from sagebridge_local.runtime.records import (
    JobRun,
    Outcome,
    OutcomeStatus,
    ProcessingRun,
    Progress,
    Report,
    RuntimeSettings,
    SecondaryStatus,
    TrainingRun,
)
from sagebridge_local.runtime.stopping import StopReason, StopSignal
from sagebridge_local.transform.job import TransformJob

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "JobRun",
    "Outcome",
    "OutcomeStatus",
    "ProcessingRun",
    "Progress",
    "Report",
    "RunHandle",
    "RuntimeSettings",
    "SecondaryStatus",
    "TrainingRun",
    "run_training",
    "start_processing",
    "start_training",
    "start_transform",
]

_logger = logging.getLogger(__name__)


class RunHandle:
    """A run under way, as the local SageMaker holds it."""

    def __init__(
        self,
        *,
        task: asyncio.Task[Outcome],
        signal: StopSignal,
        metrics: Callable[[], list[dict[str, Any]]],
        series: Callable[[str], list[float]] = lambda _: [],
    ) -> None:
        self._task = task
        self._signal = signal
        self._metrics = metrics
        self._series = series

    @property
    def done(self) -> bool:
        """Whether the outcome is there."""
        return self._task.done()

    def metrics(self) -> list[dict[str, Any]]:
        """The latest value of each metric so far, in the form of FinalMetricDataList."""
        return self._metrics()

    def series(self, name: str) -> list[float]:
        """All values of a metric so far, in the order in which they were logged."""
        return self._series(name)

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
        """Kill the processes at once and upload nothing: for the simulator's own shutdown."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def start_training(run: TrainingRun, *, report: Report) -> RunHandle:
    """Start a run in the running event loop.

    Args:
        run: What to run.
        report: Called in the event loop at each step that the run enters; must not block.
    """
    signal = StopSignal()
    job = TrainingJob(run, report=report, signal=signal)
    task = asyncio.create_task(_guarded(job), name=f"training-{run.name}")
    return RunHandle(task=task, signal=signal, metrics=job.metrics, series=job.series)


def start_processing(run: ProcessingRun, *, report: Report) -> RunHandle:
    """Start a processing job in the running event loop; see `start_training`."""
    signal = StopSignal()
    job = ProcessingJob(run, report=report, signal=signal)
    task = asyncio.create_task(_guarded(job), name=f"processing-{run.name}")
    return RunHandle(task=task, signal=signal, metrics=list)


def start_transform(run: JobRun, *, report: Report) -> RunHandle:
    """Start a transform job in the running event loop; see `start_training`."""
    signal = StopSignal()
    job = TransformJob(run, report=report, signal=signal)
    task = asyncio.create_task(_guarded(job), name=f"transform-{run.name}")
    return RunHandle(task=task, signal=signal, metrics=list)


async def run_training(run: TrainingRun, *, report: Report) -> Outcome:
    """Run a training job to its end; cancelling kills its processes at once."""
    handle = start_training(run, report=report)
    try:
        return await handle.outcome()
    except asyncio.CancelledError:
        await handle.abort()
        raise


async def _guarded(job: TrainingJob | ProcessingJob | TransformJob) -> Outcome:
    """Whatever goes wrong in the runtime itself ends the job, instead of leaving it running for ever."""
    try:
        return await job.execute()
    except Exception as error:
        _logger.exception("the runtime failed")
        reason = internal_server_error(f"{type(error).__name__}: {error}")
        return Outcome(status=OutcomeStatus.FAILED, secondary_status="Failed", failure_reason=reason)
