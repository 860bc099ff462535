"""A job's state and its transitions: the only place that changes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sagebridge_local.sagemaker.jobs.job import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    STOPPING,
    TERMINAL,
    Job,
    Transition,
)
from sagebridge_local.sagemaker.runners.protocol import Outcome

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.clock import Scheduler, Timer
    from sagebridge_local.sagemaker.jobs.table import JobTable
    from sagebridge_local.sagemaker.runners.protocol import Runner, Work

STARTING: Final = "Starting"
INTERRUPTED: Final = "Interrupted"
MAX_RUNTIME_EXCEEDED: Final = "MaxRuntimeExceeded"
MAX_WAIT_TIME_EXCEEDED: Final = "MaxWaitTimeExceeded"
# Chosen here: how long a spot job waits for new capacity once it was interrupted.
SPOT_WAIT_SECONDS: Final = 30.0
FAILURE_REASON_LENGTH: Final = 1024
# https://github.com/DIAGNijmegen/rse-grand-challenge/issues/2631
CAPACITY_REASON: Final = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
INTERNAL_REASON: Final = "InternalServerError: We encountered an internal error. Please try again."
_CAPACITY_MESSAGE: Final = "Insufficient capacity error from EC2 while launching instances, retrying!"

OnChange = Callable[["JobTable", Job, float], None]


def enter(table: JobTable, job: Job, *, secondary_status: str, message: str, at: float, status: str = "") -> None:
    """Move a job to a secondary status, or update the message of the one it is in."""
    transitions = job.transitions
    if not transitions or transitions[-1].status != secondary_status:
        if transitions:
            transitions[-1].end_time = at
        transitions.append(Transition(status=secondary_status, start_time=at, message=message))
    elif message:
        transitions[-1].message = message
    job.secondary_status = secondary_status
    job.status = status or job.status
    if job.status in TERMINAL:
        transitions[-1].end_time = at
    job.touch(at)
    table.changed(job)


@dataclass(slots=True, kw_only=True, eq=False)
class Run:
    """A job under way: what it reports, its deadlines, and how it is to end."""

    table: JobTable
    job: Job
    runner: Runner
    scheduler: Scheduler
    on_change: OnChange
    on_end: Callable[[Run], None]
    work: Work | None = None
    ending: str = ""
    billed_seconds: float = 0.0
    _billing_since: float | None = None
    _runtime: Timer | None = None
    _retries: int = 0
    _timers: list[Timer] = field(default_factory=list)

    def begin(self, at: float) -> None:
        """Start the first run and its deadlines."""
        self.table.kind.began(self.table, self.job, self.scheduler, at)
        wait = self.table.kind.limits(self.job).max_wait_seconds
        if wait is not None:
            self._deadline(at + wait, MAX_WAIT_TIME_EXCEEDED)
        self._launch(at)

    def doom(self, at: float, *, reason: str, after: float) -> None:
        """Let the job fail before its instances are there, as AWS does without capacity."""
        self._enter(STARTING, _CAPACITY_MESSAGE, at)
        self._timers.append(
            self.scheduler.at(at + after, lambda due: self.finished(Outcome(status=FAILED, failure_reason=reason), due))
        )

    def progress(self, secondary_status: str, message: str, at: float) -> None:
        """Take a report from the runner; once the job is stopping, only its end counts."""
        if self.job.status != IN_PROGRESS:
            return
        if secondary_status in self.table.kind.running_from:
            self._bill_from(at)
        self._enter(secondary_status, message or self.table.kind.message(secondary_status), at)

    def finished(self, outcome: Outcome, at: float) -> None:
        """Take the runner's last report and end the job, unless a retry strategy begins it anew."""
        if self.job.is_terminal:
            return
        self._stop_billing(at)
        if self._retries_left(outcome):
            self._retries += 1
            self._launch(at)
            return
        status = STOPPED if self.ending else outcome.status
        self._end(outcome, status=status, at=at)

    def stop(self, at: float, *, ending: str = STOPPED) -> None:
        """Ask the run to end; how it ended is shown as `ending`."""
        self.ending = ending
        self._enter(STOPPING, self.table.kind.message(STOPPING), at, status=STOPPING)
        if self.work is None:
            self.finished(Outcome(status=STOPPED), at)
        else:
            self.work.stop(at, ending=ending)

    def interrupt(self, at: float, *, wait: float = SPOT_WAIT_SECONDS) -> None:
        """Take the spot instances away; the run begins anew once there is capacity again."""
        if self.work is not None:
            self.work.cancel()
            self.work = None
        self._stop_billing(at)
        self._enter(INTERRUPTED, self.table.kind.message(INTERRUPTED), at)
        self._timers.append(self.scheduler.at(at + wait, self._resume))

    def fail(self, at: float, *, reason: str) -> None:
        """End the run at once as Failed."""
        self.cancel()
        self._stop_billing(at)
        self._end(Outcome(status=FAILED, failure_reason=reason), status=FAILED, at=at)

    def cancel(self) -> None:
        """Drop the run without a word, as when the server ends."""
        if self.work is not None:
            self.work.cancel()
            self.work = None
        self._drop_timers()

    def _launch(self, at: float) -> None:
        self._enter(STARTING, self.table.kind.message(STARTING), at)
        self.work = self.runner.start(kind=self.table.kind, job=self.job, listener=self, at=at)

    def _resume(self, at: float) -> None:
        if self.job.status == IN_PROGRESS:
            self._launch(at)

    def _enter(self, secondary_status: str, message: str, at: float, *, status: str = "") -> None:
        enter(self.table, self.job, secondary_status=secondary_status, message=message, at=at, status=status)
        self.on_change(self.table, self.job, at)

    def _bill_from(self, at: float) -> None:
        """Instances are in use from now on; what is left of the runtime begins to pass."""
        if self._billing_since is not None:
            return
        self._billing_since = at
        self.job.start_time = at if self.job.start_time is None else self.job.start_time
        left = self.table.kind.limits(self.job).max_runtime_seconds - self.billed_seconds
        self._runtime = self._deadline(at + left, MAX_RUNTIME_EXCEEDED)

    def _stop_billing(self, at: float) -> None:
        if self._billing_since is not None:
            self.billed_seconds += at - self._billing_since
            self._billing_since = None
        if self._runtime is not None:
            self._runtime.cancel()

    def _deadline(self, due: float, ending: str) -> Timer:
        timer = self.scheduler.at(due, lambda at: self._expire(at, ending))
        self._timers.append(timer)
        return timer

    def _expire(self, at: float, ending: str) -> None:
        if self.job.status == IN_PROGRESS:
            self.stop(at, ending=ending)

    def _retries_left(self, outcome: Outcome) -> bool:
        retries: int = self.job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        internal = (outcome.failure_reason or "").startswith("InternalServerError")
        return outcome.status == FAILED and internal and not self.ending and self._retries < retries

    def _end(self, outcome: Outcome, *, status: str, at: float) -> None:
        job, kind = self.job, self.table.kind
        self._drop_timers()
        if status == FAILED:
            job.failure_reason = (outcome.failure_reason or INTERNAL_REASON)[:FAILURE_REASON_LENGTH]
        if job.start_time is not None:
            job.end_time = at
        job.extra.update(outcome.details)
        job.extra.update(kind.conclude(job, status, self.billed_seconds))
        secondary = {COMPLETED: COMPLETED, FAILED: FAILED}.get(status, self.ending or STOPPED)
        message = job.failure_reason or kind.message(secondary)
        self._enter(secondary, message, at, status=status)
        kind.ended(self.table, job, self.scheduler, at)
        self.on_end(self)

    def _drop_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
