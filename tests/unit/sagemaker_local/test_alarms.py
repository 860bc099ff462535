"""Endpoints' metrics in moto's CloudWatch, and alarms that follow them."""

import json
from datetime import UTC, datetime

import boto3
import pytest
from moto import mock_aws
from sagebridge_local.sagemaker.cloudwatch import moto
from sagebridge_local.serving.records import Invocation

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
DIMENSIONS = [{"Name": "EndpointName", "Value": "e1"}, {"Name": "VariantName", "Value": "AllTraffic"}]


@pytest.fixture
def cloudwatch(host):
    """moto's CloudWatch with the metrics of the test's service."""
    with mock_aws():
        moto.publish(host.call.service.metrics)
        yield boto3.client("cloudwatch", **KEYS)
        moto.withdraw(host.call.service.metrics)


@pytest.fixture
def answers(host, monkeypatch):
    """Let the configurations of these names answer with a status."""
    statuses = {}

    async def invoke(fleet, variant, request):
        status = statuses.get(fleet._fleet.config_name, 200)
        text = json.dumps({"EndpointConfigName": fleet._fleet.config_name})
        return Invocation(status=status, body=text.encode(), content_type="application/json")

    monkeypatch.setattr("sagebridge_local.sagemaker.endpoints.hosting.ScriptedFleet.invoke", invoke)
    return statuses


def alarm(cloudwatch, **changes):
    wanted = {
        "AlarmName": "errors",
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocation5XXErrors",
        "Dimensions": DIMENSIONS,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 2.0,
        "TreatMissingData": "notBreaching",
    } | changes
    cloudwatch.put_metric_alarm(**{name: value for name, value in wanted.items() if value is not None})


def state(cloudwatch, name="errors"):
    found = cloudwatch.describe_alarms(AlarmNames=[name])
    return (found["MetricAlarms"] or found["CompositeAlarms"])[0]["StateValue"]


async def ask(host, times=1):
    for _ in range(times):
        await host.invoke()


async def test_invocations_are_measured(host, variant_of, cloudwatch, answers, start):
    await host.serving(variants=[variant_of(InitialInstanceCount=4)])
    await ask(host, 3)
    answers["c1"] = 500
    await ask(host)
    answers["c1"] = 400
    await ask(host, 2)

    def total(metric):
        begin, end = (datetime.fromtimestamp(start + seconds, UTC) for seconds in (0, 600))
        found = cloudwatch.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=metric,
            Dimensions=DIMENSIONS,
            StartTime=begin,
            EndTime=end,
            Period=60,
            Statistics=["Sum", "SampleCount"],
        )
        [point] = found["Datapoints"]
        return point["Sum"], point["SampleCount"]

    assert total("Invocations") == (6, 6)
    assert total("InvocationsPerInstance") == (1.5, 6)
    assert total("Invocation4XXErrors") == (2, 6)
    assert total("Invocation5XXErrors") == (1, 6)
    assert total("InvocationModelErrors") == (3, 6)
    assert total("ModelLatency")[1] == total("OverheadLatency")[1] == 6


async def test_no_answer_at_all_counts_as_a_servers_error(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch, Threshold=0.0)
    answers["c1"] = 0
    await ask(host)
    host.call.advance(10)

    assert state(cloudwatch) == "ALARM"


async def test_metrics_are_listed_with_their_dimensions(host, cloudwatch, answers):
    await host.serving()
    await ask(host)

    listed = cloudwatch.list_metrics(Namespace="AWS/SageMaker", MetricName="Invocations")["Metrics"]

    assert [sorted(each["Dimensions"], key=lambda each: each["Name"]) for each in listed] == [DIMENSIONS]


async def test_an_alarm_trips_as_soon_as_its_period_can_not_end_otherwise(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch)
    answers["c1"] = 500
    await ask(host, 2)
    host.call.advance(10)
    before = state(cloudwatch)
    await ask(host)
    host.call.advance(10)

    assert (before, state(cloudwatch)) == ("OK", "ALARM")


async def test_it_calms_down_when_its_errors_are_over(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch)
    answers["c1"] = 500
    await ask(host, 3)
    host.call.advance(10)
    answers["c1"] = 200
    for _ in range(20):
        await ask(host)
        host.call.advance(10)

    assert state(cloudwatch) == "OK"


async def test_an_average_waits_for_the_periods_end(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch, Statistic="Average", Threshold=0.5)
    answers["c1"] = 500
    await ask(host, 3)
    host.call.advance(50)
    before = state(cloudwatch)
    host.call.advance(20)

    assert (before, state(cloudwatch)) == ("OK", "ALARM")


async def test_an_alarm_without_data_says_so(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch, TreatMissingData=None, Dimensions=[])
    await ask(host)
    host.call.advance(10)

    assert state(cloudwatch) == "INSUFFICIENT_DATA"


async def test_two_of_three_periods(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch, EvaluationPeriods=3, DatapointsToAlarm=2)
    seen = []
    for status in (500, 200, 500):
        answers["c1"] = status
        await ask(host, 3)
        host.call.advance(10)
        seen.append(state(cloudwatch))
        host.call.advance(50)

    assert seen == ["OK", "OK", "ALARM"]


async def test_a_percentile_of_the_latency(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch, MetricName="ModelLatency", Statistic=None, ExtendedStatistic="p90", Threshold=0.0, Period=60)
    await ask(host, 3)
    host.call.advance(70)

    assert state(cloudwatch) == "ALARM"


async def test_metric_math_gives_a_rate(host, cloudwatch, answers):
    await host.serving()

    def query(name, metric):
        found = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": DIMENSIONS}
        return {"Id": name, "MetricStat": {"Metric": found, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
        Threshold=20.0,
        Metrics=[
            query("bad", "Invocation5XXErrors"),
            query("all", "Invocations"),
            {"Id": "rate", "Expression": "100 * bad / all", "ReturnData": True},
        ],
    )
    await ask(host, 3)
    host.call.advance(70)
    before = state(cloudwatch)
    await ask(host, 3)
    answers["c1"] = 500
    await ask(host)
    host.call.advance(70)

    assert (before, state(cloudwatch)) == ("OK", "ALARM")


async def test_a_composite_alarm_follows_its_children(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch)
    cloudwatch.put_composite_alarm(AlarmName="any", AlarmRule='ALARM("errors") OR ALARM("other")')
    await ask(host)
    host.call.advance(10)
    before = state(cloudwatch, "any")
    answers["c1"] = 500
    await ask(host, 3)
    host.call.advance(10)

    assert (before, state(cloudwatch, "any")) == ("OK", "ALARM")


async def test_users_own_metrics_count_too(host, cloudwatch, answers, start):
    await host.serving()
    alarm(cloudwatch, Namespace="Mine", MetricName="Drift", Dimensions=[], Threshold=0.5)
    now = datetime.fromtimestamp(start + 60, UTC)
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "Drift", "Value": 1.0, "Timestamp": now}])
    await ask(host)
    host.call.advance(10)

    assert state(cloudwatch) == "ALARM"


async def test_a_state_that_was_set_by_hand_stays_until_the_metric_says_something_new(host, cloudwatch, answers):
    await host.serving()
    alarm(cloudwatch)
    await ask(host)
    host.call.advance(10)
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a drill")
    await ask(host)
    host.call.advance(60)
    drill = state(cloudwatch)
    answers["c1"] = 500
    await ask(host, 3)
    host.call.advance(10)
    answers["c1"] = 200
    for _ in range(20):
        await ask(host)
        host.call.advance(10)

    assert (drill, state(cloudwatch)) == ("ALARM", "OK")


@pytest.mark.parametrize("stage", ["CANARY", "LINEAR", "ROLLING"])
async def test_a_deployment_whose_model_fails_is_rolled_back_by_itself(host, variant_of, cloudwatch, answers, stage):
    await host.serving(variants=[variant_of(InitialInstanceCount=4)])
    await host.config("c2", variants=[variant_of(InitialInstanceCount=4)])
    alarm(cloudwatch)
    answers["c2"] = 500
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    sizes = {"CANARY": {"CanarySize": size}, "LINEAR": {"LinearStepSize": size}}
    if stage == "ROLLING":
        policy = {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 600}}
    else:
        routing = {"Type": stage, "WaitIntervalInSeconds": 600, **sizes[stage]}
        policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    watched = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    await host.update("c2", DeploymentConfig=policy | watched)
    host.call.advance(60)
    statuses = set()
    for _ in range(20):
        statuses.add((await host.invoke()).status)
        host.call.advance(1)
    described = await host.describe()

    assert statuses == {200, 424}
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")
    assert described["FailureReason"].endswith("ALARM state: errors")
    assert {(await host.invoke()).status for _ in range(20)} == {200}


async def test_without_invocations_nothing_is_evaluated_for_ever(host, cloudwatch, answers):
    await host.serving()
    await ask(host)
    host.call.advance(4 * 3600)

    assert host.call.service.scheduler.next_due() is None
