"""Endpoints whose variants Application Auto Scaling has registered."""

import boto3
import pytest
from moto import mock_aws


@pytest.fixture
def autoscaling():
    """moto's Application Auto Scaling, with the endpoint's variant as a target."""
    with mock_aws():
        client = boto3.client(
            "application-autoscaling", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="endpoint/e1/variant/AllTraffic",
            ScalableDimension="sagemaker:variant:DesiredInstanceCount",
            MinCapacity=1,
            MaxCapacity=4,
        )
        yield client


@pytest.mark.parametrize(
    ("reason", "variant"),
    [("another instance type", {"InstanceType": "ml.c5.large"}), ("another name", {"VariantName": "other"})],
)
async def test_a_registered_variant_can_be_neither_removed_nor_moved(host, variant_of, autoscaling, reason, variant):
    await host.serving()
    await host.config("c2", variants=[variant_of() | variant])

    error = await host.call.refused("UpdateEndpoint", EndpointName="e1", EndpointConfigName="c2")

    assert error.code == "ValidationException", reason
    assert "AllTraffic must be deregistered as scalable targets" in error.message


async def test_its_model_can_be_changed(host, variant_of, autoscaling):
    await host.serving()
    await host.model("m2")
    await host.config("c2", variants=[variant_of(ModelName="m2")])
    await host.update("c2")
    host.call.advance(60)

    assert (await host.describe())["EndpointConfigName"] == "c2"


async def test_a_deleted_endpoint_takes_its_targets_along(host, sagemaker, autoscaling):
    await host.serving()
    await sagemaker("DeleteEndpoint", EndpointName="e1")

    assert autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
