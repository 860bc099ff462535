"""What the service asks of whatever carries its jobs out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: Completed, Failed or Stopped.
        failure_reason: what the FailureReason field shows of a Failed run.
        details: further members of the Describe reply, such as FinalMetricDataList.
    """

    status: str
    failure_reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Listener(Protocol):
    """Where a runner reports to; times are seconds since the epoch on the service's clock."""

    def progress(self, secondary_status: str, message: str, at: float) -> None:
        """The run entered a stage, or has something new to say in the one it is in."""
        ...

    def finished(self, outcome: Outcome, at: float) -> None:
        """The run ended; the last thing that it reports."""
        ...


class Work(Protocol):
    """A run in progress."""

    def stop(self, at: float, *, ending: str) -> None:
        """Ask it to end as StopTrainingJob does; it reports `finished` when it has.

        `ending` is the last secondary status that the job will have: Stopped, or the limit that was exceeded.
        """
        ...

    def cancel(self) -> None:
        """End it at once; it reports nothing more."""
        ...

    def series(self, metric: str, at: float) -> list[float]:
        """The values of a metric that the run has logged by `at`, in order."""
        ...


class Runner(Protocol):
    """Starts runs."""

    def start(self, *, kind: JobKind, job: Job, listener: Listener, at: float) -> Work:
        """Begin a run of `job`, which is in its first stage."""
        ...

    async def close(self) -> None:
        """End every run, and wait until all their processes are gone."""
        ...
