"""A kind of job, by declaration: its operations, its fields, its words, and what it checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.jobs.job import Job

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.clock import Scheduler
    from sagebridge_local.sagemaker.jobs.lifecycle import Run
    from sagebridge_local.sagemaker.jobs.table import JobTable
    from sagebridge_local.sagemaker.service import LocalSageMaker

Describe = Callable[[Job], dict[str, Any]]
Conclude = Callable[[Job, str, float], dict[str, Any]]
Predicate = Callable[[Job, Any], bool]
SortKey = Callable[[Job], tuple[Any, ...]]


class Objects(Protocol):
    """What S3 holds."""

    def exist(self, *, account: str, partition: str, bucket: str, prefix: str) -> bool:
        """Whether an object with that prefix lies in that bucket."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateCall:
    """A Create request that the model allows, and where it was made.

    `objects` is None where nothing runs, so that inputs need not exist. `instance_limits` are the account's quotas.
    """

    request: Mapping[str, Any]
    account: str
    region: str
    now: float
    table: JobTable
    objects: Objects | None = None
    instance_limits: Mapping[str, int] = field(default_factory=dict)


Check = Callable[[CreateCall], None]
Milestone = Callable[["JobTable", Job, "Scheduler", float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How long a job may run from its start, and may take from its creation, in seconds."""

    max_runtime_seconds: float
    max_wait_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobKind:
    """What the generic operations need to know of a kind.

    Attributes:
        name: the resource's API name, such as TrainingJob; operations and fields are named after it.
        arn_path: the resource part of its ARNs, such as training-job.
        stages: the secondary statuses that a run passes, in order; the first is where a job begins.
        waiting: a secondary status after the first, for runs that are scripted to wait for capacity.
        working: the stage in which the user's own code runs, and fails if it does.
        stage_messages: the StatusMessages of each secondary status, in the order in which they appear.
        running_from: the stages from which on instances are in use, so that start time and billing begin.
        limits: the deadlines of a job.
        conclude: the members that a job's Describe reply gains at its end, from its final status and billed seconds.
        describe: the Describe reply of a job.
        summarise: one element of the List reply.
        summaries_field: the List reply's member.
        event_type: the detail-type of its EventBridge events.
        checks: what a Create request must satisfy beyond the model, in order.
        filters: the List parameters that are applied after slicing.
        sort_keys: the List orders beside CreationTime.
        not_found: the message of the ValidationException for a name that does not exist.
        taken: the message of the ResourceInUse for a name that does, with `{arn}`.
        not_stoppable: the message of the ValidationException for a Stop that comes too late, with `{status}`.
        not_deletable: the message of the ResourceInUse for a Delete that comes too early, with `{status}`.
        usages: the instances that a request counts against each quota, such as `ml.m5.xlarge for training job usage`.
        deletable: raises ServiceError when an ended job can't be deleted yet.
        began: told when a job was accepted, before it runs.
        ended: told when a job has ended.
        missing_code: the error code for a name that does not exist; then `not_found` may have `{name}`.
        record: what keeps a job of this kind.
        make_run: makes the run of a new job, where it is not one run of one runner.
    """

    name: str
    arn_path: str
    stages: tuple[str, ...]
    waiting: str
    working: str
    stage_messages: Mapping[str, tuple[str, ...]]
    running_from: frozenset[str]
    limits: Callable[[Job], Limits]
    conclude: Conclude
    describe: Describe
    summarise: Describe
    summaries_field: str
    event_type: str
    not_found: str
    taken: str
    not_stoppable: str
    not_deletable: str
    usages: Callable[[Mapping[str, Any]], Mapping[str, int]] = lambda _: {}
    deletable: Callable[[Job], None] = lambda _: None
    began: Milestone = lambda _table, _job, _scheduler, _at: None
    ended: Milestone = lambda _table, _job, _scheduler, _at: None
    checks: tuple[Check, ...] = ()
    filters: Mapping[str, Predicate] = field(default_factory=dict)
    sort_keys: Mapping[str, SortKey] = field(default_factory=dict)
    missing_code: str = errors.VALIDATION
    record: type[Job] = Job
    make_run: Callable[[LocalSageMaker, JobTable, Job], Run] | None = None

    @property
    def name_field(self) -> str:
        """The member that carries its name."""
        return f"{self.name}Name"

    @property
    def arn_field(self) -> str:
        """The member that carries its ARN."""
        return f"{self.name}Arn"

    @property
    def status_field(self) -> str:
        """The member that carries its status."""
        return f"{self.name}Status"

    def message(self, secondary_status: str) -> str:
        """The first StatusMessage of a secondary status."""
        return self.messages(secondary_status)[0]

    def messages(self, secondary_status: str) -> tuple[str, ...]:
        """The StatusMessages of a secondary status, in order; one that is empty where none are known."""
        return self.stage_messages.get(secondary_status) or ("",)

    def missing(self, name: str = "") -> errors.ServiceError:
        """The error for a name that does not exist."""
        return errors.ServiceError(self.missing_code, self.not_found.format(name=name))
