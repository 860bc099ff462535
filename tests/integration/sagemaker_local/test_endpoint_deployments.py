"""Endpoints that are changed while they answer, called through boto3 as users do."""

import threading
from datetime import UTC, datetime, timedelta

from support.waiting import eventually

from .studio import BUCKET, IMAGE


def test_weights_move_traffic_without_a_deployment(studio):
    for word in ("a", "b"):
        studio.model(word)
    studio.deploy(studio.config("c", studio.variant("a"), studio.variant("b")))
    changes = [{"VariantName": "a", "DesiredWeight": 0.0}]
    studio.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=studio.endpoint_name, DesiredWeightsAndCapacities=changes
    )
    described = studio.settled()

    assert [each["CurrentWeight"] for each in described["ProductionVariants"]] == [0.0, 1.0]
    assert {studio.ask() for _ in range(20)} == {"b:x"}


def test_a_canary_that_trips_an_alarm_is_rolled_back_and_nobody_notices(studio, running):
    for word in ("good", "bad"):
        studio.model(word)
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 10}
    studio.deploy(studio.config("c1", studio.variant("good", **variant)))
    cloudwatch, alarm = running.client("cloudwatch"), f"{studio.prefix}-errors"
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Invocation5XXErrors",
        Namespace="AWS/SageMaker",
        Period=60,
        Statistic="Sum",
        Threshold=1.0,
    )
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    studio.update(studio.config("c2", studio.variant("bad", **variant)), DeploymentConfig=policy)
    eventually(lambda: studio.ask() == "bad:x", what="an answer of the canary")
    cloudwatch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="too many errors")
    described = studio.settled()

    assert described["EndpointConfigName"] == f"{studio.prefix}-c1"
    assert alarm in described["FailureReason"]
    assert {studio.ask() for _ in range(20)} == {"good:x"}


def test_a_canary_whose_model_fails_is_rolled_back_by_itself(studio, running):
    for word in ("good", "broken"):
        studio.model(word)
    variant = {"VariantName": "AllTraffic", "InitialInstanceCount": 10}
    studio.deploy(studio.config("c1", studio.variant("good", **variant)))
    cloudwatch, alarm = running.client("cloudwatch"), f"{studio.prefix}-errors"
    dimensions = {"EndpointName": studio.endpoint_name, "VariantName": "AllTraffic"}
    cloudwatch.put_metric_alarm(
        AlarmName=alarm,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        Threshold=2.0,
        TreatMissingData="notBreaching",
    )
    cloudwatch.put_composite_alarm(AlarmName=f"{alarm}-too", AlarmRule=f'ALARM("{alarm}")')
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 600, "CanarySize": size}
    policy = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }
    studio.update(studio.config("c2", studio.variant("broken", **variant)), DeploymentConfig=policy)
    errors = []

    def is_over():
        try:
            assert studio.ask() == "good:x"
        except studio.runtime.exceptions.ModelError:
            errors.append(1)
        described = studio.sagemaker.describe_endpoint(EndpointName=studio.endpoint_name)
        return described["EndpointStatus"] != "Updating"

    eventually(is_over, what="a rollback")
    described = studio.settled()

    assert len(errors) >= 3
    assert described["EndpointConfigName"] == f"{studio.prefix}-c1"
    assert described["FailureReason"].endswith(f"ALARM state: {alarm}")
    assert cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "ALARM"
    assert cloudwatch.describe_alarms(AlarmNames=[f"{alarm}-too"])["CompositeAlarms"][0]["StateValue"] == "ALARM"
    assert _total(cloudwatch, "Invocation5XXErrors", dimensions) == len(errors)
    assert {studio.ask() for _ in range(20)} == {"good:x"}


def _total(cloudwatch, metric, dimensions):
    now = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])


def test_a_fleet_that_can_not_start_leaves_the_old_one_serving(studio):
    studio.model("good")
    studio.model("none", PrimaryContainer={"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/none/model.tar.gz"})
    studio.deploy(studio.config("c1", studio.variant("good")))
    studio.update(studio.config("c2", studio.variant("none")))
    described = studio.settled()

    assert described["EndpointConfigName"] == f"{studio.prefix}-c1"
    assert described["FailureReason"].startswith("Failed to download model data")
    assert studio.ask() == "good:x"


def test_updates_under_a_stream_of_invocations_lose_none(studio):
    words = [f"w{number}" for number in range(4)]
    for word in words:
        studio.model(word)
    studio.deploy(studio.config("c0", studio.variant(words[0], VariantName="AllTraffic")))
    answers, over = [], threading.Event()

    def ask_on_and_on():
        client = studio.simulator.client("sagemaker-runtime")
        while not over.is_set():
            try:
                reply = client.invoke_endpoint(EndpointName=studio.endpoint_name, Body="x", ContentType="text/csv")
                answers.append(reply["Body"].read().decode())
            except Exception as error:  # noqa: BLE001  whatever it is, it is what the test looks for
                answers.append(repr(error))

    callers = [threading.Thread(target=ask_on_and_on) for _ in range(2)]
    for caller in callers:
        caller.start()
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "LINEAR", "WaitIntervalInSeconds": 1, "LinearStepSize": size}
    policy = {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}
    for word in words[1:]:
        studio.update(studio.config(word, studio.variant(word, VariantName="AllTraffic")), DeploymentConfig=policy)
        assert studio.settled()["EndpointConfigName"] == f"{studio.prefix}-{word}"
    over.set()
    for caller in callers:
        caller.join()

    assert set(answers) == {f"{word}:x" for word in words}
