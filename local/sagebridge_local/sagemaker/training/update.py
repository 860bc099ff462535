"""UpdateTrainingJob: the profiler's configuration, remote debugging, and how long a warm pool is kept.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateTrainingJob.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.jobs.job import IN_PROGRESS
from sagebridge_local.sagemaker.training import warm_pool

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.operations import Call

OPERATION: Final = "UpdateTrainingJob"
_WHILE_RUNNING: Final = ("ProfilerConfig", "ProfilerRuleConfigurations", "RemoteDebugConfig")


def update(call: Call) -> dict[str, Any]:
    """Change what can be changed of a job.

    Raises:
        ServiceError: ValidationException when the job's state does not allow it.
    """
    table = call.table("TrainingJob")
    job = table.find(call.request["TrainingJobName"])
    changes = {name: call.request[name] for name in _WHILE_RUNNING if name in call.request}
    if changes and job.status != IN_PROGRESS:
        raise errors.validation(table.kind.not_stoppable.format(status=job.status))
    if "ResourceConfig" in call.request:
        seconds = call.request["ResourceConfig"]["KeepAlivePeriodInSeconds"]
        warm_pool.update(table, job, call.service.scheduler, seconds=seconds, at=call.now)
    job.request = {**job.request, **{name: _merged(job.request.get(name), value) for name, value in changes.items()}}
    job.forget_replies()
    return {"TrainingJobArn": job.arn}


def _merged(held: Any, given: Any) -> Any:
    return {**held, **given} if isinstance(held, dict) and isinstance(given, dict) else given
