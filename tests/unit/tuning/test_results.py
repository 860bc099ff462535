"""What status shows of a search."""

import json
from typing import Any

import pytest
from sagebridge.core.tuning.results import (
    best_model_fields,
    best_model_request,
    best_trials_fields,
    best_trials_request,
)

METRIC = {"Type": "Minimize", "MetricName": "loss"}


def trial(name: str, value: float, **tuned: str) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": tuned,
        "FinalHyperParameterTuningJobObjectiveMetric": METRIC | {"Value": value},
    }


def described(status: str = "InProgress", **changes: Any) -> dict[str, Any]:
    static = {"sagemaker_program": '"train.py"', "optimizer": '"adam"', "epochs": "3"}
    return {
        "HyperParameterTuningJobName": "tune",
        "HyperParameterTuningJobStatus": status,
        "HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": METRIC},
        "TrainingJobDefinition": {"StaticHyperParameters": static},
        "BestTrainingJob": trial("tune-001", 0.5, v='"a"', x="0.1"),
    } | changes


def test_nothing_is_asked_before_there_is_a_best_trial() -> None:
    assert best_trials_request(described(BestTrainingJob=None)) is None
    assert best_model_request(described("Failed", BestTrainingJob=None)) is None
    assert best_model_request(described()) is None


def test_the_best_come_first() -> None:
    request = best_trials_request(described())
    assert request == {
        "HyperParameterTuningJobName": "tune",
        "SortBy": "FinalObjectiveMetricValue",
        "SortOrder": "Ascending",
        "MaxResults": 10,
    }
    maximize = {"TuningObjective": METRIC | {"Type": "Maximize"}}
    several = described(HyperParameterTuningJobConfig={}, TrainingJobDefinition=None, TrainingJobDefinitions=[maximize])
    assert (best_trials_request(several) or {})["SortOrder"] == "Descending"


def test_hyperparameters_read_as_they_were_written() -> None:
    summaries = [trial("tune-001", 0.5, v='"a"', x="0.1"), trial("tune-002", 0.7, v='"b"', x="0.2")]
    fields = best_trials_fields(described(), {"TrainingJobSummaries": summaries})
    assert fields["best"] == {
        "trainingJobName": "tune-001",
        "trainingJobStatus": "Completed",
        "metricName": "loss",
        "objectiveValue": 0.5,
        "tunedHyperParameters": {"v": "a", "x": "0.1"},
        "staticHyperParameters": {"optimizer": "adam", "epochs": "3"},
    }
    assert [item["tunedHyperParameters"]["v"] for item in fields["bestTrials"]] == ["a", "b"]


def test_the_model_is_the_best_trials() -> None:
    assert best_model_request(described("Stopped")) == {"TrainingJobName": "tune-001"}
    reply = {"ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"}}
    assert best_model_fields({}, reply) == {"modelArtifacts": {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}}
    assert best_model_fields({}, {}) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_an_objective_that_json_can_not_say_is_left_out(value: float) -> None:
    fields = best_trials_fields(described(), {"TrainingJobSummaries": [trial("tune-002", value)]})
    [shown] = fields["bestTrials"]
    assert "objectiveValue" not in shown
    assert json.dumps(fields, allow_nan=False)
