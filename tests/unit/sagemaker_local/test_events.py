"""The shape of EventBridge events."""

import json

import pytest
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.events import entry
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings


class Told:
    """Keeps the entries that would be put."""

    def __init__(self):
        self.entries = []

    def changed(self, kind, job, at):
        self.entries.append(entry(kind, job, at))

    def close(self):
        pass


@pytest.fixture
async def told(sagemaker, start):
    sink = Told()
    caller = type(sagemaker)(LocalSageMaker(ServerSettings(lifecycle_only=True), clock=ManualClock(start), events=sink))
    await caller.create("job", Tags=[{"Key": "team", "Value": "vision"}])
    caller.advance(100)
    return sink.entries


async def test_each_change_of_state_is_an_event(told):
    details = [json.loads(each["Detail"]) for each in told]
    seen = list(dict.fromkeys((each["TrainingJobStatus"], each["SecondaryStatus"]) for each in details))
    assert seen == [
        ("InProgress", "Starting"),
        ("InProgress", "Downloading"),
        ("InProgress", "Training"),
        ("InProgress", "Uploading"),
        ("Completed", "Completed"),
    ]
    assert len(details) > len(seen), "a change may be told by several events"


async def test_the_envelope(told, start):
    last = {name: value for name, value in told[-1].items() if name != "Detail"}
    assert last == {
        "Source": "aws.sagemaker",
        "DetailType": "SageMaker Training Job State Change",
        "Time": start + 60,
        "Resources": ["arn:aws:sagemaker:us-east-1:123456789012:training-job/job"],
    }


async def test_the_detail_has_times_in_milliseconds_and_tags_as_a_map(told, start):
    detail = json.loads(told[-1]["Detail"])
    assert detail["CreationTime"] == str(int(start * 1000))
    assert detail["TrainingEndTime"] == str(int((start + 60) * 1000))
    assert detail["Tags"] == {"team": "vision"}
    assert detail["SecondaryStatusTransitions"][0]["StartTime"] == str(int(start * 1000))
    assert detail["TrainingJobName"] == "job"
    assert detail["StoppingCondition"] == {"MaxRuntimeInSeconds": 3600}
