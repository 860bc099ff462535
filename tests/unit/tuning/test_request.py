"""From a spec to the request of CreateHyperParameterTuningJob."""

from typing import Any

import pytest
from botocore.validate import ParamValidator
from sagebridge.core.resolution import Part
from sagebridge.core.tuning import resolve, sections
from sagebridge.schema.convert import to_request
from sagebridge.schema.model import input_shape

from tests.unit.tuning.specs import METRIC, context, definition, several, spec

SCRIPT = definition(
    framework={"name": "pytorch", "version": "2.3"},
    source={"entryPoint": "train.py", "configMap": {"name": "code"}},
    algorithmSpecification={"metricDefinitions": [{"name": METRIC, "regex": "score=(.*)"}]},
    staticHyperParameters={"epochs": 3, "optimizer": "adam"},
    resourceConfig={"instanceType": "ml.m5.xlarge"},
)
STAGED = Part(source_uri="s3://bucket/source.tar.gz", environment={"A": "1"})


def request_of(fields: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The request, which botocore finds valid."""
    resolved = resolve(fields, context(**changes))
    request = to_request("CreateHyperParameterTuningJob", resolved)
    report = ParamValidator().validate(request, input_shape("CreateHyperParameterTuningJob"))
    assert not report.has_errors(), report.generate_report()
    return request


def test_what_is_left_out_is_filled_in() -> None:
    fields = spec(
        config={"strategy": None}, roleArn="arn:aws:iam::123456789012:role/mine", runPolicy={"suspend": False}
    )
    request = request_of(fields, tags={"sagebridge.io/name": "tune"})
    assert request["HyperParameterTuningJobName"] == "team-tune-abcdefghij"
    assert request["HyperParameterTuningJobConfig"]["Strategy"] == "Bayesian"
    made = request["TrainingJobDefinition"]
    assert made["RoleArn"] == "arn:aws:iam::123456789012:role/default"
    assert made["OutputDataConfig"] == {"S3OutputPath": "s3://bucket/team/tune"}
    assert made["AlgorithmSpecification"]["TrainingInputMode"] == "File"
    assert made["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert made["ResourceConfig"]["VolumeSizeInGB"] == 30
    assert made["StaticHyperParameters"] == {"epochs": "3"}
    assert request["Tags"] == [{"Key": "sagebridge.io/name", "Value": "tune"}]
    assert not {"RoleArn", "RunPolicy", "Region"} & request.keys()


def test_numbers_in_ranges_become_texts() -> None:
    ranges = {
        "integerParameterRanges": [{"name": "i", "minValue": 1, "maxValue": "9"}],
        "continuousParameterRanges": [{"name": "c", "minValue": 1e-5, "maxValue": 0.1}],
        "categoricalParameterRanges": [{"name": "v", "values": [1, 0.5, True, "a"]}],
        "autoParameters": [{"name": "h", "valueHint": 0.1}],
    }
    made = request_of(spec(config={"parameterRanges": ranges}))["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert made["IntegerParameterRanges"] == [{"Name": "i", "MinValue": "1", "MaxValue": "9"}]
    assert made["ContinuousParameterRanges"] == [{"Name": "c", "MinValue": "1e-05", "MaxValue": "0.1"}]
    assert made["CategoricalParameterRanges"] == [{"Name": "v", "Values": ["1", "0.5", "true", "a"]}]
    assert made["AutoParameters"] == [{"Name": "h", "ValueHint": "0.1"}]


def test_script_mode_takes_values_as_json_and_its_source() -> None:
    ranges = {"categoricalParameterRanges": [{"name": "v", "values": ["a", 32]}]}
    fields = spec(config={"parameterRanges": ranges}, trainingJobDefinition=SCRIPT)
    request = request_of(fields, parts={"trainingJobDefinition": STAGED})
    values = request["HyperParameterTuningJobConfig"]["ParameterRanges"]["CategoricalParameterRanges"][0]["Values"]
    assert values == ['"a"', "32"]
    static = request["TrainingJobDefinition"]["StaticHyperParameters"]
    assert static["optimizer"] == '"adam"'
    assert static["sagemaker_program"] == '"train.py"'
    assert static["sagemaker_submit_directory"] == '"s3://bucket/source.tar.gz"'
    assert "pytorch-training" in request["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"]
    assert request["TrainingJobDefinition"]["Environment"] == {"A": "1"}


def test_definitions_have_their_own_role_source_and_output() -> None:
    fields = several("one", "two")
    fields["trainingJobDefinitions"][1] |= {
        "roleArn": "arn:aws:iam::123456789012:role/other",
        "outputDataConfig": {"s3OutputPath": "s3://elsewhere/"},
    }
    one, two = request_of(fields)["TrainingJobDefinitions"]
    assert [one["RoleArn"][-7:], two["RoleArn"][-5:]] == ["default", "other"]
    assert two["OutputDataConfig"]["S3OutputPath"] == "s3://elsewhere/"
    assert one["HyperParameterRanges"]["IntegerParameterRanges"][0]["MinValue"] == "1"
    assert one["TuningObjective"]["MetricName"] == METRIC


def test_each_definition_keeps_the_image_of_an_earlier_attempt() -> None:
    fields = several("one", "two")
    for definition_of_it in fields["trainingJobDefinitions"]:
        definition_of_it |= {"algorithm": {"name": "xgboost"}}
        del definition_of_it["algorithmSpecification"]
    new = request_of(fields)["TrainingJobDefinitions"][0]["AlgorithmSpecification"]["TrainingImage"]
    pinned = {"trainingJobDefinitions[1]": Part(image="123456789012.dkr.ecr.us-east-1.amazonaws.com/xgboost:old")}
    one, two = request_of(fields, parts=pinned)["TrainingJobDefinitions"]
    assert one["AlgorithmSpecification"]["TrainingImage"] == new
    assert two["AlgorithmSpecification"]["TrainingImage"].endswith("/xgboost:old")


def test_instance_configs_replace_the_resource_config() -> None:
    configs = [{"instanceType": "ml.g5.xlarge", "instanceCount": 1, "volumeSizeInGB": 50}]
    resources = {"allocationStrategy": "Prioritized", "instanceConfigs": configs}
    fields = spec(trainingJobDefinition=definition(resourceConfig=None, hyperParameterTuningResourceConfig=resources))
    made = request_of(fields)["TrainingJobDefinition"]
    assert made["HyperParameterTuningResourceConfig"]["InstanceConfigs"][0]["InstanceType"] == "ml.g5.xlarge"
    assert "ResourceConfig" not in made


@pytest.mark.parametrize("kind", ["TransferLearning", "IdenticalDataAndAlgorithm"])
def test_parents_are_named(kind: str) -> None:
    warm = {"parentHyperParameterTuningJobs": [{"ref": {"name": "parent"}}], "warmStartType": kind}
    request = request_of(spec(warmStartConfig=warm), parents=("team-parent-abc",))
    assert request["WarmStartConfig"] == {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "team-parent-abc"}],
        "WarmStartType": kind,
    }


def config_of(**config: Any) -> dict[str, Any]:
    """The HyperParameterTuningJobConfig of a request."""
    made: dict[str, Any] = request_of(spec(config=config))["HyperParameterTuningJobConfig"]
    return made


CHOICES = {"categoricalParameterRanges": [{"name": "c", "values": ["a", "b"]}]}


@pytest.mark.parametrize(
    ("reason", "config", "want"),
    [
        ("random", {"strategy": "Random"}, {"Strategy": "Random"}),
        (
            "a grid needs no number of trials",
            {
                "strategy": "Grid",
                "parameterRanges": CHOICES,
                "resourceLimits": {"maxParallelTrainingJobs": 2},
            },
            {"Strategy": "Grid", "ResourceLimits": {"MaxParallelTrainingJobs": 2}},
        ),
        (
            "Hyperband",
            {
                "strategy": "Hyperband",
                "strategyConfig": {"hyperbandStrategyConfig": {"minResource": 1, "maxResource": 27}},
            },
            {
                "Strategy": "Hyperband",
                "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 1, "MaxResource": 27}},
            },
        ),
        (
            "early stopping",
            {"trainingJobEarlyStoppingType": "Auto"},
            {"TrainingJobEarlyStoppingType": "Auto"},
        ),
        (
            "every criterion of completion",
            {
                "resourceLimits": {
                    "maxNumberOfTrainingJobs": 9,
                    "maxParallelTrainingJobs": 3,
                    "maxRuntimeInSeconds": 600,
                },
                "tuningJobCompletionCriteria": {
                    "targetObjectiveMetricValue": 0.9,
                    "bestObjectiveNotImproving": {"maxNumberOfTrainingJobsNotImproving": 3},
                    "convergenceDetected": {"completeOnConvergence": "Enabled"},
                },
            },
            {
                "ResourceLimits": {
                    "MaxNumberOfTrainingJobs": 9,
                    "MaxParallelTrainingJobs": 3,
                    "MaxRuntimeInSeconds": 600,
                },
                "TuningJobCompletionCriteria": {
                    "TargetObjectiveMetricValue": 0.9,
                    "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3},
                    "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"},
                },
            },
        ),
        ("the seed", {"randomSeed": 3}, {"RandomSeed": 3}),
    ],
)
def test_how_to_search_is_passed_on(reason: str, config: dict[str, Any], want: dict[str, Any]) -> None:
    made = config_of(**config)
    assert {name: made.get(name) for name in want} == want, reason


@pytest.mark.parametrize("scaling", ["Auto", "Linear", "Logarithmic", "ReverseLogarithmic"])
def test_scales_are_passed_on(scaling: str) -> None:
    ranges = {"continuousParameterRanges": [{"name": "x", "minValue": 0.1, "maxValue": 0.9, "scalingType": scaling}]}
    made = config_of(parameterRanges=ranges)["ParameterRanges"]["ContinuousParameterRanges"]
    assert made == [{"Name": "x", "MinValue": "0.1", "MaxValue": "0.9", "ScalingType": scaling}]


def test_autotune_needs_neither_ranges_of_its_own_nor_a_number_of_trials() -> None:
    config = {
        "parameterRanges": {"autoParameters": [{"name": "rate", "valueHint": 0.01}]},
        "resourceLimits": {"maxParallelTrainingJobs": 2},
    }
    request = request_of(spec(config=config, autotune={"mode": "Enabled"}))
    assert request["Autotune"] == {"Mode": "Enabled"}
    ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
    assert ranges == {"AutoParameters": [{"Name": "rate", "ValueHint": "0.01"}]}


def test_sections_are_the_definitions_by_their_paths() -> None:
    assert list(sections(spec())) == ["trainingJobDefinition"]
    assert list(sections(several("one", "two"))) == ["trainingJobDefinitions[0]", "trainingJobDefinitions[1]"]
