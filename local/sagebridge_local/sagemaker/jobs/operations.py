"""Create, Describe, List, Stop and Delete of any kind of job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sagebridge_local.sagemaker import errors, model, wire
from sagebridge_local.sagemaker.jobs.job import IN_PROGRESS
from sagebridge_local.sagemaker.jobs.kind import CreateCall
from sagebridge_local.sagemaker.jobs.lifecycle import CAPACITY_REASON
from sagebridge_local.sagemaker.jobs.listing import list_jobs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.table import JobTable
    from sagebridge_local.sagemaker.resources import ResourceKind, ResourceTable
    from sagebridge_local.sagemaker.service import LocalSageMaker

    Handler = Callable[["Call"], Mapping[str, Any] | bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that the model allows: what it asks, of which account and region, and when."""

    service: LocalSageMaker
    operation: str
    request: Mapping[str, Any]
    account: str
    region: str
    now: float
    lacks_capacity: bool = False

    def table(self, kind: str) -> JobTable:
        """The jobs of a kind in the caller's account and region."""
        return self.service.store.table(kind=kind, account=self.account, region=self.region)

    def resources(self, kind: ResourceKind) -> ResourceTable[Any]:
        """The resources of a kind in the caller's account and region."""
        return self.service.store.resources(kind, account=self.account, region=self.region)


def handlers(kind: str) -> dict[str, Handler]:
    """The handlers of a kind's operations, by operation; of those that the API has for it."""
    every: dict[str, Handler] = {
        f"Create{kind}": lambda call: create(call, call.table(kind)),
        f"Describe{kind}": lambda call: describe(call, call.table(kind)),
        f"List{kind}s": lambda call: list_jobs(call.table(kind), call.request, now=call.now),
        f"Stop{kind}": lambda call: stop(call, call.table(kind)),
        f"Delete{kind}": lambda call: delete(call, call.table(kind)),
    }
    return {operation: handler for operation, handler in every.items() if operation in model.operation_names()}


def create(call: Call, table: JobTable) -> dict[str, Any]:
    """Accept a job and begin it.

    Raises:
        ServiceError: ResourceInUse when the name is taken, and whatever the kind's checks refuse.
    """
    kind = table.kind
    request = dict(call.request)
    checked = CreateCall(
        request=request,
        account=call.account,
        region=call.region,
        now=call.now,
        table=table,
        objects=call.service.objects,
        instance_limits=call.service.quotas.instances,
    )
    for check in kind.checks:
        check(checked)
    name: str = request[kind.name_field]
    taken = table.get(name)
    if taken is not None:
        raise errors.ServiceError(errors.RESOURCE_IN_USE, kind.taken.format(arn=taken.arn, name=name))
    call.service.quotas.check_instances(checked)
    tags = {tag["Key"]: tag["Value"] for tag in request.pop("Tags", ())}
    job = kind.record(
        name=name,
        arn=arn(call, f"{kind.arn_path}/{name}"),
        account=call.account,
        region=call.region,
        request=request,
        creation_time=call.now,
        last_modified_time=call.now,
        visible_from=call.now + call.service.settings.list_lag_seconds,
        tags=tags,
    )
    table.add(job)
    run = call.service.begin(table, job)
    if call.lacks_capacity:
        run.doom(call.now, reason=CAPACITY_REASON, after=call.service.settings.capacity_wait_seconds)
    else:
        run.begin(call.now)
    return {kind.arn_field: job.arn}


def describe(call: Call, table: JobTable) -> bytes:
    """The Describe reply, encoded once per change of the job."""
    job = table.find(call.request[table.kind.name_field])
    if job.described is None:
        job.described = wire.dump(table.kind.describe(job))
    return job.described


def stop(call: Call, table: JobTable) -> dict[str, Any]:
    """Ask a job to end.

    Raises:
        ServiceError: ValidationException unless it is InProgress.
    """
    job = table.find(call.request[table.kind.name_field])
    if job.status != IN_PROGRESS:
        raise errors.validation(table.kind.not_stoppable.format(status=job.status))
    call.service.run_of(job).stop(call.now)
    return {}


def delete(call: Call, table: JobTable) -> dict[str, Any]:
    """Forget a job that has ended.

    Raises:
        ServiceError: ResourceInUse while it has not; what the kind's `deletable` raises.
    """
    job = table.find(call.request[table.kind.name_field])
    if not job.is_terminal:
        raise errors.ServiceError(errors.RESOURCE_IN_USE, table.kind.not_deletable.format(status=job.status))
    table.kind.deletable(job)
    table.remove(job)
    return {}


def arn(call: Call, resource: str) -> str:
    """A SageMaker ARN in the caller's account and region."""
    return f"arn:{wire.partition(call.region)}:sagemaker:{call.region}:{call.account}:{resource}"
