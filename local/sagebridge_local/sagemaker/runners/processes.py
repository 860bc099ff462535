"""Runs jobs for real, through `sagebridge_local.runtime`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from sagebridge_local.runtime.run import (
    JobRun,
    Progress,
    Report,
    RunHandle,
    start_processing,
    start_training,
    start_transform,
)
from sagebridge_local.runtime.stopping import StopReason
from sagebridge_local.sagemaker.endpoints.outbox import connection_to
from sagebridge_local.sagemaker.jobs.job import FAILED
from sagebridge_local.sagemaker.runners.protocol import Listener, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from sagebridge_local.runtime import run as runtime
    from sagebridge_local.sagemaker.clock import Clock
    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind
    from sagebridge_local.sagemaker.machine import Machine

Keep = Callable[[Coroutine[Any, Any, None]], object]


class Start(Protocol):
    """Starts a run of one kind of job."""

    def __call__(self, run: JobRun, *, report: Report) -> RunHandle:
        """Start it in the running event loop."""
        ...


STARTS: Final[Mapping[str, Start]] = {
    "TrainingJob": start_training,
    "ProcessingJob": start_processing,
    "TransformJob": start_transform,
}

CREDENTIALS: Final = frozenset({"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"})
_log: Final = logging.getLogger(__name__)


class ProcessRunner:
    """Starts a real run for each job."""

    def __init__(self, machine: Machine, *, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock
        self._works: set[ProcessWork] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, *, kind: JobKind, job: Job, listener: Listener, at: float) -> ProcessWork:
        """Begin a run in a directory of its own; it goes on as a task."""
        del at
        for message in kind.messages(kind.stages[0])[1:]:
            listener.progress(kind.stages[0], message, self._clock.now())
        work = ProcessWork(listener=listener, clock=self._clock, keep=self._keep)
        self._works.add(work)
        self._keep(self._carry_out(work, job, STARTS[kind.name])).add_done_callback(lambda task: self._over(work, task))
        return work

    async def close(self) -> None:
        """Kill every run's processes and wait until they are gone."""
        for work in list(self._works):
            work.cancel()
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry_out(self, work: ProcessWork, job: Job, start: Start) -> None:
        credentials = await asyncio.to_thread(_credentials, job, self._machine.endpoint_url)
        await work.follow(start(self._run(job, credentials), report=work.report))

    def _over(self, work: ProcessWork, task: asyncio.Task[None]) -> None:
        """Let no job hang that could not be started."""
        self._works.discard(work)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("a run failed in the local runtime", exc_info=error)
            work.fail(f"InternalServerError: the local runtime failed: {error}")

    def _run(self, job: Job, credentials: Mapping[str, str]) -> JobRun:
        return JobRun(
            name=job.name,
            arn=job.arn,
            request=job.request,
            region=job.region,
            account=job.account,
            work_dir=_fresh_directory(self._machine.work_dir / job.account / job.region, job.name),
            endpoint_url=self._machine.endpoint_url,
            images=self._machine.images,
            credentials=credentials,
            settings=self._machine.runtime,
        )

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine as a task that is not lost to garbage collection."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


class ProcessWork:
    """One real run: passes on what the runtime reports, with the service's times."""

    def __init__(self, *, listener: Listener, clock: Clock, keep: Keep) -> None:
        self._listener = listener
        self._clock = clock
        self._keep = keep
        self._handle: RunHandle | None = None
        self._reason: StopReason | None = None
        self._cancelled = False

    def stop(self, at: float, *, ending: str) -> None:
        """SIGTERM, the grace time, SIGKILL; what is there is still uploaded."""
        del at
        self._reason = StopReason(ending)
        if self._handle is not None:
            self._keep(self._handle.stop(self._reason))

    def cancel(self) -> None:
        """Kill the run's processes, and report nothing more."""
        self._cancelled = True
        if self._handle is not None:
            self._keep(self._handle.abort())

    def series(self, metric: str, at: float) -> list[float]:
        """What the run has logged of a metric so far."""
        del at
        return [] if self._handle is None else self._handle.series(metric)

    def report(self, progress: Progress) -> None:
        """Pass a stage on."""
        if not self._cancelled:
            self._listener.progress(str(progress.secondary_status), progress.message, self._clock.now())

    def fail(self, reason: str) -> None:
        """Report a run that the runtime could not carry out."""
        if not self._cancelled:
            self._listener.finished(Outcome(status=FAILED, failure_reason=reason), self._clock.now())

    async def follow(self, handle: RunHandle) -> None:
        """Wait for a run's end and report it."""
        self._handle = handle
        if self._cancelled:
            await handle.abort()
        elif self._reason is not None:
            await handle.stop(self._reason)
        try:
            ended = await handle.outcome()
        except asyncio.CancelledError:
            if self._cancelled:
                return
            raise
        if not self._cancelled:
            self._listener.finished(_outcome(ended), self._clock.now())


def _outcome(ended: runtime.Outcome) -> Outcome:
    details: dict[str, Any] = {}
    if ended.metrics:
        details["FinalMetricDataList"] = [
            {**metric, "Timestamp": _seconds(metric["Timestamp"])} for metric in ended.metrics
        ]
    if ended.model_artifacts:
        details["ModelArtifacts"] = {"S3ModelArtifacts": ended.model_artifacts}
    if ended.exit_message:
        details["ExitMessage"] = ended.exit_message
    return Outcome(status=str(ended.status), failure_reason=ended.failure_reason, details=details)


def _seconds(instant: float | datetime) -> float:
    return round(instant.timestamp() if isinstance(instant, datetime) else instant, 3)


def _fresh_directory(parent: Path, name: str) -> Path:
    """A directory of a run's own: a name may be used again after its job was deleted, or its run retried."""
    parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        directory = parent / (name if number == 1 else f"{name}-{number}")
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
        else:
            return directory


def _credentials(job: Job, endpoint_url: str) -> dict[str, str]:
    """The AWS_* variables of a run: those of its role, so that it acts in its own account."""
    role = job.request["RoleArn"]
    connection = connection_to(job.account, region=job.region, endpoint_url=endpoint_url, role=role)
    return {name: value for name, value in connection.variables().items() if name in CREDENTIALS}
