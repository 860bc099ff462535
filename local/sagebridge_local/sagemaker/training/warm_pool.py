"""Managed warm pools: instances that are kept after a job, for a job that matches.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/train-warm-pools.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_WarmPoolStatus.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.jobs.job import FAILED

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.clock import Scheduler
    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.table import JobTable

IN_USE: Final = "InUse"
AVAILABLE: Final = "Available"
REUSED: Final = "Reused"
TERMINATED: Final = "Terminated"
STATUS: Final = "WarmPoolStatus"
_HARMLESS: Final = ("AlgorithmError", "ClientError")
_MATCHED: Final = ("RoleArn", "VpcConfig", "EnableInterContainerTrafficEncryption", "EnableNetworkIsolation")
_MATCHED_RESOURCES: Final = ("InstanceCount", "InstanceType", "VolumeKmsKeyId", "VolumeSizeInGB")


def keep_alive_seconds(job: Job) -> int:
    """How long a job asks that its instances are kept."""
    seconds: int = job.request.get("ResourceConfig", {}).get("KeepAlivePeriodInSeconds", 0)
    return seconds


def begin(table: JobTable, job: Job, scheduler: Scheduler, at: float) -> None:
    """Let a new job take a matching pool that is available."""
    del scheduler
    if keep_alive_seconds(job):
        job.extra[STATUS] = {"Status": IN_USE}
    for other in table.retained.values():
        if _criteria(other) == _criteria(job):
            _leave(table, other, at, status=REUSED)
            other.extra[STATUS]["ReusedByJob"] = job.name
            return


def retain(table: JobTable, job: Job, scheduler: Scheduler, at: float) -> None:
    """Keep the instances of a job that had them, until its period is over.

    A job that failed by its algorithm or its client keeps them too; after any other failure they may be unhealthy.
    """
    seconds = keep_alive_seconds(job)
    if not seconds:
        return
    unhealthy = job.status == FAILED and not (job.failure_reason or "").startswith(_HARMLESS)
    if unhealthy or job.end_time is None:
        _set(job, TERMINATED, at)
        return
    _set(job, AVAILABLE, at)
    table.retained[job.name] = job
    _expire_at(table, job, scheduler, at + seconds)


def update(table: JobTable, job: Job, scheduler: Scheduler, *, seconds: int, at: float) -> None:
    """Set another period, counted from the job's end; 0 ends the pool.

    Raises:
        ServiceError: ValidationException when the job keeps no instances.
    """
    status = job.extra.get(STATUS, {}).get("Status")
    if status not in {IN_USE, AVAILABLE}:
        raise errors.validation(
            f"The warm pool of training job {job.name} can't be updated: it is {status or 'absent'}"
        )
    resources = {**job.request["ResourceConfig"], "KeepAlivePeriodInSeconds": seconds}
    job.request = {**job.request, "ResourceConfig": resources}
    job.forget_replies()
    if status == AVAILABLE and job.end_time is not None:
        _expire_at(table, job, scheduler, max(at, job.end_time + seconds))


def check_deletable(job: Job) -> None:
    """Refuse to delete a job whose pool is available.

    Raises:
        ServiceError: ValidationException.
    """
    if job.extra.get(STATUS, {}).get("Status") == AVAILABLE:
        raise errors.validation(f"Training job {job.name} can't be deleted while its warm pool is Available")


def _expire_at(table: JobTable, job: Job, scheduler: Scheduler, due: float) -> None:
    expected = keep_alive_seconds(job)

    def expire(at: float) -> None:
        if table.retained.get(job.name) is job and keep_alive_seconds(job) == expected:
            _leave(table, job, at, status=TERMINATED)

    scheduler.at(due, expire)


def _leave(table: JobTable, job: Job, at: float, *, status: str) -> None:
    table.retained.pop(job.name, None)
    _set(job, status, at)


def _set(job: Job, status: str, at: float) -> None:
    pool: dict[str, Any] = {"Status": status}
    if status != IN_USE and job.end_time is not None:
        pool["ResourceRetainedBillableTimeInSeconds"] = max(0, round(at - job.end_time))
    job.extra[STATUS] = pool
    job.forget_replies()


def _criteria(job: Job) -> tuple[Any, ...]:
    resources = job.request.get("ResourceConfig", {})
    return (
        *(job.request.get(member) or None for member in _MATCHED),
        *(resources.get(member) for member in _MATCHED_RESOURCES),
    )
