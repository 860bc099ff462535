"""What the cluster can't do for a transform is refused with the field's name and what to do."""

from typing import Any

import pytest
from sagebridge.core.cluster.transform import refusals
from sagebridge.core.errors import SpecError
from sagebridge.schema.openapi import request_schema
from support.batch_transforms import MODEL, transform_spec

CONTAINER = MODEL["primaryContainer"]


@pytest.mark.parametrize(
    ("reason", "change", "field"),
    [
        (
            "a model in SageMaker",
            {"model": None, "modelName": "own"},
            "spec.modelName",
        ),
        ("a service of SageMaker's", {"experimentConfig": {"experimentName": "x"}}, "spec.experimentConfig"),
        (
            "a key for volumes",
            {"transformResources": {"instanceType": "ml.m5.large", "volumeKmsKeyId": "k"}},
            "spec.transformResources.volumeKmsKeyId",
        ),
        (
            "an AMI",
            {"transformResources": {"instanceType": "ml.m5.large", "transformAmiVersion": "al2"}},
            "spec.transformResources.transformAmiVersion",
        ),
        ("a pipeline", {"model": {"containers": [CONTAINER, CONTAINER]}}, "spec.model.containers"),
        ("a VPC", {"model": {**MODEL, "vpcConfig": {"subnets": ["s"]}}}, "spec.model.vpcConfig"),
        (
            "a model package",
            {"model": {"primaryContainer": {"modelPackageName": "p"}}},
            "spec.model.primaryContainer.modelPackageName",
        ),
        (
            "several models in one container",
            {"model": {"primaryContainer": {**CONTAINER, "mode": "MultiModel"}}},
            "spec.model.primaryContainer.mode",
        ),
    ],
)
def test_refused(reason: str, change: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as caught:
        refusals.check(transform_spec(**change))
    assert caught.value.field == field, reason


@pytest.mark.parametrize(
    ("reason", "change"),
    [
        ("the least", {}),
        ("what asks for nothing", {"model": {**MODEL, "enableNetworkIsolation": False}}),
        ("what a model has trained", {"model": None, "modelRef": {"kind": "TrainingJob", "name": "digits"}}),
        ("captured data", {"dataCaptureConfig": {"destinationS3Uri": "s3://b/c"}}),
    ],
)
def test_accepted(reason: str, change: dict[str, Any]) -> None:
    refusals.check(transform_spec(**change))


@pytest.mark.parametrize("refusal", refusals.REFUSALS, ids=lambda refusal: refusal.field)
def test_each_field_is_one_of_the_request(refusal: refusals.Refusal) -> None:
    schema = request_schema("CreateTransformJob")
    for key in refusal.field.split("."):
        schema = schema["properties"][key]

    assert schema
