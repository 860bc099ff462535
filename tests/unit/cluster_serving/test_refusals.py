"""What a pod can't do for a model."""

from typing import Any

import pytest
from sagebridge.core.cluster.serving.refusals import check_model
from sagebridge.core.errors import SpecError
from support.served_models import CONTAINER

SOURCE = {"s3DataSource": {"s3Uri": "s3://b/m/", "s3DataType": "S3Prefix", "compressionType": "None"}}


def with_s3(**more: Any) -> dict[str, Any]:
    return {"s3DataSource": SOURCE["s3DataSource"] | more}


@pytest.mark.parametrize(
    ("model", "field", "told"),
    [
        ({"containers": [CONTAINER, CONTAINER]}, "m.containers", "a pipeline"),
        (CONTAINER | {"vpcConfig": {"subnets": ["s"]}}, "m.vpcConfig", "NetworkPolicies"),
        (CONTAINER | {"enableNetworkIsolation": True}, "m.enableNetworkIsolation", "NetworkPolicy"),
        (CONTAINER | {"mode": "MultiModel"}, "m.mode", "object of its own"),
        (CONTAINER | {"multiModelConfig": {}}, "m.multiModelConfig", "MultiModel"),
        (CONTAINER | {"modelPackageArn": "arn"}, "m.modelPackageArn", "modelDataUrl, or modelRef"),
        (CONTAINER | {"imageConfig": {"repositoryAccessMode": "Vpc"}}, "m.imageConfig", "imagePullSecrets"),
        ({"primaryContainer": {"modelPackageName": "arn"}}, "m.primaryContainer.modelPackageName", "modelRef"),
        (
            {"image": "i", "modelDataSource": with_s3(hubAccessConfig={"hubContentArn": "arn"})},
            "m.modelDataSource.s3DataSource.hubAccessConfig",
            "target: SageMaker",
        ),
        (
            CONTAINER | {"additionalModelDataSources": [{"channelName": "c", **with_s3(eTag="e")}]},
            "m.additionalModelDataSources[0].s3DataSource.eTag",
            "target: SageMaker",
        ),
    ],
)
def test_refused_with_the_field_and_what_to_do(model: dict[str, Any], field: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        check_model(model, at="m")
    assert caught.value.field == field
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("reason", "model"),
    [
        ("nothing special", CONTAINER),
        ("what asks for nothing", CONTAINER | {"enableNetworkIsolation": False, "mode": "SingleModel"}),
        ("a container in its own section", {"primaryContainer": CONTAINER}),
        ("files of a prefix", {"image": "i", "modelDataSource": SOURCE}),
    ],
)
def test_let_through(reason: str, model: dict[str, Any]) -> None:
    assert check_model(model, at="m") is None, reason
