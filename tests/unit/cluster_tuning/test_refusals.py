"""What the cluster can't do for an HPTuningJob is refused with the field's name and what to do."""

from dataclasses import replace

import pytest
from sagebridge.core.cluster.tuning import refusals
from sagebridge.core.cluster.tuning.checks import check
from sagebridge.core.cluster.tuning.request import resolve
from sagebridge.core.errors import SpecError
from sagebridge.schema.openapi import request_schema
from support.cluster_tuning import cluster_spec
from support.tuning_jobs import definition

from .searches import context, limited


def with_field(field):
    value = True if "enable" in field else {"anything": "given"}
    for key in reversed(field.split(".")):
        value = {key: value}
    return value


@pytest.mark.parametrize("refusal", refusals.DEFINITION_REFUSALS, ids=lambda refusal: refusal.field)
def test_each_field_of_a_definition_is_refused_and_is_one(refusal):
    fields = cluster_spec(trainingJobDefinition=definition() | with_field(refusal.field))
    with pytest.raises(SpecError) as caught:
        refusals.check(fields)
    assert caught.value.field == f"spec.trainingJobDefinition.{refusal.field}"
    schema = request_schema("CreateHyperParameterTuningJob")["properties"]["trainingJobDefinition"]
    for key in refusal.field.split("."):
        schema = schema["properties"][key]
    assert schema


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"autotune": {"mode": "Enabled"}}, "spec.autotune"),
        (
            {"config": {"parameterRanges": {"autoParameters": [{"name": "x", "valueHint": 1}]}}},
            "spec.hyperParameterTuningJobConfig.parameterRanges.autoParameters",
        ),
        (
            {"trainingJobDefinition": definition(algorithmSpecification={"trainingInputMode": "Pipe"})},
            "spec.trainingJobDefinition.algorithmSpecification.trainingInputMode",
        ),
        (
            {"config": {"resourceLimits": {"maxParallelTrainingJobs": 1}}},
            "spec.hyperParameterTuningJobConfig.resourceLimits.maxNumberOfTrainingJobs",
        ),
        (
            {"config": {"strategy": "Grid"}},
            "spec.hyperParameterTuningJobConfig.parameterRanges.continuousParameterRanges",
        ),
        (
            {
                "trainingJobDefinition": None,
                "trainingJobDefinitions": [definition(), definition(vpcConfig={"subnets": ["a"]})],
            },
            "spec.trainingJobDefinitions[1].vpcConfig",
        ),
    ],
)
def test_refused(change, field):
    with pytest.raises(SpecError) as caught:
        resolve(cluster_spec(**change), context())
    assert caught.value.field == field


@pytest.mark.parametrize("kind", ["Auto", "Off"])
def test_early_stopping_is_not_refused(kind):
    assert resolve(cluster_spec(config={"trainingJobEarlyStoppingType": kind}), context())


def resources(**given):
    """The configuration of a search by Hyperband."""
    return {"strategy": "Hyperband", "strategyConfig": {"hyperbandStrategyConfig": given}}


CHOICES = {"categoricalParameterRanges": [{"name": "x", "values": [1, 2, 3]}]}


def grid(parameters):
    """Ranges of thirty values each."""
    return {
        "categoricalParameterRanges": [
            {"name": f"p{number}", "values": list(range(30))} for number in range(parameters)
        ]
    }


def unchecked(**config):
    """A record of what is refused before it comes to one, as an older version may have made it."""
    record = limited(4, 1)
    request = record.request | {"HyperParameterTuningJobConfig": {**record.config, **config}}
    return replace(record, request=request)


@pytest.mark.parametrize(
    ("reason", "record", "message"),
    [
        ("more trials than combinations", limited(4, 1, parameterRanges=CHOICES), "greater than 3"),
        (
            "a grid, counted wrong",
            limited(2, 1, strategy="Grid", parameterRanges=CHOICES),
            "combinations of the grid, 3",
        ),
        ("a grid of numbers", unchecked(Strategy="Grid"), "categorical ranges, and these are of numbers: x"),
        ("a grid of 810,000", limited(None, 1, strategy="Grid", parameterRanges=grid(4)), "have 810000 combinations"),
        ("a grid that is never listed", limited(None, 1, strategy="Grid", parameterRanges=grid(30)), "at most 750"),
        ("more trials than SageMaker's", limited(751, 1), "maxNumberOfTrainingJobs: must not be greater than 750"),
        ("more trials at once", limited(750, 101), "maxParallelTrainingJobs: must not be greater than 100"),
        ("too many hyperparameters", limited(4, 1, parameterRanges=grid(31)), "more than 30 hyperparameters"),
        ("Hyperband without an end", limited(4, 1, **resources(minResource=4)), "MinResource must not be greater"),
        ("more values than are kept", limited(4, 1, **resources(maxResource=1001)), "must not be greater than 1000"),
        (
            "convergence of chance",
            limited(
                4,
                1,
                strategy="Random",
                tuningJobCompletionCriteria={"convergenceDetected": {"completeOnConvergence": "Enabled"}},
            ),
            "is for strategy Bayesian",
        ),
    ],
)
def test_searches_that_cannot_be_carried_out(reason, record, message):
    with pytest.raises(SpecError, match=message):
        check(record)


@pytest.mark.parametrize(
    "record",
    [
        limited(3, 1, parameterRanges=CHOICES),
        limited(3, 1, strategy="Grid", parameterRanges=CHOICES),
        limited(None, 1, strategy="Grid", parameterRanges=CHOICES),
        limited(9, 3),
        limited(750, 100),
        limited(9, 3, **resources(maxResource=1000)),
        limited(9, 3, strategy="Hyperband"),
        limited(9, 1, resourceLimits={"maxParallelTrainingJobs": 1, "maxRuntimeInSeconds": 600}),
    ],
)
def test_searches_that_can(record):
    check(record)
