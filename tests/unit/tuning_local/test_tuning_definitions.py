"""Training definitions as training jobs."""

import re

import pytest
from sagebridge.core.search.definition import built_in_regex, definitions

METRIC = "validation:score"


@pytest.mark.parametrize(
    ("metric", "line", "value"),
    [
        ("validation:rmse", "[12]#011train-rmse:0.9#011validation-rmse:1.5e-05", "1.5e-05"),
        ("train:auc", "[0]\ttrain-auc:0.75\tvalidation-auc:0.5", "0.75"),
        ("validation:objective_loss", "#quality_metric: host=algo-1, validation objective_loss <loss>=-0.25", "-0.25"),
        ("accuracy", "accuracy = 0.5", "0.5"),
    ],
)
def test_metrics_of_built_in_algorithms(metric, line, value):
    assert re.search(built_in_regex(metric), line)[1] == value


def test_own_metric_definitions_are_kept(request_of):
    [definition] = definitions(request_of())
    request = definition.training_request(name="trial", tuned={"x": "0.5"})
    assert [item["Name"] for item in request["AlgorithmSpecification"]["MetricDefinitions"]] == [METRIC]
    assert request["HyperParameters"] == {"epochs": "3", "x": "0.5", "_tuning_objective_metric": METRIC}


def test_instance_configs_by_priority(request_of):
    given = request_of()
    del given["TrainingJobDefinition"]["ResourceConfig"]
    given["TrainingJobDefinition"]["HyperParameterTuningResourceConfig"] = {
        "AllocationStrategy": "Prioritized",
        "VolumeKmsKeyId": "key",
        "InstanceConfigs": [
            {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
            {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        ],
    }
    [definition] = definitions(given)
    assert definition.resources() == {
        "VolumeKmsKeyId": "key", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50
    }  # fmt: skip
