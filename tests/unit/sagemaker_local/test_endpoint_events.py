"""Changes of an endpoint's status as EventBridge events."""

import json

import pytest
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings


class Sink:
    """Keeps what it is told."""

    def __init__(self):
        self.entries = []

    def put(self, entry, *, account, region):
        self.entries.append(entry)

    def close(self):
        pass


STATUS, STAGE = "SageMaker Endpoint State Change", "SageMaker Endpoint Deployment State Change"


@pytest.fixture
def sink(host, start):
    made = Sink()
    host.call.service = LocalSageMaker(ServerSettings(lifecycle_only=True), clock=ManualClock(start), events=made)
    return made


def details(sink, kind):
    return [json.loads(entry["Detail"]) for entry in sink.entries if entry["DetailType"] == kind]


async def test_each_change_of_status_is_an_event(host, sink, start):
    await host.serving(Tags=[])

    told = details(sink, STATUS)
    assert [detail["EndpointStatus"] for detail in told] == ["CREATING", "IN_SERVICE"]
    assert sink.entries[0]["Resources"] == ["arn:aws:sagemaker:us-east-1:123456789012:endpoint/e1"]
    assert told[0]["CreationTime"] == str(round(start * 1000))
    assert told[0]["Tags"] == {}


async def test_each_stage_of_a_deployment_is_an_event(host, sink, variant_of, start):
    await host.serving(variants=[variant_of(InitialInstanceCount=4)])
    await host.config("c2", variants=[variant_of(InitialInstanceCount=4)])
    sink.entries.clear()
    size = {"Type": "CAPACITY_PERCENT", "Value": 25}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 100, "CanarySize": size}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 60}
    await host.update("c2", DeploymentConfig={"BlueGreenUpdatePolicy": policy})
    host.call.advance(320)

    told = details(sink, STAGE)
    pending = [detail["PendingDeploymentSummary"]["ProductionVariants"][0] for detail in told]
    statuses = [variant["VariantStatus"][0] for variant in pending]
    assert [(status["Status"], status["StatusMessage"]) for status in statuses] == [
        ("Creating", "Launching 4 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on canary capacity of 1 instance(s)."),
        ("Baking", "Baking for 100 seconds with traffic enabled on canary capacity of 1 instance(s)."),
        ("ActivatingTraffic", "Activating traffic on full capacity of 4 instance(s)."),
        ("Baking", "Baking for 100 seconds with traffic enabled on full capacity of 4 instance(s)."),
        (
            "Baking",
            "Baking for 60 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 4 instance(s).",
        ),
    ]
    assert [variant["CurrentInstanceCount"] for variant in pending] == [0, 1, 1, 4, 4, 4]
    assert {(detail["EndpointStatus"], detail["EndpointConfigName"]) for detail in told} == {("UPDATING", "c1")}
    assert statuses[2]["StartTime"] == round((start + 60 + 60) * 1000)
    assert await host.status() == "InService"


async def test_a_rescaling_is_told_as_a_deployment(host, sink, sagemaker):
    await host.serving()
    sink.entries.clear()
    changes = [{"VariantName": "AllTraffic", "DesiredInstanceCount": 6}]
    await host.call("UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes)
    host.call.advance(30)

    [told] = details(sink, STAGE)
    [variant] = told["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 6)
    [status] = variant["VariantStatus"]
    assert (status["Status"], status["StatusMessage"]) == ("Updating", "Scaling out desired instance count to 6.")
    assert [detail["EndpointStatus"] for detail in details(sink, STATUS)] == ["UPDATING", "IN_SERVICE"]
    assert "VariantStatus" not in (await host.describe())["ProductionVariants"][0]
