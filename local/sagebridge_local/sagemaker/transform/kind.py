"""Transform jobs, declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import model, wire
from sagebridge_local.sagemaker.jobs.kind import JobKind, Limits
from sagebridge_local.sagemaker.jobs.lifecycle import STARTING
from sagebridge_local.sagemaker.transform import checks
from sagebridge_local.transform.job import TRANSFORMING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.job import Job

# Chosen here: a transform job has no StoppingCondition, and no longest time of it is documented.
MAX_RUNTIME: Final = 28 * 86400


def describe(job: Job) -> dict[str, Any]:
    """The DescribeTransformJob reply."""
    members = model.echoed_members(create="CreateTransformJob", describe="DescribeTransformJob")
    reply: dict[str, Any] = {member: job.request[member] for member in members if member in job.request}
    reply |= {
        "TransformJobArn": job.arn,
        "TransformJobStatus": job.status,
        "CreationTime": wire.instant(job.creation_time),
    }
    times = {"TransformStartTime": job.start_time, "TransformEndTime": job.end_time}
    reply |= {name: wire.instant(at) for name, at in times.items() if at is not None}
    if job.failure_reason is not None:
        reply["FailureReason"] = job.failure_reason
    return reply | job.extra


def summarise(job: Job) -> dict[str, Any]:
    """One element of TransformJobSummaries."""
    summary: dict[str, Any] = {
        "TransformJobName": job.name,
        "TransformJobArn": job.arn,
        "CreationTime": wire.instant(job.creation_time),
        "LastModifiedTime": wire.instant(job.last_modified_time),
        "TransformJobStatus": job.status,
    }
    if job.end_time is not None:
        summary["TransformEndTime"] = wire.instant(job.end_time)
    if job.failure_reason is not None:
        summary["FailureReason"] = job.failure_reason
    return summary


def usages(request: Mapping[str, Any]) -> dict[str, int]:
    """The instances that a transform job counts against its quota."""
    resources = request["TransformResources"]
    return {f"{resources['InstanceType']} for transform job usage": resources["InstanceCount"]}


TRANSFORM_JOB: Final = JobKind(
    name="TransformJob",
    arn_path="transform-job",
    stages=(STARTING, TRANSFORMING),
    waiting="Pending",
    working=TRANSFORMING,
    stage_messages={},
    running_from=frozenset({TRANSFORMING}),
    describe=describe,
    summarise=summarise,
    limits=lambda _: Limits(max_runtime_seconds=MAX_RUNTIME),
    conclude=lambda _job, _status, _billed: {},
    summaries_field="TransformJobSummaries",
    event_type="SageMaker Transform Job State Change",
    not_found="Could not find requested job",
    taken="Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    not_stoppable="The request was rejected because the transform job is in status {status}.",
    not_deletable="",
    usages=usages,
    checks=checks.ALL,
    filters={
        "StatusEquals": lambda job, value: job.status == value,
        "NameContains": lambda job, value: value in job.name,
        "LastModifiedTimeAfter": lambda job, value: job.last_modified_time > value,
        "LastModifiedTimeBefore": lambda job, value: job.last_modified_time < value,
    },
    sort_keys={
        "Name": lambda job: (job.name,),
        "Status": lambda job: (job.status, job.creation_time, job.name),
    },
)
