"""Changes of state as EventBridge events, put to moto's event bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind


class EventSink(Protocol):
    """What is told of every change of a job's state."""

    def changed(self, kind: JobKind, job: Job, at: float) -> None:
        """A job entered a state at an instant, in seconds since the epoch."""
        ...
