"""Scripted values of the objective, where nothing runs."""

import json

import pytest

METRIC = "validation:score"


def value_of(tuner, request, metrics):
    request["TrainingJobDefinition"]["Environment"] = {
        "SAGEBRIDGE_LOCAL_SECONDS": "1",
        "SAGEBRIDGE_LOCAL_METRICS": metrics,
    }
    tuner.create(request)
    tuner.advance(1000)
    return tuner.describe()


@pytest.mark.parametrize(
    ("metrics", "value"), [({METRIC: 0.5}, 0.5), ({METRIC: [0.1, 0.7]}, 0.7), ({METRIC: "epochs"}, 3.0)]
)
def test_the_environment_says_what_is_found(tuner, request_of, metrics, value):
    best = value_of(tuner, request_of(), json.dumps(metrics))["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == value


def test_what_is_no_json_fails_the_trials(tuner, request_of):
    ended = value_of(tuner, request_of(), "high")
    assert ended["HyperParameterTuningJobStatus"] == "Failed"
    assert "SAGEBRIDGE_LOCAL_METRICS" in tuner.children()[0]["FailureReason"]
