"""Tuning jobs, declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search import ending
from sagebridge.core.search.trial import objective_counters, status_counters
from sagebridge.core.search.warm_start import IDENTICAL

from sagebridge_local.sagemaker import errors, model, wire
from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, IN_PROGRESS, STOPPED
from sagebridge_local.sagemaker.jobs.kind import JobKind, Limits
from sagebridge_local.sagemaker.tuning import checks
from sagebridge_local.sagemaker.tuning.run import make_run
from sagebridge_local.sagemaker.tuning.trial import TuningJob, summary

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.job import Job

NAME: Final = "HyperParameterTuningJob"


def describe(job: Job) -> dict[str, Any]:
    """The DescribeHyperParameterTuningJob reply."""
    tuning = _tuning(job)
    members = model.echoed_members(create=f"Create{NAME}", describe=f"Describe{NAME}")
    reply: dict[str, Any] = {member: job.request[member] for member in members if member in job.request}
    reply |= _state(tuning)
    best = tuning.best()
    if best is not None:
        reply["BestTrainingJob"] = summary(best)
    overall = tuning.overall_best()
    if overall is not None and job.request.get("WarmStartConfig", {}).get("WarmStartType") == IDENTICAL:
        reply["OverallBestTrainingJob"] = summary(overall, tuning_job=_tuning_job_of(overall.job))
    details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": ending.not_improving(tuning.trials)}
    if "converged" in job.extra:
        details["ConvergenceDetectedTime"] = wire.instant(job.extra["converged"])
    reply["TuningJobCompletionDetails"] = details
    ended = job.end_time if job.end_time is not None else job.last_modified_time
    reply["ConsumedResources"] = {"RuntimeInSeconds": round(ended - job.creation_time)}
    if job.failure_reason is not None:
        reply["FailureReason"] = job.failure_reason
    return reply


def summarise(job: Job) -> dict[str, Any]:
    """One element of HyperParameterTuningJobSummaries."""
    config = job.request["HyperParameterTuningJobConfig"]
    return {
        f"{NAME}Name": job.name,
        "Strategy": config["Strategy"],
        "ResourceLimits": config["ResourceLimits"],
        **_state(_tuning(job)),
    }


def _state(job: TuningJob) -> dict[str, Any]:
    state: dict[str, Any] = {
        f"{NAME}Arn": job.arn,
        f"{NAME}Status": job.status,
        "CreationTime": wire.instant(job.creation_time),
        "LastModifiedTime": wire.instant(job.last_modified_time),
        "TrainingJobStatusCounters": status_counters(job.trials),
        "ObjectiveStatusCounters": objective_counters(job.trials),
    }
    return state | ({} if job.end_time is None else {"HyperParameterTuningEndTime": wire.instant(job.end_time)})


def _tuning_job_of(job: Job) -> str:
    return str(job.extra["TuningJobArn"]).rpartition("/")[2]


def _tuning(job: Job) -> TuningJob:
    if not isinstance(job, TuningJob):
        raise TypeError(f"{job.name} is no tuning job")
    return job


TUNING_JOB: Final = JobKind(
    name=NAME,
    arn_path="hyper-parameter-tuning-job",
    stages=(IN_PROGRESS,),
    waiting="",
    working=IN_PROGRESS,
    stage_messages={},
    running_from=frozenset(),
    limits=lambda _: Limits(max_runtime_seconds=float("inf")),
    conclude=lambda _job, _status, _seconds: {},
    describe=describe,
    summarise=summarise,
    summaries_field=f"{NAME}Summaries",
    event_type="SageMaker HyperParameter Tuning Job State Change",
    # https://github.com/aws/amazon-sagemaker-examples/issues/1540
    not_found="Amazon SageMaker can't find a tuning job called {name}. Type another name.",
    missing_code=errors.RESOURCE_NOT_FOUND,
    # https://github.com/aws/amazon-sagemaker-examples/issues/2440
    taken="A hyperparameter tuning job with the name, {name}, already exists. Choose a different name.",
    not_stoppable="The request was rejected because the hyperparameter tuning job is in status {status}.",
    not_deletable="The request was rejected because the hyperparameter tuning job is in status {status}. "
    f"Only jobs in {COMPLETED}, {FAILED} or {STOPPED} can be deleted.",
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
    record=TuningJob,
    make_run=make_run,
)
