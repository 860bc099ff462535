"""Calls through the gateway: what is sent, how often, and what comes back when AWS misbehaves."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sagebridge import __version__
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.targets.sagemaker.buckets import UNLIMITED, Rate
from sagebridge.targets.sagemaker.gateway import DEFAULT_RATES, AwsScope, Gateway, rates_from
from support.aws import (
    ARN,
    SCOPE,
    Reply,
    ScriptedAws,
    assumed,
    create,
    create_request,
    created,
    describe,
    error,
    identity,
    ok,
    until,
)


def value(gateway: Gateway, name: str, **labels: str) -> float:
    found = gateway._metrics.registry.get_sample_value(name, labels)
    return 0.0 if found is None else found


async def test_a_call_and_its_reply(aws: ScriptedAws, gateway: Gateway) -> None:
    assert await create(gateway) == {"TrainingJobArn": ARN}
    (request,) = aws.requests
    assert request.operation == "CreateTrainingJob"
    assert request.json["TrainingJobName"] == "x"
    assert f"sagebridge/{__version__}" in request.headers["user-agent"]
    assert "AKIAOPERATOR" in request.headers["authorization"]


@dataclass(frozen=True)
class FailureCase:
    reason: str
    reply: Reply
    code: str
    want: ErrorClass
    says: str = ""


FAILURES = [
    FailureCase("throttled", error("ThrottlingException"), "ThrottlingException", ErrorClass.FAST_RETRY),
    FailureCase(
        "a code with its namespace",
        error("com.amazonaws.sagemaker#ResourceInUse"),
        "ResourceInUse",
        ErrorClass.CONFLICT,
    ),
    FailureCase("AWS's own fault", error("InternalFailure", status=500), "InternalFailure", ErrorClass.FAST_RETRY),
    FailureCase("a load balancer's page", Reply(status=503, body="<html>busy</html>"), "503", ErrorClass.FAST_RETRY),
    FailureCase("a proxy's page", Reply(status=502, body="Bad Gateway"), "502", ErrorClass.FAST_RETRY),
    FailureCase("an error without a body", Reply(status=500), "500", ErrorClass.FAST_RETRY),
    FailureCase("refused by a firewall", Reply(status=403, body="<html>no</html>"), "403", ErrorClass.USER_ACTION),
    FailureCase(
        "a page instead of a reply",
        Reply(body="<html>hello</html>"),
        "MalformedReply",
        ErrorClass.FAST_RETRY,
        "not known",
    ),
    FailureCase("half a reply", Reply(body='{"TrainingJobArn": "ar'), "MalformedReply", ErrorClass.FAST_RETRY),
    FailureCase("an empty reply", Reply(), "MalformedReply", ErrorClass.FAST_RETRY, "lacks TrainingJobArn"),
    FailureCase("a reply without the ARN", ok(), "MalformedReply", ErrorClass.FAST_RETRY, "lacks TrainingJobArn"),
    FailureCase("null for the ARN", ok(TrainingJobArn=None), "MalformedReply", ErrorClass.FAST_RETRY),
    FailureCase("a list instead of an object", Reply(body="[1, 2]"), "MalformedReply", ErrorClass.FAST_RETRY),
    FailureCase("a number instead of an object", Reply(body="7"), "MalformedReply", ErrorClass.FAST_RETRY),
    FailureCase("bytes that are no text", Reply(body=b"\xff\xfe\x00"), "MalformedReply", ErrorClass.FAST_RETRY),
    FailureCase("the connection is cut", Reply(drop=True), "ConnectionError", ErrorClass.FAST_RETRY, "not known yet"),
]


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.reason)
async def test_a_failure_is_told_once_and_not_repeated(aws: ScriptedAws, gateway: Gateway, case: FailureCase) -> None:
    """The SDK must not repeat a Create: its first try may have been done."""
    aws.replies(case.reply)
    with pytest.raises(AwsError) as caught:
        await create(gateway)
    assert caught.value.code == case.code
    assert caught.value.error_class is case.want
    assert caught.value.operation == "CreateTrainingJob"
    assert case.says in caught.value.message
    assert len(aws.requests) == 1
    assert value(gateway, "sagebridge_aws_calls_total", operation="CreateTrainingJob", code=case.code) == 1


@pytest.mark.parametrize(
    "body", ['{"TrainingJobSummaries": "x"}', '{"TrainingJobSummaries": [{"CreationTime": "soon"}]}']
)
async def test_a_reply_of_the_wrong_shape(aws: ScriptedAws, gateway: Gateway, body: str) -> None:
    aws.replies(Reply(body=body))
    with pytest.raises(AwsError) as caught:
        await gateway.call(SCOPE, "ListTrainingJobs", {}, namespace="team-a")
    assert caught.value.code == "MalformedReply"
    assert "not known" not in caught.value.message


async def test_no_reply_in_time(aws: ScriptedAws, make_gateway: Callable[..., Gateway]) -> None:
    aws.replies(Reply(hang=True))
    with pytest.raises(AwsError) as caught:
        await create(make_gateway(read_timeout=0.1))
    assert caught.value.code == "Timeout"
    assert caught.value.error_class is ErrorClass.FAST_RETRY
    assert "whether it was done is not known yet" in caught.value.message
    await until(lambda: len(aws.requests) > 0)
    assert len(aws.requests) == 1


async def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, gateway: Gateway) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(AwsError) as caught:
        await describe(gateway)
    assert caught.value.code == "ConnectionError"
    assert caught.value.message == "AWS can't be reached (connection refused)"


async def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch, gateway: Gateway) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://nowhere.invalid")
    with pytest.raises(AwsError) as caught:
        await describe(gateway)
    assert caught.value.code == "ConnectionError"
    assert "nowhere.invalid" not in caught.value.message


async def test_no_credentials(monkeypatch: pytest.MonkeyPatch, aws: ScriptedAws, gateway: Gateway) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(AwsError) as caught:
        await describe(gateway)
    assert caught.value.code == "NoCredentials"
    assert caught.value.error_class is ErrorClass.USER_ACTION
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALATER")
    aws.replies(ok(Tags=[]))
    gateway._executor.submit(lambda: None).result()
    assert await describe(gateway) == {"Tags": []}


@pytest.mark.parametrize("region", ["us-east-1.evil.example/#", "", "localhost:8080", "../x"])
async def test_a_region_never_becomes_another_host(aws: ScriptedAws, gateway: Gateway, region: str) -> None:
    with pytest.raises(AwsError, match="not the name of an AWS region") as caught:
        await describe(gateway, scope=AwsScope(region=region))
    assert caught.value.error_class is ErrorClass.USER_ACTION
    assert not aws.requests


async def test_a_request_that_the_sdk_refuses_is_told_without_its_values(aws: ScriptedAws, gateway: Gateway) -> None:
    with pytest.raises(AwsError) as caught:
        await create(gateway, Environment={"PASSWORD": ["hunter2"]})
    assert caught.value.error_class is ErrorClass.USER_ACTION
    assert "Environment.PASSWORD" in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert not aws.requests


async def test_aws_quoting_private_values_is_not_repeated(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(
        error("ValidationException", "1 validation error detected: Value '{A=hunter2}' at 'environment' failed")
    )
    with pytest.raises(AwsError) as caught:
        await create(gateway)
    assert "hunter2" not in str(caught.value)
    assert "at 'environment' failed" in caught.value.message


async def test_nothing_private_is_logged_at_any_level(
    aws: ScriptedAws, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await create(gateway, Environment={"PASSWORD": "hunter2"}, HyperParameters={"token": "hunter3"})
        aws.replies(error("ValidationException", "no", status=400))
        with pytest.raises(AwsError):
            await create(gateway, Environment={"PASSWORD": "hunter2"})
    assert "CreateTrainingJob" in caplog.text
    for private in ("hunter2", "hunter3", "operators-secret", "AKIAOPERATOR"):
        assert private not in caplog.text


class LostLeaseError(Exception):
    pass


def refuse() -> None:
    raise LostLeaseError


async def refuse_later() -> None:
    await asyncio.sleep(0)
    raise LostLeaseError


@pytest.mark.parametrize("hook", [refuse, refuse_later], ids=["sync", "async"])
async def test_without_the_lease_nothing_is_written(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway], hook: object
) -> None:
    gateway = make_gateway(rates={"CreateTrainingJob": Rate(per_second=0.001)})
    gateway.before_write = hook  # type: ignore[assignment]
    for _ in range(3):  # its token comes back each time
        with pytest.raises(LostLeaseError):
            await create(gateway)
    assert not aws.requests
    gateway.before_write = None
    await create(gateway)


async def test_reads_do_not_need_the_lease(aws: ScriptedAws, gateway: Gateway) -> None:
    gateway.before_write = refuse
    aws.replies(ok(Tags=[]))
    await describe(gateway)
    assert len(aws.requests) == 1


async def test_the_lease_is_checked_after_the_wait_for_a_token(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway]
) -> None:
    gateway = make_gateway(rates={"CreateTrainingJob": Rate(per_second=20.0)})
    await create(gateway)
    second = asyncio.create_task(create(gateway))
    await until(lambda: value(gateway, "sagebridge_aws_waiting", operation="CreateTrainingJob") == 1)
    gateway.before_write = refuse
    with pytest.raises(LostLeaseError):
        await second
    assert len(aws.requests) == 1


async def test_a_cancelled_wait_leaves_the_line_moving(aws: ScriptedAws, make_gateway: Callable[..., Gateway]) -> None:
    gateway = make_gateway(rates={"CreateTrainingJob": Rate(per_second=5.0)})
    await create(gateway)
    waiting = [asyncio.create_task(create(gateway)) for _ in range(6)]
    await until(lambda: value(gateway, "sagebridge_aws_waiting", operation="CreateTrainingJob") == 6)
    for task in waiting[::2]:
        task.cancel()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 3
    assert len(aws.requests) == 4
    assert value(gateway, "sagebridge_aws_waiting", operation="CreateTrainingJob") == 0


async def test_a_call_whose_caller_is_cancelled_is_not_in_flight_for_ever(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway]
) -> None:
    gateway = make_gateway(read_timeout=0.5)
    aws.replies(Reply(hang=True), created())
    task = asyncio.create_task(create(gateway))
    await until(lambda: len(aws.requests) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert value(gateway, "sagebridge_aws_in_flight") == 0
    assert await create(gateway) == {"TrainingJobArn": ARN}


async def test_throttling_slows_that_operation_down_alone(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway]
) -> None:
    gateway = make_gateway(rates={"CreateTrainingJob": Rate(per_second=100.0, utilization=1.0)})
    aws.replies(error("ThrottlingException", "Rate exceeded"))
    with pytest.raises(AwsError) as caught:
        await create(gateway)
    assert caught.value.is_throttle
    assert value(gateway, "sagebridge_aws_rate_limit", operation="CreateTrainingJob") == pytest.approx(90.0)
    assert value(gateway, "sagebridge_aws_throttles_total", operation="CreateTrainingJob") == 1
    assert value(gateway, "sagebridge_aws_throttles_total", operation="ListTags") == 0


async def test_accounts_and_regions_have_buckets_of_their_own(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway]
) -> None:
    """A token lasts 1000 seconds: a second call in the same bucket would never be made."""
    gateway = make_gateway(rates={"ListTags": Rate(per_second=0.001)})
    aws.script = lambda request: ok(Tags=[]) if request.operation == "ListTags" else assumed("ASIA")
    role = "arn:aws:iam::{}:role/r"
    for scope in (
        AwsScope(region="us-east-1"),
        AwsScope(region="eu-west-1"),
        AwsScope(region="us-east-1", assume_role_arn=role.format("444455556666")),
        AwsScope(region="us-east-1", assume_role_arn=role.format("777788889999")),
    ):
        await describe(gateway, scope=scope)
    assert sum(request.operation == "ListTags" for request in aws.requests) == 4


async def test_namespaces_take_turns(aws: ScriptedAws, make_gateway: Callable[..., Gateway]) -> None:
    gateway = make_gateway(rates={"CreateTrainingJob": Rate(per_second=200.0)})
    await create(gateway)

    async def create_for(namespace: str, name: str) -> None:
        request = create_request(TrainingJobName=name)
        await gateway.call(SCOPE, "CreateTrainingJob", request, namespace=namespace)

    flood = [asyncio.create_task(create_for("flood", f"flood-{number}")) for number in range(20)]
    await until(lambda: value(gateway, "sagebridge_aws_waiting", operation="CreateTrainingJob") >= 10)
    await create_for("quiet", "quiet-0")
    names = [request.json["TrainingJobName"] for request in aws.requests]
    assert len(names) < 20, "it did not wait for the flood to end"
    await asyncio.gather(*flood)
    assert len(aws.requests) == 22


async def test_the_account_is_asked_for_once(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(identity("111122223333"))
    found = await asyncio.gather(*(gateway.account_id(SCOPE, namespace="team-a") for _ in range(5)))
    assert found == ["111122223333"] * 5
    await gateway.account_id(AwsScope(region="eu-west-1"), namespace="team-b")
    assert len(aws.requests) == 1


async def test_an_account_that_could_not_be_asked_for_is_asked_for_again(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(Reply(status=503), identity("111122223333"))
    with pytest.raises(AwsError):
        await gateway.account_id(SCOPE, namespace="team-a")
    assert await gateway.account_id(SCOPE, namespace="team-a") == "111122223333"


async def test_calls_are_counted_and_timed(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(created(), error("ResourceInUse"))
    await create(gateway)
    with pytest.raises(AwsError):
        await create(gateway)
    operation = "CreateTrainingJob"
    assert value(gateway, "sagebridge_aws_calls_total", operation=operation, code="OK") == 1
    assert value(gateway, "sagebridge_aws_calls_total", operation=operation, code="ResourceInUse") == 1
    assert value(gateway, "sagebridge_aws_call_seconds_count", operation=operation) == 2
    assert value(gateway, "sagebridge_aws_wait_seconds_count", operation=operation) == 2
    assert value(gateway, "sagebridge_aws_in_flight") == 0


def test_settings_come_on_top_of_what_aws_publishes() -> None:
    rates = rates_from({"CreateTrainingJob": 5.0, "DescribeTrainingJob": 10.0, "ListTrainingJobs": 0})
    assert rates["CreateTrainingJob"].per_second == 5.0
    assert rates["DescribeTrainingJob"].per_second == 10.0
    assert rates["ListTrainingJobs"] == UNLIMITED
    assert rates["CreateProcessingJob"] == DEFAULT_RATES["CreateProcessingJob"]


async def test_an_account_that_becomes_known_opens_no_second_bucket(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway]
) -> None:
    """A token lasts 1000 seconds: the second call must wait, whatever was learnt in between."""
    gateway = make_gateway(rates={"CreateTrainingJob": Rate(per_second=0.001)})
    aws.replies(created(), identity("111122223333"), created())
    await create(gateway)
    await gateway.account_id(SCOPE, namespace="team-a")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await create(gateway)


async def test_leadership_is_asked_for_when_a_thread_is_free(
    aws: ScriptedAws, make_gateway: Callable[..., Gateway]
) -> None:
    """All threads wait for a slow AWS; the Lease is lost meanwhile. What comes next must not be sent."""
    gateway = make_gateway(read_timeout=1.0)
    is_held = True

    def check() -> None:
        if not is_held:
            raise RuntimeError("the Lease is lost")

    gateway.before_write = check
    aws.replies(Reply(hang=True))
    tasks = [asyncio.create_task(create(gateway)) for _ in range(9)]
    await until(lambda: len(aws.requests) == 8)
    is_held = False
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AwsError"] * 8 + ["RuntimeError"]
    assert len(aws.requests) == 8
