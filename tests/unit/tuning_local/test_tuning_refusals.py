"""What CreateHyperParameterTuningJob and the others refuse, in AWS's codes and words."""

import copy

import pytest

X = {"Name": "x", "MinValue": "0", "MaxValue": "1"}
CHOICE = {"Name": "c", "Values": ["a", "b", "c"]}


def change(request, path, value):
    """Set, or with None take out, what is at a dotted path."""
    changed = copy.deepcopy(request)
    *parents, last = path.split(".")
    place = changed
    for step in parents:
        place = place.setdefault(step, {})
    if value is None:
        del place[last]
    else:
        place[last] = value
    return changed


CONFIG = "HyperParameterTuningJobConfig."
DEFINITION = "TrainingJobDefinition."


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("HyperParameterTuningJobName", "x" * 33, "less than or equal to 32"),
        (CONFIG + "Strategy", "Guess", "enum"),
        ("TrainingJobDefinition", None, "Exactly one of TrainingJobDefinition and TrainingJobDefinitions"),
        (CONFIG + "HyperParameterTuningJobObjective", None, "HyperParameterTuningJobObjective is required"),
        (CONFIG + "HyperParameterTuningJobObjective.MetricName", "other", "A metric is required for this"),
        (CONFIG + "ParameterRanges", {}, "At least one hyperparameter range"),
        (CONFIG + "ParameterRanges", {"ContinuousParameterRanges": [X | {"MinValue": "2"}]}, "MinValue 2 of x"),
        (CONFIG + "ParameterRanges", {"IntegerParameterRanges": [X | {"MaxValue": "1.5"}]}, "an integer at either end"),
        (
            CONFIG + "ParameterRanges",
            {"ContinuousParameterRanges": [X | {"ScalingType": "Logarithmic"}]},
            "Logarithmic",
        ),
        (
            CONFIG + "ParameterRanges",
            {"ContinuousParameterRanges": [X | {"ScalingType": "ReverseLogarithmic"}]},
            "within 0 <= x < 1",
        ),
        (CONFIG + "ParameterRanges", {"ContinuousParameterRanges": [X, X]}, "must be unique"),
        (
            CONFIG + "ParameterRanges",
            {"ContinuousParameterRanges": [X | {"Name": "epochs"}]},
            "both static and tunable",
        ),
        (
            CONFIG + "ParameterRanges",
            {"CategoricalParameterRanges": [CHOICE]},
            "provided ranges [3.0] must be equal or greater than the value of MaxNumberOfJobs, [6]",
        ),
        (CONFIG + "Strategy", "Grid", "only categorical"),
        (CONFIG + "ResourceLimits.MaxParallelTrainingJobs", 7, "must not be greater than MaxNumberOfTrainingJobs"),
        (CONFIG + "ResourceLimits", {"MaxParallelTrainingJobs": 1}, "MaxNumberOfTrainingJobs or MaxRuntimeInSeconds"),
        (CONFIG + "StrategyConfig", {"HyperbandStrategyConfig": {"MinResource": 1}}, "is for the strategy Hyperband"),
        (DEFINITION + "RoleArn", "arn:aws:iam::999999999999:role/training", "Cross-account pass role"),
        (DEFINITION + "ResourceConfig.VolumeSizeInGB", None, "VolumeSizeInGB of at least 1"),
        (DEFINITION + "ResourceConfig", None, "exactly one of InstanceType"),
        (DEFINITION + "OutputDataConfig.S3OutputPath", "https://bucket/x", "must be an S3 URI"),
        ("Tags", [{"Key": "aws:x", "Value": "1"}], "reserved"),
    ],
)
def test_create_refuses(tuner, request_of, path, value, message):
    error = tuner.refused("CreateHyperParameterTuningJob", **change(request_of(), path, value))
    assert error.code == "ValidationException"
    assert message in error.message
    assert tuner("ListHyperParameterTuningJobs")["HyperParameterTuningJobSummaries"] == []


@pytest.mark.parametrize(
    ("reason", "static", "limits", "message"),
    [
        ("nobody says how many", {"steps": "3"}, {}, "MaxResource must be given"),
        (
            "the wrong way round",
            {"epochs": "3"},
            {"MinResource": 4},
            "MinResource must not be greater than MaxResource",
        ),
        ("too many", {}, {"MaxResource": 20001}, "must not be greater than 20000"),
    ],
)
def test_hyperband_has_to_know_how_long_trials_may_be(tuner, request_of, reason, static, limits, message):
    request = request_of(Strategy="Hyperband", StrategyConfig={"HyperbandStrategyConfig": limits})
    request = change(request, DEFINITION + "StaticHyperParameters", static)
    assert message in tuner.refused("CreateHyperParameterTuningJob", **request).message, reason


def test_names_are_unique(tuner, request_of):
    tuner.create(request_of())
    error = tuner.refused("CreateHyperParameterTuningJob", **request_of())
    assert error.code == "ResourceInUse"
    assert error.message == (
        "A hyperparameter tuning job with the name, tune, already exists. Choose a different name."
    )


def test_a_round_of_trials_must_fit_the_quota(tuner, request_of):
    tuner.service.quotas.instances["ml.m5.large for training job usage"] = 1
    error = tuner.refused("CreateHyperParameterTuningJob", **request_of(parallel=2))
    assert error.code == "ResourceLimitExceeded"
    assert "a request delta of 2 Instances" in error.message


@pytest.mark.parametrize("verb", ["Describe", "Stop", "Delete", "ListTrainingJobsFor"])
def test_what_is_not_there_is_resource_not_found(tuner, verb):
    error = tuner.refused(f"{verb}HyperParameterTuningJob", HyperParameterTuningJobName="none")
    assert error.code == "ResourceNotFound"
    assert error.message == "Amazon SageMaker can't find a tuning job called none. Type another name."


def test_what_has_ended_is_not_stopped(tuner, request_of):
    tuner.create(request_of())
    tuner.advance(1000)
    error = tuner.refused("StopHyperParameterTuningJob", HyperParameterTuningJobName="tune")
    assert error.code == "ValidationException"


WARM = {"ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
        "WarmStartType": "IdenticalDataAndAlgorithm"}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (CONFIG + "HyperParameterTuningJobObjective.Type", "Minimize", "same objective metric and type"),
        (DEFINITION + "AlgorithmSpecification.TrainingImage", "image:2", "use TransferLearning"),
        (DEFINITION + "StaticHyperParameters", {"other": "1"}, "the same hyperparameters"),
    ],
)
def test_identical_warm_start_wants_the_same_problem(tuner, request_of, path, value, message):
    tuner.create(request_of("parent"))
    tuner.advance(1000)
    changed = change(request_of() | {"WarmStartConfig": WARM}, path, value)
    error = tuner.refused("CreateHyperParameterTuningJob", **changed)
    assert (error.code, message in error.message) == ("ValidationException", True), error.message


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (DEFINITION + "StaticHyperParameters", {"other": "1", "more": "2"}, "as many hyperparameters"),
        (
            CONFIG + "ParameterRanges",
            {"CategoricalParameterRanges": [{"Name": "x", "Values": [str(value) for value in range(30)]}]},
            "x must be continuous",
        ),
    ],
)
def test_transfer_learning_wants_hyperparameters_of_the_same_number_and_types(tuner, request_of, path, value, message):
    tuner.create(request_of("parent"))
    tuner.advance(1000)
    warm = WARM | {"WarmStartType": "TransferLearning"}
    changed = change(request_of() | {"WarmStartConfig": warm}, path, value)
    error = tuner.refused("CreateHyperParameterTuningJob", **changed)
    assert (error.code, message in error.message) == ("ValidationException", True), error.message


def test_parents_must_be_there_and_have_ended(tuner, request_of):
    child = request_of() | {"WarmStartConfig": WARM}
    assert tuner.refused("CreateHyperParameterTuningJob", **child).code == "ResourceNotFound"
    tuner.create(request_of("parent"))
    assert "must have ended" in tuner.refused("CreateHyperParameterTuningJob", **child).message
