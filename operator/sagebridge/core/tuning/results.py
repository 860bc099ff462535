"""What a tuning job has found, as status shows it.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeHyperParameterTuningJob.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingJobsForHyperParameterTuningJob.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

BEST_TRIALS: Final = 10
_ENDED: Final = ("Completed", "Failed", "Stopped")
_SCRIPT: Final = "sagemaker_program"
_OF_THE_TOOLKIT: Final = "sagemaker_"

Reply = Mapping[str, Any]


def best_trials_request(described: Reply) -> dict[str, Any] | None:
    """The request for the ten best trials; None while no trial has a value."""
    if not described.get("BestTrainingJob"):
        return None
    maximize = _objective(described).get("Type") == "Maximize"
    return {
        "HyperParameterTuningJobName": described["HyperParameterTuningJobName"],
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Descending" if maximize else "Ascending",
        "MaxResults": BEST_TRIALS,
    }


def best_trials_fields(described: Reply, reply: Reply) -> dict[str, Any]:
    """`bestTrials`, best first, and what the best one did not search for."""
    best = _trial(described, described["BestTrainingJob"])
    trials = [_trial(described, summary) for summary in reply.get("TrainingJobSummaries") or ()]
    definition = _definition(described, described["BestTrainingJob"])
    return {
        "bestTrials": trials,
        "best": {**best, "staticHyperParameters": _static(definition)},
    }


def best_model_request(described: Reply) -> dict[str, Any] | None:
    """The request for the best training job's model, once nothing better can come."""
    best = described.get("BestTrainingJob")
    if not best or described.get("HyperParameterTuningJobStatus") not in _ENDED:
        return None
    return {"TrainingJobName": best["TrainingJobName"]}


def best_model_fields(_: Reply, reply: Reply) -> dict[str, Any]:
    """`modelArtifacts` of the best training job."""
    uri = (reply.get("ModelArtifacts") or {}).get("S3ModelArtifacts")
    return {"modelArtifacts": {"s3ModelArtifacts": uri}} if uri else {}


def _trial(described: Reply, summary: Reply) -> dict[str, Any]:
    metric = summary.get("FinalHyperParameterTuningJobObjectiveMetric") or {}
    value = metric.get("Value")
    tuned = summary.get("TunedHyperParameters") or {}
    trial = {
        "trainingJobName": summary.get("TrainingJobName"),
        "trainingJobDefinitionName": summary.get("TrainingJobDefinitionName"),
        "trainingJobStatus": summary.get("TrainingJobStatus"),
        "metricName": metric.get("MetricName"),
        "objectiveValue": value if value is not None and math.isfinite(value) else None,  # JSON has no NaN
        "tunedHyperParameters": _readable(tuned, is_script=_SCRIPT in _static_texts(_definition(described, summary))),
    }
    return {key: value for key, value in trial.items() if value is not None}


def _objective(described: Reply) -> Reply:
    config: Reply = described.get("HyperParameterTuningJobConfig") or {}
    several: Sequence[Reply] = described.get("TrainingJobDefinitions") or ()
    given: Iterator[Reply | None] = (item.get("TuningObjective") for item in several)
    return config.get("HyperParameterTuningJobObjective") or next(given, None) or {}


def _definition(described: Reply, summary: Reply) -> Reply:
    one: Reply | None = described.get("TrainingJobDefinition")
    name = summary.get("TrainingJobDefinitionName")
    several = described.get("TrainingJobDefinitions") or ()
    return one or next((item for item in several if item.get("DefinitionName") == name), {})


def _static_texts(definition: Reply) -> Mapping[str, str]:
    texts: Mapping[str, str] = definition.get("StaticHyperParameters") or {}
    return texts


def _static(definition: Reply) -> dict[str, str]:
    """The user's own static hyperparameters, without the training toolkit's settings."""
    texts = _static_texts(definition)
    own = {key: text for key, text in texts.items() if not key.startswith(_OF_THE_TOOLKIT)}
    return _readable(own, is_script=_SCRIPT in texts)


def _readable(texts: Mapping[str, str], *, is_script: bool) -> dict[str, str]:
    """Hyperparameters as the user wrote them: in script mode texts travel as JSON, in quotes."""
    return {key: _unquoted(text) if is_script else text for key, text in texts.items()}


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
