"""Processing jobs, declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import model, wire
from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, STOPPED
from sagebridge_local.sagemaker.jobs.kind import JobKind, Limits
from sagebridge_local.sagemaker.jobs.lifecycle import STARTING
from sagebridge_local.sagemaker.processing import checks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.job import Job

DEFAULT_MAX_RUNTIME: Final = 86400


def describe(job: Job) -> dict[str, Any]:
    """The DescribeProcessingJob reply."""
    request = job.request
    members = model.echoed_members(create="CreateProcessingJob", describe="DescribeProcessingJob")
    reply: dict[str, Any] = {member: request[member] for member in members if member in request}
    reply |= {
        "ProcessingJobArn": job.arn,
        "ProcessingJobStatus": job.status,
        "ProcessingResources": _resources(job),
        "StoppingCondition": {"MaxRuntimeInSeconds": limits(job).max_runtime_seconds},
        "CreationTime": wire.instant(job.creation_time),
        "LastModifiedTime": wire.instant(job.last_modified_time),
    }
    times = {"ProcessingStartTime": job.start_time, "ProcessingEndTime": job.end_time}
    reply |= {name: wire.instant(at) for name, at in times.items() if at is not None}
    if job.failure_reason is not None:
        reply["FailureReason"] = job.failure_reason
    return reply | job.extra


def summarise(job: Job) -> dict[str, Any]:
    """One element of ProcessingJobSummaries."""
    summary: dict[str, Any] = {
        "ProcessingJobName": job.name,
        "ProcessingJobArn": job.arn,
        "CreationTime": wire.instant(job.creation_time),
        "LastModifiedTime": wire.instant(job.last_modified_time),
        "ProcessingJobStatus": job.status,
    }
    if job.end_time is not None:
        summary["ProcessingEndTime"] = wire.instant(job.end_time)
    if job.failure_reason is not None:
        summary["FailureReason"] = job.failure_reason
    if "ExitMessage" in job.extra:
        summary["ExitMessage"] = job.extra["ExitMessage"]
    return summary


def limits(job: Job) -> Limits:
    """The deadline of the request's StoppingCondition; a day when it has none."""
    condition = job.request.get("StoppingCondition", {})
    return Limits(max_runtime_seconds=condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME))


def usages(request: Mapping[str, Any]) -> dict[str, int]:
    """The instances that a processing job counts against its quota."""
    config = request["ProcessingResources"]["ClusterConfig"]
    if "InstanceType" not in config:
        return {}
    return {f"{config['InstanceType']} for processing job usage": config.get("InstanceCount", 0)}


def _resources(job: Job) -> dict[str, Any]:
    """The resources, with the first of the preferred instance types as the one that was selected."""
    config: dict[str, Any] = job.request["ProcessingResources"]["ClusterConfig"]
    preferences = config.get("InstancePreferences")
    if preferences and job.start_time is not None:
        chosen = preferences[0]
        count = chosen.get("InstanceCount", config.get("InstanceCount"))
        config = {**config, "SelectedInstanceType": chosen["InstanceType"], "SelectedInstanceCount": count}
    return {"ClusterConfig": config}


PROCESSING_JOB: Final = JobKind(
    name="ProcessingJob",
    arn_path="processing-job",
    stages=(STARTING, "Downloading", "Processing", "Uploading"),
    waiting="Pending",
    working="Processing",
    stage_messages={},
    running_from=frozenset({"Downloading", "Processing", "Uploading"}),
    describe=describe,
    summarise=summarise,
    limits=limits,
    conclude=lambda _job, _status, _billed: {},
    summaries_field="ProcessingJobSummaries",
    event_type="SageMaker Processing Job State Change",
    not_found="Could not find requested job",
    taken="Job name must be unique within an AWS account and region, and a job with this name already exists ({arn})",
    not_stoppable="The request was rejected because the processing job is in status {status}.",
    not_deletable="The request was rejected because the processing job is in status {status}. "
    f"Only jobs in {COMPLETED}, {FAILED} or {STOPPED} can be deleted.",
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
