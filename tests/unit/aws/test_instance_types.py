"""An instance type that SageMaker does not have: the message names the manifest's field, and what comes near."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.exceptions import ClientError
from sagebridge.targets.sagemaker.replies import to_aws_error

_MODEL = botocore.session.get_session().get_service_model("sagemaker")
REFUSED = "failed to satisfy constraint: Member must satisfy"


def refused(value: str, path: str, shape: str) -> str:
    return f"Value '{value}' at '{path}' {REFUSED} enum value set: [{', '.join(_MODEL.shape_for(shape).enum)}]"


def told(message: str) -> str:
    response = {"Error": {"Code": "ValidationException", "Message": message}}
    return to_aws_error(ClientError(response, "Create"), operation="Create").message


@pytest.mark.parametrize(
    ("reason", "value", "path", "shape", "field", "nearest"),
    [
        (
            "another size",
            "ml.m5.huge",
            "productionVariants.1.member.instanceType",
            "ProductionVariantInstanceType",
            "productionVariants[0].instanceType",
            ("ml.m5.large", "ml.m5.xlarge"),
        ),
        (
            "in a list in a list",
            "ml.m5.huge",
            "productionVariants.2.member.instancePools.12.member.instanceType",
            "ProductionVariantInstanceType",
            "productionVariants[1].instancePools[11].instanceType",
            ("ml.m5.large", "ml.m5.xlarge"),
        ),
        (
            "without the prefix",
            "m5.large",
            "resourceConfig.instanceType",
            "TrainingInstanceType",
            "resourceConfig.instanceType",
            ("ml.m5.large",),
        ),
        (
            "a family that is not there",
            "ml.m55.xlarge",
            "transformResources.instanceType",
            "TransformInstanceType",
            "transformResources.instanceType",
            ("ml.m5.xlarge",),
        ),
        (
            "of a tuning job's definitions",
            "ml.g5.7xlarge",
            "trainingJobDefinitions.1.member.resourceConfig.instanceType",
            "TrainingInstanceType",
            "trainingJobDefinitions[0].resourceConfig.instanceType",
            ("ml.g5.xlarge",),
        ),
        (
            "of processing",
            "ml.c5.20xlarge",
            "processingResources.clusterConfig.instanceType",
            "ProcessingInstanceType",
            "processingResources.clusterConfig.instanceType",
            ("ml.c5.2xlarge",),
        ),
    ],
)
def test_the_field_and_what_comes_near(
    reason: str, value: str, path: str, shape: str, field: str, nearest: tuple[str, ...]
) -> None:
    message = told(f"1 validation error detected: {refused(value, path, shape)}")
    words, _, near = message.partition("; nearest: ")
    assert words == f"spec.{field}: SageMaker has no {value} for this", reason
    assert set(nearest) <= set(near.split(", ")), (reason, message)
    assert len(message) < 200, reason


def test_where_nothing_comes_near_nothing_is_named() -> None:
    message = told(refused("?", "resourceConfig.instanceType", "TrainingInstanceType"))
    assert message == "spec.resourceConfig.instanceType: SageMaker has no ? for this"


def test_of_several_errors_each_is_told() -> None:
    other = f"Value '0' at 'stoppingCondition.maxRuntimeInSeconds' {REFUSED} a minimum of 1"
    wrong = refused("ml.m5.huge", "resourceConfig.instanceType", "TrainingInstanceType")
    message = told(f"2 validation errors detected: {wrong}; {other}")
    assert message.startswith("2 validation errors detected: spec.resourceConfig.instanceType: SageMaker has no ")
    assert message.endswith(f"; {other}")


def test_what_is_no_instance_type_is_told_as_it_is() -> None:
    message = f"1 validation error detected: Value 'x' at 'tags.1.member.key' {REFUSED} enum value set: [a, b]"
    assert told(message) == message
