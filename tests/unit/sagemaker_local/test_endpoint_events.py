"""Changes of an endpoint's status as EventBridge events."""

import json

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


async def test_each_change_of_status_is_an_event(host, start):
    sink = Sink()
    host.call.service = LocalSageMaker(ServerSettings(lifecycle_only=True), clock=ManualClock(start), events=sink)
    await host.serving(Tags=[])

    details = [json.loads(entry["Detail"]) for entry in sink.entries]
    assert [detail["EndpointStatus"] for detail in details] == ["CREATING", "IN_SERVICE"]
    assert {entry["DetailType"] for entry in sink.entries} == {"SageMaker Endpoint State Change"}
    assert sink.entries[0]["Resources"] == ["arn:aws:sagemaker:us-east-1:123456789012:endpoint/e1"]
    assert details[0]["CreationTime"] == str(round(start * 1000))
    assert details[0]["Tags"] == {}
