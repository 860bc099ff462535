"""What a spec is refused for: the field, and what to do."""

from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.tuning import resolve

from tests.unit.tuning.specs import METRIC, context, definition, several, spec

CONFIG = "spec.hyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.parameterRanges"
ONE = "spec.trainingJobDefinition"
X = {"name": "x", "minValue": 0, "maxValue": 1}


def ranges(kind: str, **changes: Any) -> dict[str, Any]:
    return spec(config={"parameterRanges": {f"{kind}ParameterRanges": [X | changes]}})


def configured(**config: Any) -> dict[str, Any]:
    return spec(config=config)


def limits(**given: int) -> dict[str, Any]:
    return configured(resourceLimits={"maxParallelTrainingJobs": 2} | given)


SCRIPT = {"framework": {"name": "pytorch"}, "source": {"entryPoint": "train.py", "s3Uri": "s3://bucket/s.tar.gz"}}


@pytest.mark.parametrize(
    ("reason", "fields", "field", "message"),
    [
        ("no definition", spec(trainingJobDefinition=None), "spec", "exactly one of"),
        (
            "a bound that is no number",
            ranges("continuous", minValue="low"),
            f"{RANGES}.continuousParameterRanges[0].minValue",
            "must be a number",
        ),
        (
            "a fraction",
            ranges("integer", maxValue=1.5),
            f"{RANGES}.integerParameterRanges[0].maxValue",
            "a whole number",
        ),
        ("an empty range", ranges("integer", minValue=3), f"{RANGES}.integerParameterRanges[0].minValue", "greater"),
        (
            "logarithm of 0",
            ranges("continuous", scalingType="Logarithmic"),
            f"{RANGES}.continuousParameterRanges[0].scalingType",
            "greater than 0",
        ),
        (
            "reverse logarithm of 1",
            ranges("continuous", scalingType="ReverseLogarithmic"),
            f"{RANGES}.continuousParameterRanges[0].scalingType",
            "not included",
        ),
        (
            "static, too",
            ranges("continuous", name="epochs"),
            f"{RANGES}.continuousParameterRanges[0].name",
            "staticHyperParameters",
        ),
        (
            "twice",
            configured(parameterRanges={"integerParameterRanges": [X], "continuousParameterRanges": [X]}),
            f"{RANGES}.continuousParameterRanges[0].name",
            "two ranges",
        ),
        ("no range", configured(parameterRanges=None), RANGES, "at least one"),
        (
            "a grid of numbers",
            configured(strategy="Grid"),
            f"{RANGES}.continuousParameterRanges",
            "categoricalParameterRanges",
        ),
        (
            "Hyperband and early stopping",
            configured(strategy="Hyperband", trainingJobEarlyStoppingType="Auto"),
            f"{CONFIG}.trainingJobEarlyStoppingType",
            "remove it",
        ),
        (
            "Hyperband's settings",
            configured(strategyConfig={"hyperbandStrategyConfig": {"minResource": 1}}),
            f"{CONFIG}.strategyConfig",
            "Hyperband",
        ),
        ("no limit", limits(), f"{CONFIG}.resourceLimits.maxNumberOfTrainingJobs", "maxRuntimeInSeconds"),
        (
            "more at once than in all",
            limits(maxNumberOfTrainingJobs=1),
            f"{CONFIG}.resourceLimits.maxParallelTrainingJobs",
            "greater",
        ),
        (
            "no objective",
            configured(hyperParameterTuningJobObjective=None),
            f"{CONFIG}.hyperParameterTuningJobObjective.metricName",
            "is missing",
        ),
        (
            "a script without the metric",
            spec(trainingJobDefinition=definition(**SCRIPT, algorithmSpecification=None)),
            f"{ONE}.algorithmSpecification.metricDefinitions",
            f'lacks the objective "{METRIC}"',
        ),
        (
            "metrics of a built-in algorithm",
            spec(
                trainingJobDefinition=definition(
                    algorithm={"name": "xgboost"},
                    algorithmSpecification={"metricDefinitions": [{"name": "a", "regex": "b"}]},
                )
            ),
            f"{ONE}.algorithmSpecification.metricDefinitions",
            "have their own metrics",
        ),
        (
            "no instances",
            spec(trainingJobDefinition=definition(resourceConfig=None)),
            f"{ONE}.resourceConfig",
            "say what to run on",
        ),
        (
            "a static value that is none",
            spec(trainingJobDefinition=definition(staticHyperParameters={"a": None})),
            f"{ONE}.staticHyperParameters.a",
            "has no value",
        ),
        (
            "too many variables",
            spec(trainingJobDefinition=definition(environment={f"V{n}": "1" for n in range(49)})),
            f"{ONE}.environment",
            "take 48",
        ),
        (
            "definitions without names",
            several("one") | {"trainingJobDefinitions": [definition()]},
            "spec.trainingJobDefinitions[0].definitionName",
            "a name of its own",
        ),
        (
            "definitions of one name",
            several("one", "one"),
            "spec.trainingJobDefinitions[1].definitionName",
            "used twice",
        ),
        (
            "a definition that is wrong",
            several("one", resourceConfig=None),
            "spec.trainingJobDefinitions[0].resourceConfig",
            "say what to run on",
        ),
        (
            "ranges in the wrong place",
            several("one") | {"hyperParameterTuningJobConfig": spec()["hyperParameterTuningJobConfig"]},
            f"{CONFIG}.hyperParameterTuningJobObjective",
            "goes into each",
        ),
        (
            "a parent twice",
            spec(
                warmStartConfig={
                    "parentHyperParameterTuningJobs": [{"hyperParameterTuningJobName": "a"}] * 2,
                    "warmStartType": "TransferLearning",
                }
            ),
            "spec.warmStartConfig.parentHyperParameterTuningJobs",
            "twice",
        ),
    ],
)
def test_refusals(reason: str, fields: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        resolve(fields, context())
    assert refused.value.field == field, reason
    assert message in refused.value.message, reason


def test_without_any_bucket_the_output_path_is_asked_for() -> None:
    with pytest.raises(SpecError, match="No output path"):
        resolve(spec(), context(output_path=""))
