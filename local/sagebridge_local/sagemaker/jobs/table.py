"""The jobs of one kind in one account and region, kept in the order that List needs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind, SortKey

BY_CREATION: Final = "CreationTime"


def creation_key(job: Job) -> tuple[float, str]:
    """The order of creation; names break ties, so that pages never repeat or lose a job."""
    return (job.creation_time, job.name)


class JobTable:
    """Jobs by name, and sorted by creation time."""

    def __init__(self, kind: JobKind) -> None:
        self.kind = kind
        self._by_name: dict[str, Job] = {}
        self._by_creation: list[Job] = []
        self._sorted: dict[str, list[Job]] = {}
        self.active: dict[str, Job] = {}
        self.retained: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._by_creation)

    def get(self, name: str) -> Job | None:
        """The job of that name."""
        return self._by_name.get(name)

    def find(self, name: str) -> Job:
        """The job of that name.

        Raises:
            ServiceError: the kind's not-found error.
        """
        job = self._by_name.get(name)
        if job is None:
            raise self.kind.missing(name)
        return job

    def jobs(self) -> Sequence[Job]:
        """All jobs, oldest first; not to be changed."""
        return self._by_creation

    def add(self, job: Job) -> None:
        """Add a job whose name is free."""
        self._by_name[job.name] = job
        insort(self._by_creation, job, key=creation_key)
        self.changed(job)

    def extend(self, jobs: Iterable[Job]) -> None:
        """Add many jobs whose names are free, sorting once."""
        for job in jobs:
            self._by_name[job.name] = job
            self._by_creation.append(job)
        self._by_creation.sort(key=creation_key)
        self._sorted.clear()

    def remove(self, job: Job) -> None:
        """Forget a job."""
        del self._by_name[job.name]
        self.active.pop(job.name, None)
        self._by_creation.pop(bisect_left(self._by_creation, creation_key(job), key=creation_key))
        self._sorted.clear()

    def changed(self, job: Job) -> None:
        """Note that a job's state changed: orders by state are sorted anew, `active` holds what has not ended."""
        self._sorted.clear()
        if job.is_terminal:
            self.active.pop(job.name, None)
        else:
            self.active[job.name] = job

    def ordered(self, order: str, key: SortKey) -> Sequence[Job]:
        """All jobs, ascending by `key`; sorted once per change of the table."""
        if order == BY_CREATION:
            return self._by_creation
        if order not in self._sorted:
            self._sorted[order] = sorted(self._by_creation, key=key)
        return self._sorted[order]

    def between(self, *, after: float | None, before: float | None) -> tuple[int, int]:
        """The slice of `jobs()` that was created strictly after one instant and strictly before another."""
        low = 0 if after is None else bisect_right(self._by_creation, after, key=lambda job: job.creation_time)
        high = len(self._by_creation)
        if before is not None:
            high = bisect_left(self._by_creation, before, key=lambda job: job.creation_time)
        return low, max(low, high)
