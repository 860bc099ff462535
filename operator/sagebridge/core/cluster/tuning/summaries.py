"""Trials as ListTrainingJobsForHyperParameterTuningJob shows them: HyperParameterTrainingJobSummary.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTrainingJobSummary.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search.trial import objective_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.cluster.tuning.trials import ClusterTrial

_TIMES: Final = {"TrainingStartTime": "trainingStartTime", "TrainingEndTime": "trainingEndTime"}


def summary(trial: ClusterTrial) -> dict[str, Any]:
    """A trial's HyperParameterTrainingJobSummary."""
    job = trial.job
    found: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.status.get("trainingJobArn") or "",
        "CreationTime": job.metadata["creationTimestamp"],
        "TrainingJobStatus": trial.status,
        "TunedHyperParameters": dict(trial.tuned),
        "ObjectiveStatus": objective_status(trial),
    }
    found |= {member: job.status[field] for member, field in _TIMES.items() if job.status.get(field)}
    if trial.definition.name:
        found["TrainingJobDefinitionName"] = trial.definition.name
    if trial.value is not None:
        found["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": "Maximize" if trial.definition.maximize else "Minimize",
            "MetricName": trial.definition.metric,
            "Value": trial.value,
        }
    return found


def better(
    one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, *, maximize: bool
) -> Mapping[str, Any] | None:
    """The better of two HyperParameterTrainingJobSummaries, the first if they are equally good."""
    if one is None or other is None:
        return one or other
    mine, theirs = _value(one), _value(other)
    return other if (theirs > mine if maximize else theirs < mine) else one


def _value(found: Mapping[str, Any]) -> float:
    return float(found["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
