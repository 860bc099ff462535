"""Training jobs, declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import model, wire
from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, STOPPED, STOPPING
from sagebridge_local.sagemaker.jobs.kind import JobKind, Limits
from sagebridge_local.sagemaker.jobs.lifecycle import (
    INTERRUPTED,
    MAX_RUNTIME_EXCEEDED,
    MAX_WAIT_TIME_EXCEEDED,
    STARTING,
)
from sagebridge_local.sagemaker.quotas import training_usages
from sagebridge_local.sagemaker.training import checks, warm_pool

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.job import Job, Transition

DEFAULT_MAX_RUNTIME: Final = 86400
# Chosen here: what part of the on-demand price spot capacity costs; the real one moves with the market.
SPOT_PRICE_SHARE: Final = 0.3
_SWITCHES: Final = (
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
)
_RUN_MESSAGES: Final = {
    STARTING: (
        "Starting the training job",
        "Launching requested ML instances",
        "Preparing the instances for training",
    ),
    "Pending": ("Waiting for compute capacity",),
    "Downloading": ("Downloading input data",),
    "Training": ("Downloading the training image", "Training image download completed. Training in progress."),
    "Uploading": ("Uploading generated training model",),
    INTERRUPTED: ("Managed spot instances were interrupted",),
    COMPLETED: ("Training job completed",),
    STOPPING: ("Stopping the training job",),
    STOPPED: ("Training job stopped",),
    MAX_RUNTIME_EXCEEDED: ("Training job runtime exceeded MaxRuntimeInSeconds provided",),
    MAX_WAIT_TIME_EXCEEDED: ("Training job wait time exceeded MaxWaitTimeInSeconds provided",),
}


def describe(job: Job) -> dict[str, Any]:
    """The DescribeTrainingJob reply."""
    request = job.request
    members = model.echoed_members(create="CreateTrainingJob", describe="DescribeTrainingJob")
    reply: dict[str, Any] = {member: request[member] for member in members if member in request}
    reply |= {switch: bool(request.get(switch)) for switch in _SWITCHES}
    reply |= {
        "TrainingJobArn": job.arn,
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
        "StoppingCondition": {"MaxRuntimeInSeconds": DEFAULT_MAX_RUNTIME} | request.get("StoppingCondition", {}),
        "ModelArtifacts": {"S3ModelArtifacts": model_artifacts(job)},
        "ProfilingStatus": "Disabled" if request.get("ProfilerConfig", {}).get("DisableProfiler", True) else "Enabled",
        "CreationTime": wire.instant(job.creation_time),
        "LastModifiedTime": wire.instant(job.last_modified_time),
        "SecondaryStatusTransitions": [_transition(transition) for transition in job.transitions],
    }
    if "ResourceConfig" in request:
        reply["ResourceConfig"] = _resources(job)
    reply |= {name: wire.instant(at) for name, at in _times(job).items() if at is not None}
    if job.failure_reason is not None:
        reply["FailureReason"] = job.failure_reason
    return reply | job.extra


def summarise(job: Job) -> dict[str, Any]:
    """One element of TrainingJobSummaries."""
    summary: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": wire.instant(job.creation_time),
        "LastModifiedTime": wire.instant(job.last_modified_time),
        "TrainingJobStatus": job.status,
        "SecondaryStatus": job.secondary_status,
    }
    if job.end_time is not None:
        summary["TrainingEndTime"] = wire.instant(job.end_time)
    if "WarmPoolStatus" in job.extra:
        summary["WarmPoolStatus"] = job.extra["WarmPoolStatus"]
    plan = job.request.get("ResourceConfig", {}).get("TrainingPlanArn")
    return summary | ({"TrainingPlanArn": plan} if plan else {})


def limits(job: Job) -> Limits:
    """The deadlines of the request's StoppingCondition; a day to run when it has none."""
    condition = job.request.get("StoppingCondition", {})
    return Limits(
        max_runtime_seconds=condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME),
        max_wait_seconds=condition.get("MaxWaitTimeInSeconds"),
    )


def conclude(job: Job, status: str, billed_seconds: float) -> dict[str, Any]:
    """TrainingTimeInSeconds and BillableTimeInSeconds, for a job that had instances."""
    del status
    if job.start_time is None or job.end_time is None:
        return {}
    share = SPOT_PRICE_SHARE if job.request.get("EnableManagedSpotTraining") else 1.0
    return {
        "TrainingTimeInSeconds": round(job.end_time - job.start_time),
        "BillableTimeInSeconds": round(billed_seconds * share),
    }


def model_artifacts(job: Job) -> str:
    """Where the job's model goes: S3OutputPath/NAME/output/model.tar.gz, or a prefix when it is not compressed."""
    output = job.request.get("OutputDataConfig", {})
    leaf = "model" if output.get("CompressionType") == "NONE" else "model.tar.gz"
    return f"{output.get('S3OutputPath', '').rstrip('/')}/{job.name}/output/{leaf}"


def _resources(job: Job) -> dict[str, Any]:
    """The ResourceConfig, with the first of the preferred instance types as the one that was selected."""
    config: dict[str, Any] = job.request["ResourceConfig"]
    preferences = config.get("InstancePreferences")
    if not preferences or job.start_time is None:
        return config
    chosen = preferences[0]
    count = chosen.get("InstanceCount", config.get("InstanceCount"))
    return {**config, "SelectedInstanceType": chosen["InstanceType"], "SelectedInstanceCount": count}


def _times(job: Job) -> dict[str, float | None]:
    return {"TrainingStartTime": job.start_time, "TrainingEndTime": job.end_time}


def _transition(transition: Transition) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Status": transition.status,
        "StartTime": wire.instant(transition.start_time),
        "StatusMessage": transition.message,
    }
    return shown | ({} if transition.end_time is None else {"EndTime": wire.instant(transition.end_time)})


TRAINING_JOB: Final = JobKind(
    name="TrainingJob",
    arn_path="training-job",
    stages=(STARTING, "Downloading", "Training", "Uploading"),
    waiting="Pending",
    working="Training",
    stage_messages=_RUN_MESSAGES,
    running_from=frozenset({"Downloading", "Training", "Uploading"}),
    describe=describe,
    summarise=summarise,
    limits=limits,
    conclude=conclude,
    summaries_field="TrainingJobSummaries",
    event_type="SageMaker Training Job State Change",
    not_found="Requested resource not found.",
    taken="Training job names must be unique within an AWS account and region, "
    "and a training job with this name already exists ({arn})",
    not_stoppable="The request was rejected because the training job is in status {status}.",
    not_deletable="The request was rejected because the training job is in status {status}. "
    f"Only jobs in {COMPLETED}, {FAILED} or {STOPPED} can be deleted.",
    usages=training_usages,
    deletable=warm_pool.check_deletable,
    began=warm_pool.begin,
    ended=warm_pool.retain,
    checks=checks.ALL,
    filters={
        "StatusEquals": lambda job, value: job.status == value,
        "NameContains": lambda job, value: value in job.name,
        "LastModifiedTimeAfter": lambda job, value: job.last_modified_time > value,
        "LastModifiedTimeBefore": lambda job, value: job.last_modified_time < value,
        "WarmPoolStatusEquals": lambda job, value: job.extra.get("WarmPoolStatus", {}).get("Status") == value,
        "TrainingPlanArnEquals": lambda job, value: (
            job.request.get("ResourceConfig", {}).get("TrainingPlanArn") == value
        ),
    },
    sort_keys={
        "Name": lambda job: (job.name,),
        "Status": lambda job: (job.status, job.creation_time, job.name),
    },
)
