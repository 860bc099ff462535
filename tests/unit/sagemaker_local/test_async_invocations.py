"""Asynchronous invocations: their queue, over the clock."""

import asyncio
import json

import pytest
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings
from sagebridge_local.serving.records import Invocation

OUTPUT = {"S3OutputPath": "s3://bucket/out", "S3FailurePath": "s3://bucket/failed"}
SUCCESS, ERROR = (f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("success", "error"))
TOPICS = {"SuccessTopic": SUCCESS, "ErrorTopic": ERROR}


class Outbox:
    """Keeps what is written and told."""

    def __init__(self):
        self.written, self.told = {}, []

    async def read(self, uri, *, account, region):
        return uri.encode(), "text/plain"

    async def write(self, uri, body, *, content_type, account, region):
        self.written[uri] = body

    async def publish(self, topic, message, *, account, region):
        self.told.append((topic, message))


class Model:
    """Answers when the test lets it."""

    def __init__(self):
        self.asked = []
        self.status, self.body = 200, b"done"
        self.go = asyncio.Event()

    async def invoke(self, _fleet, variant, request):
        self.asked.append(request)
        await self.go.wait()
        return Invocation(status=self.status, body=self.body, content_type="text/plain")


@pytest.fixture
def outbox(host, start):
    made = Outbox()
    host.call.service = LocalSageMaker(ServerSettings(lifecycle_only=True), clock=ManualClock(start), outbox=made)
    return made


@pytest.fixture
def model(monkeypatch):
    made = Model()

    async def invoke(fleet, variant, request):
        return await made.invoke(fleet, variant, request)

    monkeypatch.setattr("sagebridge_local.sagemaker.endpoints.hosting.ScriptedFleet.invoke", invoke)
    return made


def config(*, at_once=None, **topics):
    client = {"ClientConfig": {"MaxConcurrentInvocationsPerInstance": at_once}} if at_once else {}
    return {"AsyncInferenceConfig": {"OutputConfig": OUTPUT | {"NotificationConfig": TOPICS | topics}, **client}}


async def ask(host, **options):
    reply = await host.invoke(operation="InvokeEndpointAsync", inputlocation="s3://bucket/in", **options)
    await settle()
    return reply


async def settle():
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("instances", "at_once", "want"), [(1, 1, 1), (1, 2, 2), (2, 2, 4), (1, None, 4)])
async def test_so_many_are_carried_out_at_once(host, variant_of, outbox, model, instances, at_once, want):
    await host.serving(variants=[variant_of(InitialInstanceCount=instances)], **config(at_once=at_once))
    for _ in range(6):
        await ask(host)

    assert len(model.asked) == want
    model.go.set()
    await settle()
    assert len(model.asked) == 6


async def scale(host, count):
    changes = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    await host.call("UpdateEndpointWeightsAndCapacities", EndpointName="e1", DesiredWeightsAndCapacities=changes)
    host.call.advance(30)
    await settle()


async def test_requests_wait_while_there_are_no_instances(host, outbox, model):
    model.go.set()
    await host.serving(**config())
    await scale(host, 0)
    for _ in range(3):
        await ask(host)
    asked = len(model.asked)
    await scale(host, 1)

    assert (asked, len(model.asked)) == (0, 3)
    assert {notice["invocationStatus"] for _, notice in outbox.told} == {"Completed"}


async def test_requests_that_wait_when_the_endpoint_goes_fail(host, outbox, model):
    await host.serving(**config())
    await scale(host, 0)
    await ask(host)
    await host.call("DeleteEndpoint", EndpointName="e1")
    host.call.advance(5)
    await settle()

    assert [notice["invocationStatus"] for _, notice in outbox.told] == ["Failed"]
    assert model.asked == []


async def test_an_update_changes_how_many(host, variant_of, outbox, model):
    await host.serving(**config(at_once=1))
    await host.config("c2", **config(at_once=3))
    await host.update("c2")
    host.call.advance(60)
    for _ in range(6):
        await ask(host)

    assert len(model.asked) == 3


async def test_an_endpoint_of_the_same_name_has_a_line_of_its_own(host, sagemaker, outbox, model):
    await host.serving(**config(at_once=1))
    await ask(host)
    await host.call("DeleteEndpoint", EndpointName="e1")
    host.call.advance(60)
    await host.endpoint()
    host.call.advance(60)
    await ask(host)

    assert len(model.asked) == 2


async def test_so_many_as_the_new_instances_take_begin(host, outbox, model):
    await host.serving(**config(at_once=2))
    await scale(host, 0)
    for _ in range(6):
        await ask(host)
    await scale(host, 2)

    assert len(model.asked) == 4


async def test_who_waits_when_a_fleet_is_replaced_asks_the_next_one(host, outbox, model):
    await host.serving(**config(at_once=1))
    for _ in range(4):
        await ask(host)
    await host.config("c2", **config(at_once=2))
    await host.update("c2")
    host.call.advance(60)
    await settle()

    assert len(model.asked) == 3


async def test_a_reset_forgets_what_waits(host, outbox, model):
    await host.serving(**config(at_once=1))
    for _ in range(2):
        await ask(host)
    host.call.admin("POST", "reset")
    await host.serving(**config(at_once=1))
    await ask(host, inference_id="new")
    model.go.set()
    await settle()

    assert len(model.asked) == 2
    assert [notice["inferenceId"] for _, notice in outbox.told] == ["new"]


async def test_one_that_waited_too_long_fails(host, outbox, model):
    await host.serving(**config(at_once=1))
    await ask(host)
    reply = await ask(host, requestttlseconds="60", inference_id="late")
    host.call.advance(61)
    model.go.set()
    await settle()

    assert len(model.asked) == 1
    failure = reply.headers["x-amzn-sagemaker-failurelocation"]
    assert outbox.written[failure] == b"The request waited longer than its 60 s to live"
    [(topic, notice)] = [each for each in outbox.told if each[1]["inferenceId"] == "late"]
    assert (topic, notice["invocationStatus"]) == (ERROR, "Failed")
    assert notice["responseParameters"] == {"failureLocation": failure}


async def test_without_a_time_to_live_six_hours_are_the_limit(host, outbox, model):
    await host.serving(**config(at_once=1))
    await ask(host)
    await ask(host)
    host.call.advance(21_600)
    model.go.set()
    await settle()

    assert len(model.asked) == 2


async def test_the_model_gets_the_time_that_was_asked_for(host, outbox, model):
    await host.serving(**config())
    await ask(host, invocationtimeoutseconds="7")
    await ask(host)

    assert [request.timeout_seconds for request in model.asked] == [7.0, 900.0]


async def test_the_result_lies_where_the_request_wants_it(host, outbox, model):
    await host.serving(**config())
    model.go.set()
    reply = await ask(host, s3outputpathextension="team/a", filename="one.out", inference_id="i-1")

    assert reply.headers["x-amzn-sagemaker-outputlocation"] == "s3://bucket/out/team/a/one.out"
    assert outbox.written == {"s3://bucket/out/team/a/one.out": b"done"}
    [(topic, notice)] = outbox.told
    assert (topic, notice["invocationStatus"], notice["inferenceId"]) == (SUCCESS, "Completed", "i-1")
    assert json.loads(reply.body) == {"InferenceId": "i-1"}


async def test_a_notice_says_what_was_asked_and_when(host, outbox, model, start):
    await host.serving(**config())
    await ask(host, content_type="text/csv", accept="text/plain", inference_id="i-1")
    host.call.advance(1.25)
    model.go.set()
    await settle()

    [(_, notice)] = outbox.told
    assert notice == {
        "awsRegion": "us-east-1",
        "receivedTime": "2027-01-15T08:01:00.000Z",
        "eventTime": "2027-01-15T08:01:01.250Z",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "text/plain",
            "contentType": "text/csv",
            "endpointName": "e1",
            "inputLocation": "s3://bucket/in",
        },
        "responseParameters": {"contentType": "text/plain", "outputLocation": next(iter(outbox.written))},
        "inferenceId": "i-1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }


@pytest.mark.parametrize(
    ("included", "status", "want"),
    [
        (["SUCCESS_NOTIFICATION_TOPIC"], 200, {"content": "ZG9uZQ==", "encoding": "BASE64"}),
        (["ERROR_NOTIFICATION_TOPIC"], 200, None),
        (["SUCCESS_NOTIFICATION_TOPIC"], 500, None),
    ],
)
async def test_the_response_is_included_where_it_is_asked_for(host, outbox, model, included, status, want):
    await host.serving(**config(IncludeInferenceResponseIn=included))
    model.status = status
    model.go.set()
    await ask(host)

    [(_, notice)] = outbox.told
    assert notice.get("responseBody") == want


async def test_a_failure_is_included_with_its_reason(host, outbox, model):
    await host.serving(**config(IncludeInferenceResponseIn=["ERROR_NOTIFICATION_TOPIC"]))
    model.status = 500
    model.go.set()
    await ask(host)

    [(_, notice)] = outbox.told
    assert notice["responseBody"] == {"content": notice["failureReason"]}


async def test_a_large_response_is_not_included(host, outbox, model):
    await host.serving(**config(IncludeInferenceResponseIn=["SUCCESS_NOTIFICATION_TOPIC"]))
    model.body = b"x" * (128 * 1024 + 1)
    model.go.set()
    await ask(host)

    [(_, notice)] = outbox.told
    assert "responseBody" not in notice


async def test_less_is_measured_of_them(host, outbox, model):
    await host.serving(**config())
    model.go.set()
    await ask(host)
    service = host.call.service
    [place] = service.metrics.places()
    names = {metric.name for metric, _, _ in service.metrics.everything(place)}

    assert names == {"Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors", "ModelLatency"}
