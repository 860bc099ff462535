"""Instances that follow a metric, as a target tracking policy asks for."""

import boto3
import pytest
from moto import mock_aws
from sagebridge_local.sagemaker.endpoints.tracking import capacity

TARGET = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e1/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
PER_INSTANCE = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


@pytest.mark.parametrize(
    ("reason", "minutes", "current", "want"),
    [
        ("three minutes above", [30, 30, 30], 2, 6),
        ("the latest decides how far", [90, 60, 30], 2, 6),
        ("only two minutes", [5, 30, 30], 2, None),
        ("a minute is missing", [30, None, 30], 2, None),
        ("on target", [10] * 15, 2, None),
        ("a little below", [9] * 15, 2, None),
        ("fifteen minutes below", [2] * 15, 4, 1),
        ("the busiest of them decides how far", [2] * 14 + [7], 4, 3),
        ("fourteen minutes below", [None, *[2] * 14], 4, None),
        ("nobody asks", [None] * 15, 4, None),
        ("there is one left", [2] * 15, 1, None),
    ],
)
def test_what_a_metric_asks_for(reason, minutes, current, want):
    assert capacity(minutes, current=current, target=10.0) == want, reason


@pytest.fixture
def scaled(host, variant_of):
    """Serves two instances that are to be invoked ten times a minute each, and says how many there are."""
    with mock_aws():
        client = boto3.client(
            "application-autoscaling", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
        )

        async def serve(*, suspended=None, **policy):
            await host.serving(variants=[variant_of(InitialInstanceCount=2)])
            client.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=5, SuspendedState=suspended or {})
            configuration = {"TargetValue": 10.0, "PredefinedMetricSpecification": PER_INSTANCE} | policy
            configuration = {name: value for name, value in configuration.items() if value is not None}
            client.put_scaling_policy(
                **TARGET,
                PolicyName="track",
                PolicyType="TargetTrackingScaling",
                TargetTrackingScalingPolicyConfiguration=configuration,
            )

        yield serve


async def minutes(host, count, *, times):
    for _ in range(count):
        for _ in range(times):
            assert (await host.invoke()).status == 200
        host.call.advance(60)
    host.call.advance(10)


async def instances(host):
    [variant] = (await host.describe())["ProductionVariants"]
    return variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]


async def test_it_scales_out_and_in_within_its_bounds(host, scaled):
    await scaled(ScaleOutCooldown=60, ScaleInCooldown=60)
    await minutes(host, 3, times=30)
    assert await instances(host) == (2, 3)
    assert await host.status() == "Updating"
    host.call.advance(30)
    assert await instances(host) == (3, 3)
    await minutes(host, 5, times=200)
    assert await instances(host) == (5, 5)
    await minutes(host, 40, times=1)

    assert await instances(host) == (1, 1)


async def test_it_rests_between_two_scalings(host, scaled):
    await scaled()
    await minutes(host, 4, times=30)
    await minutes(host, 2, times=200)
    resting = await instances(host)
    await minutes(host, 4, times=200)

    assert (resting, await instances(host)) == ((3, 3), (5, 5))


async def test_scale_in_can_be_disabled(host, scaled):
    await scaled(DisableScaleIn=True)
    await minutes(host, 30, times=1)

    assert await instances(host) == (2, 2)


@pytest.mark.parametrize(
    ("suspended", "a_minute", "want"),
    [("Out", 100, 2), ("In", 1, 2), ("In", 30, 3), ("Out", 1, 1)],
)
async def test_scaling_can_be_suspended(host, scaled, suspended, a_minute, want):
    await scaled(suspended={f"DynamicScaling{suspended}Suspended": True})
    await minutes(host, 16 if a_minute == 1 else 4, times=a_minute)
    host.call.advance(30)

    assert await instances(host) == (want, want)


async def test_a_metric_of_ones_own_choice(host, scaled):
    dimensions = [{"Name": "EndpointName", "Value": "e1"}, {"Name": "VariantName", "Value": "AllTraffic"}]
    custom = {"Namespace": "AWS/SageMaker", "MetricName": "Invocations", "Dimensions": dimensions, "Statistic": "Sum"}
    await scaled(PredefinedMetricSpecification=None, CustomizedMetricSpecification=custom)
    await minutes(host, 4, times=20)

    assert await instances(host) == (4, 4)


async def test_a_metric_that_is_not_measured_here_changes_nothing(host, scaled):
    await scaled(
        PredefinedMetricSpecification={
            "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
        }
    )
    await minutes(host, 4, times=100)

    assert await instances(host) == (2, 2)
