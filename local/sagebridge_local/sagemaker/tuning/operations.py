"""ListTrainingJobsForHyperParameterTuningJob.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobsForHyperParameterTuningJob.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.jobs import tokens
from sagebridge_local.sagemaker.tuning.kind import NAME
from sagebridge_local.sagemaker.tuning.trial import Trial, TuningJob, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.operations import Call

OPERATION: Final = f"ListTrainingJobsFor{NAME}"
_DEFAULT_PAGE: Final = 10
BY_OBJECTIVE: Final = "FinalObjectiveMetricValue"


def list_training_jobs(call: Call) -> dict[str, Any]:
    """A page of a tuning job's training jobs; those without a value are left out where it decides the order.

    Raises:
        ServiceError: ResourceNotFound for a tuning job that does not exist.
    """
    request = call.request
    job = call.table(NAME).find(request[f"{NAME}Name"])
    trials = list(job.trials) if isinstance(job, TuningJob) else []
    order = request.get("SortBy", "Name")
    if order == BY_OBJECTIVE:
        trials = [trial for trial in trials if trial.value is not None]
    trials.sort(key=_ORDERS[order], reverse=request.get("SortOrder") == "Descending")
    wanted = request.get("StatusEquals")
    trials = [trial for trial in trials if wanted in {None, trial.job.status}]
    token = request.get("NextToken")
    start = tokens.decode(token, request=request)[0] if token else 0
    end = start + request.get("MaxResults", _DEFAULT_PAGE)
    reply: dict[str, Any] = {"TrainingJobSummaries": [summary(trial) for trial in trials[start:end]]}
    if end < len(trials):
        reply["NextToken"] = tokens.encode([end], request=request)
    return reply


_ORDERS: Final[Mapping[str, Callable[[Trial], tuple[Any, ...]]]] = {
    "Name": lambda trial: (trial.job.name,),
    "CreationTime": lambda trial: (trial.job.creation_time, trial.number),
    "Status": lambda trial: (trial.job.status, trial.number),
    BY_OBJECTIVE: lambda trial: (trial.value, trial.number),
}

HANDLERS: Final = {OPERATION: list_training_jobs}
