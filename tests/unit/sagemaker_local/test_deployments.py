"""Blue/green and rolling deployments over the clock, and their rollbacks."""

import boto3
import pytest
from moto import mock_aws

ALARMS = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
TOLERANCE = 0.1


def blue_green(kind, *, wait=100, termination=0, **sizes):
    sized = {name: {"Type": "CAPACITY_PERCENT", "Value": value} for name, value in sizes.items()}
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sized}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": termination}}


@pytest.fixture
async def updating(host, variant_of):
    """An endpoint of ten instances, and how to begin an update of it whose new fleet is ready."""
    await host.serving(variants=[variant_of(InitialInstanceCount=10)])
    await host.config("c2", variants=[variant_of(InitialInstanceCount=10)])

    async def begin(deployment=None):
        await host.update("c2", **({"DeploymentConfig": deployment} if deployment else {}))
        host.call.advance(60)

    return begin


@pytest.fixture
def cloudwatch():
    """moto's CloudWatch, with an alarm that has not tripped."""
    with mock_aws():
        client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.put_metric_alarm(
            AlarmName="errors",
            ComparisonOperator="GreaterThanThreshold",
            EvaluationPeriods=1,
            MetricName="Invocation5XXErrors",
            Namespace="AWS/SageMaker",
            Period=60,
            Statistic="Sum",
            Threshold=1.0,
        )
        client.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="quiet")
        yield client


def trip(cloudwatch):
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="loud")


async def test_the_old_fleet_serves_until_the_new_one_answers(host, variant_of):
    await host.serving()
    await host.config("c2")
    await host.update("c2")
    host.call.advance(59)
    before = await host.describe()
    assert await host.share("c1", of=20) == 1.0
    host.call.advance(1)

    assert (before["EndpointStatus"], before["EndpointConfigName"]) == ("Updating", "c1")
    assert before["PendingDeploymentSummary"]["EndpointConfigName"] == "c2"
    assert (await host.describe())["EndpointConfigName"] == "c2"
    assert await host.share("c2", of=20) == 1.0


async def test_without_a_deployment_config_all_traffic_shifts_at_once(host, updating):
    await updating()

    assert await host.status() == "InService"


ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 10,
    }
}
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


@pytest.mark.parametrize(
    ("reason", "old", "new", "deployment", "want"),
    [
        ("another name", ["a"], ["b"], blue_green("ALL_AT_ONCE"), "same variant names as the old one: a"),
        ("one name more", ["a"], ["a", "b"], blue_green("ALL_AT_ONCE"), "same variant names"),
        ("another name, rolling", ["a"], ["b"], ROLLING, "same variant names"),
        ("rolling with several", ["a", "b"], ["a", "b"], ROLLING, "do not support endpoints with several variants"),
        ("rolling to serverless", ["a"], ["serverless a"], ROLLING, "do not support serverless endpoints"),
        ("rolling from serverless", ["serverless a"], ["a"], ROLLING, "do not support serverless endpoints"),
    ],
)
async def test_what_guardrails_exclude(host, variant_of, sagemaker, reason, old, new, deployment, want):
    def variants(names):
        return [_variant(variant_of, name) for name in names]

    await host.serving(variants=variants(old))
    await host.config("c2", variants=variants(new))

    refused = await sagemaker.refused(
        "UpdateEndpoint", EndpointName="e1", EndpointConfigName="c2", DeploymentConfig=deployment
    )

    assert refused.code == "ValidationException"
    assert want in refused.message, reason
    assert await host.status() == "InService"


async def test_without_guardrails_variants_may_be_renamed(host, variant_of):
    await host.serving(variants=[variant_of("a")])
    await host.config("c2", variants=[variant_of("b")])
    await host.update("c2")
    host.call.advance(60)

    assert [each["VariantName"] for each in (await host.describe())["ProductionVariants"]] == ["b"]


def _variant(variant_of, name):
    if not name.startswith("serverless "):
        return variant_of(name)
    serverless = {"InstanceType": None, "InitialInstanceCount": None, "ServerlessConfig": SERVERLESS}
    return variant_of(name.removeprefix("serverless "), **serverless)


async def test_all_at_once_bakes_before_the_old_fleet_goes(host, updating):
    await updating(blue_green("ALL_AT_ONCE", termination=30))
    baking = await host.describe()
    assert await host.share("c2", of=20) == 1.0
    host.call.advance(100)
    assert await host.status() == "Updating"
    host.call.advance(30)

    [pending] = baking["PendingDeploymentSummary"]["ProductionVariants"]
    assert (baking["EndpointStatus"], pending["VariantStatus"][0]["Status"]) == ("Updating", "Baking")
    assert await host.status() == "InService"


async def test_a_canary_gets_its_share_first(host, updating):
    await updating(blue_green("CANARY", CanarySize=20))
    assert await host.share("c2") == pytest.approx(0.2, abs=TOLERANCE)
    host.call.advance(100)
    assert await host.share("c2", of=20) == 1.0
    assert await host.status() == "Updating"
    host.call.advance(100)

    assert await host.status() == "InService"


async def test_a_canary_may_be_counted_in_instances(host, updating):
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 100, "CanarySize": {"Type": "INSTANCE_COUNT", "Value": 3}}
    await updating({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}})

    assert await host.share("c2") == pytest.approx(0.3, abs=TOLERANCE)


async def test_linear_shifts_step_by_step(host, updating):
    await updating(blue_green("LINEAR", LinearStepSize=40))
    shares = []
    for _ in range(3):
        shares.append(await host.share("c2"))
        host.call.advance(100)

    assert shares == [pytest.approx(want, abs=TOLERANCE) for want in (0.4, 0.8, 1.0)]
    assert await host.status() == "InService"


async def test_rolling_replaces_batch_by_batch(host, updating):
    policy = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 5}, "WaitIntervalInSeconds": 100}
    await updating({"RollingUpdatePolicy": policy})
    assert await host.share("c2") == pytest.approx(0.5, abs=TOLERANCE)
    host.call.advance(100)
    assert await host.share("c2", of=20) == 1.0
    host.call.advance(100)

    assert await host.status() == "InService"


@pytest.mark.parametrize("after", [0, 50, 150])
async def test_an_alarm_while_baking_rolls_back(host, updating, cloudwatch, after):
    await updating(blue_green("CANARY", CanarySize=20) | ALARMS)
    host.call.advance(after)
    trip(cloudwatch)
    host.call.advance(1)
    rolling_back = await host.describe()
    assert await host.share("c1", of=20) == 1.0
    host.call.advance(1)
    described = await host.describe()

    assert rolling_back["EndpointStatus"] == "RollingBack"
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")
    assert described["FailureReason"].endswith("ALARM state: errors")
    assert "PendingDeploymentSummary" not in described


async def test_an_alarm_in_the_termination_wait_rolls_back(host, updating, cloudwatch):
    await updating(blue_green("ALL_AT_ONCE", wait=0, termination=100) | ALARMS)
    host.call.advance(50)
    assert await host.share("c2", of=20) == 1.0
    trip(cloudwatch)
    host.call.advance(2)

    assert (await host.describe())["EndpointConfigName"] == "c1"
    assert await host.share("c1", of=20) == 1.0


@pytest.mark.parametrize(
    ("rollback", "want"),
    [(None, [0.0]), ({"Type": "CAPACITY_PERCENT", "Value": 40}, [0.6, 0.2, 0.0])],
    ids=["at-once", "in-batches"],
)
async def test_a_rolling_update_is_rolled_back_in_batches(host, updating, cloudwatch, rollback, want):
    policy = {"MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50}, "WaitIntervalInSeconds": 100}
    if rollback:
        policy["RollbackMaximumBatchSize"] = rollback
    await updating({"RollingUpdatePolicy": policy} | ALARMS)
    host.call.advance(150)
    trip(cloudwatch)
    shares = []
    for _ in want:
        host.call.advance(1)
        assert await host.status() == "RollingBack"
        shares.append(await host.share("c2"))
    host.call.advance(1)

    assert shares == [pytest.approx(each, abs=TOLERANCE) for each in want]
    described = await host.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")


@pytest.mark.parametrize("after", [0, 59, 61, 170, 350])
async def test_time_may_run_out_at_any_stage(host, variant_of, after):
    await host.serving(variants=[variant_of(InitialInstanceCount=10)])
    await host.config("c2", variants=[variant_of(InitialInstanceCount=10)])
    host.call.admin("POST", "endpoints/e1/outcome", seconds=600 - after)
    policy = blue_green("CANARY", wait=100, termination=3600, CanarySize=20)
    policy["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    await host.update("c2", DeploymentConfig=policy)
    host.call.advance(599)
    before = await host.status()
    host.call.advance(2)
    described = await host.describe()

    assert before == "Updating"
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")
    assert described["FailureReason"] == "The deployment exceeded MaximumExecutionTimeoutInSeconds"
    assert await host.share("c1", of=20) == 1.0


async def test_an_endpoint_in_maintenance_serves_and_is_left_alone(host, sagemaker):
    await host.serving()
    host.call.admin("POST", "endpoints/e1/maintain", seconds=60)
    error = await sagemaker.refused("UpdateEndpoint", EndpointName="e1", EndpointConfigName="c1")

    assert await host.status() == "SystemUpdating"
    assert "Cannot update in-progress endpoint" in error.message
    assert await host.share("c1", of=5) == 1.0
    host.call.advance(60)
    assert await host.status() == "InService"
    assert host.call.admin("POST", "endpoints/none/maintain", seconds=60)[0] == 404


async def test_an_alarm_that_has_tripped_already_rolls_back_at_the_first_step(host, updating, cloudwatch):
    trip(cloudwatch)
    await updating(blue_green("CANARY", CanarySize=20) | ALARMS)

    assert await host.status() == "RollingBack"


async def test_without_an_alarm_a_deployment_goes_on(host, updating, cloudwatch):
    await updating(blue_green("CANARY", CanarySize=20) | ALARMS)
    host.call.advance(200)

    described = await host.describe()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c2")


async def test_the_next_update_forgets_the_last_failure(host, updating, cloudwatch):
    await updating(blue_green("CANARY", CanarySize=20) | ALARMS)
    trip(cloudwatch)
    host.call.advance(2)
    await host.update("c2")
    host.call.advance(60)
    described = await host.describe()

    assert (described["EndpointConfigName"], described.get("FailureReason")) == ("c2", None)


async def test_a_fleet_that_never_answers_leaves_the_old_one_serving(host, updating):
    host.call.admin("POST", "endpoints/e1/outcome", outcome="Failed", failure_reason="no ping")
    await updating()
    assert await host.share("c1", of=20) == 1.0
    host.call.advance(1)
    described = await host.describe()

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")
    assert described["FailureReason"] == "no ping"


async def test_a_rollback_may_fail_too_and_the_next_update_resolves_it(host, updating):
    host.call.admin("POST", "endpoints/e1/outcome", outcome="UpdateRollbackFailed", failure_reason="broken")
    await updating()
    assert await host.status() == "UpdateRollbackFailed"
    assert await host.share("c1", of=20) == 1.0
    host.call.admin("POST", "endpoints/e1/outcome", outcome="InService")
    await host.update("c2")
    host.call.advance(60)

    assert await host.status() == "InService"


async def test_a_deployment_that_takes_too_long_rolls_back(host, updating):
    policy = blue_green("CANARY", wait=3600, CanarySize=20)
    policy["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    await updating(policy)
    host.call.advance(540)

    assert await host.status() == "RollingBack"


async def test_the_admin_api_can_fail_a_deployment(host, updating):
    await updating(blue_green("CANARY", CanarySize=20))
    host.call.admin("POST", "endpoints/e1/fail", reason="disk full")
    host.call.advance(1)

    assert (await host.describe())["FailureReason"] == "disk full"


async def test_a_deployment_config_can_be_kept_for_the_next_update(host, updating):
    policy = blue_green("CANARY", CanarySize=20)
    await updating(policy)
    host.call.advance(200)
    await host.config("c3")
    await host.update("c3", RetainDeploymentConfig=True)
    host.call.advance(60)

    described = await host.describe()
    assert (described["EndpointStatus"], described["LastDeploymentConfig"]) == ("Updating", policy)


@pytest.mark.parametrize(
    ("reason", "deployment", "want"),
    [
        ("a canary without size", blue_green("CANARY"), "CanarySize is required"),
        ("a size of another type", blue_green("ALL_AT_ONCE", CanarySize=10), "CanarySize is not allowed"),
        ("too large a canary", blue_green("CANARY", CanarySize=60), "between 0 and 50 percent"),
        ("too small a step", blue_green("LINEAR", LinearStepSize=5), "between 10 and 50 percent"),
        (
            "both policies",
            blue_green("ALL_AT_ONCE")
            | {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                    "WaitIntervalInSeconds": 0,
                }
            },
            "exclude each other",
        ),
        (
            "too large a batch",
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 6},
                    "WaitIntervalInSeconds": 0,
                }
            },
            "at most 50 %",
        ),
    ],
)
async def test_deployment_configs_that_do_not_fit_together(host, variant_of, reason, deployment, want):
    await host.serving(variants=[variant_of(InitialInstanceCount=10)])

    error = await host.call.refused(
        "UpdateEndpoint", EndpointName="e1", EndpointConfigName="c1", DeploymentConfig=deployment
    )

    assert error.code == "ValidationException"
    assert want in error.message, reason


async def test_ten_updates_under_a_stream_of_invocations_lose_none(host, updating):
    outcomes = []
    for number in range(10):
        name = f"roll-{number}"
        await host.config(name)
        await host.update(name, DeploymentConfig=blue_green("LINEAR", wait=5, LinearStepSize=50))
        for _ in range(80):
            host.call.advance(1)
            outcomes.append((await host.invoke()).status)
        assert (await host.describe())["EndpointConfigName"] == name

    assert set(outcomes) == {200}
