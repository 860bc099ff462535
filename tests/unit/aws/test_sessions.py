"""Whose credentials calls are made with, and how many clients are kept."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.targets.sagemaker.gateway import AwsScope, Gateway
from sagebridge.targets.sagemaker.sessions import (
    Sessions,
    SessionSettings,
    assume_role_request,
    session_name,
)
from support.aws import SCOPE, Reply, ScriptedAws, assumed, describe, error, ok, until

ROLE = "arn:aws:iam::444455556666:role/sagebridge-team-a"
TENANT = AwsScope(region="us-east-1", assume_role_arn=ROLE, external_id="team-a-7f3", session_name="sagebridge-team-a")


def sts_error(code: str, message: str, status: int) -> Reply:
    return Reply(
        status=status,
        body=(
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
            f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        ),
    )


def operations(aws: ScriptedAws) -> list[str]:
    return [request.operation for request in aws.requests]


async def test_a_tenants_role_is_assumed_with_its_external_id(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(assumed("ASIATENANT"), ok(Tags=[]))
    await describe(gateway, scope=TENANT)
    assume, call = aws.requests
    assert assume.form["RoleArn"] == ROLE
    assert assume.form["ExternalId"] == "team-a-7f3"
    assert assume.form["RoleSessionName"] == "sagebridge-team-a"
    assert "AKIAOPERATOR" in assume.headers["authorization"]
    assert "ASIATENANT" in call.headers["authorization"]
    assert call.headers["x-amz-security-token"] == "token-ASIATENANT"


async def test_a_role_is_assumed_once_for_all_regions_and_services(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(assumed("ASIATENANT"), ok(Tags=[]))
    for region in ("us-east-1", "eu-west-1"):
        await describe(gateway, scope=AwsScope(**{**fields(TENANT), "region": region}))
    assert operations(aws) == ["AssumeRole", "ListTags", "ListTags"]


def fields(scope: AwsScope) -> dict[str, object]:
    return {name: getattr(scope, name) for name in AwsScope.__slots__}


async def test_another_external_id_is_another_session(aws: ScriptedAws, gateway: Gateway) -> None:
    """Else the second tenant would work with what the first one's id had opened."""
    aws.script = lambda request: assumed("ASIA") if request.operation == "AssumeRole" else ok(Tags=[])
    await describe(gateway, scope=TENANT)
    await describe(gateway, scope=AwsScope(**{**fields(TENANT), "external_id": "team-b-1c9"}))
    assert operations(aws) == ["AssumeRole", "ListTags"] * 2
    assert aws.requests[2].form["ExternalId"] == "team-b-1c9"


async def test_credentials_about_to_expire_are_renewed(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(
        assumed("ASIAFIRST", lasting=timedelta(minutes=5)), ok(Tags=[]), assumed("ASIASECOND"), ok(Tags=[]), ok(Tags=[])
    )
    for _ in range(3):
        await describe(gateway, scope=TENANT)
    assert operations(aws) == ["AssumeRole", "ListTags", "AssumeRole", "ListTags", "ListTags"]
    assert "ASIASECOND" in aws.requests[-1].headers["authorization"]


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId"])
async def test_credentials_that_aws_no_longer_accepts_are_fetched_anew(
    aws: ScriptedAws, gateway: Gateway, code: str
) -> None:
    aws.replies(assumed("ASIAFIRST"), error(code), assumed("ASIASECOND"), ok(Tags=[]))
    with pytest.raises(AwsError) as caught:
        await describe(gateway, scope=TENANT)
    assert caught.value.code == code
    await until(lambda: gateway._sessions.known(TENANT, "sagemaker") is None)
    await describe(gateway, scope=TENANT)
    assert operations(aws) == ["AssumeRole", "ListTags", "AssumeRole", "ListTags"]


async def test_a_role_that_may_not_be_assumed(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(sts_error("AccessDenied", "User x is not authorized to perform: sts:AssumeRole", 403))
    with pytest.raises(AwsError) as caught:
        await describe(gateway, scope=TENANT)
    assert caught.value.operation == "AssumeRole"
    assert caught.value.error_class is ErrorClass.USER_ACTION
    assert "external id" in caught.value.advice
    counted = gateway._metrics.registry.get_sample_value(
        "sagebridge_aws_calls_total", {"operation": "AssumeRole", "code": "AccessDenied"}
    )
    assert counted == 1


async def test_sts_being_busy_is_not_the_tenants_fault(aws: ScriptedAws, gateway: Gateway) -> None:
    aws.replies(sts_error("Throttling", "Rate exceeded", 400), assumed("ASIATENANT"), ok(Tags=[]))
    with pytest.raises(AwsError) as caught:
        await describe(gateway, scope=TENANT)
    assert caught.value.error_class is ErrorClass.FAST_RETRY
    assert await describe(gateway, scope=TENANT) == {"Tags": []}


async def test_many_calls_at_once_assume_the_role_once(aws: ScriptedAws, make_gateway: Callable[..., Gateway]) -> None:
    aws.script = lambda request: assumed("ASIA") if request.operation == "AssumeRole" else ok(Tags=[])
    gateway = make_gateway()
    await asyncio.gather(*(describe(gateway, scope=TENANT) for _ in range(20)))
    assert operations(aws).count("AssumeRole") == 1


def test_the_request_to_assume_a_role() -> None:
    scope = AwsScope(
        region="us-east-1",
        assume_role_arn=ROLE,
        session_name="sagebridge team/a",
        session_tags=(("sagebridge:namespace", "team-a"),),
    )
    assert assume_role_request(scope) == {
        "RoleArn": ROLE,
        "RoleSessionName": "sagebridge-team-a",
        "Tags": [{"Key": "sagebridge:namespace", "Value": "team-a"}],
    }


@pytest.mark.parametrize(
    ("text", "want"),
    [("sagebridge", "sagebridge"), ("a b:c/d", "a-b-c-d"), ("x" * 80, "x" * 64), ("a", "a-"), ("", "--"), ("é", "--")],
)
def test_session_names_are_what_sts_takes(text: str, want: str) -> None:
    assert session_name(text) == want


@pytest.mark.usefixtures("aws")
async def test_the_least_recently_used_client_goes() -> None:
    sessions = Sessions(SessionSettings(clients=2))
    scopes = [AwsScope(region=region) for region in ("us-east-1", "eu-west-1", "ap-south-1")]
    first = sessions.client(scopes[0], "sts")
    sessions.client(scopes[1], "sts")
    assert sessions.client(scopes[0], "sts") is first
    sessions.client(scopes[2], "sts")
    assert sessions.known(scopes[0], "sts") is first
    assert sessions.known(scopes[1], "sts") is None


@pytest.mark.usefixtures("aws")
async def test_threads_that_ask_together_get_one_client() -> None:
    sessions = Sessions(SessionSettings())
    start = threading.Barrier(8)

    def ask(_: int) -> object:
        start.wait()
        return sessions.client(SCOPE, "sts")

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1


@pytest.mark.usefixtures("aws")
async def test_the_sdk_neither_repeats_nor_keeps_fewer_connections_than_threads() -> None:
    client = Sessions(SessionSettings(connections=17, connect_timeout=1.5, read_timeout=2.5)).client(SCOPE, "sagemaker")
    assert client.meta.config.retries["total_max_attempts"] == 1
    assert client.meta.config.max_pool_connections == 17
    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (1.5, 2.5)


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Sets what the SDK is told: its config file, which would run a program for credentials, and its environment."""
    for name in (*ALL, *OWN, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def write(config: str = "", **environment: str) -> None:
        (tmp_path / "config").write_text(f"[default]\ncredential_process = touch {tmp_path / 'asked'}\n{config}")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return write


RUNTIME = "sagemaker-runtime"
OWN = {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": "http://runtime"}
ALL = {"AWS_ENDPOINT_URL": "http://all"}
NONE = {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
SERVICES = "services = local\n[services local]\nsagemaker_runtime =\n  endpoint_url = http://of-services\n"
AWS_ITSELF = "https://runtime.sagemaker.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("reason", "config", "environment", "want"),
    [
        ("AWS itself", "", {}, AWS_ITSELF),
        ("all services", "", ALL, "http://all"),
        ("the service's own first", "", ALL | OWN, "http://runtime"),
        ("another service's", "", {"AWS_ENDPOINT_URL_SAGEMAKER": "http://other"}, AWS_ITSELF),
        ("set, and not to be used", "", ALL | OWN | NONE, AWS_ITSELF),
        ("the config file's", "endpoint_url = http://of-file", {}, "http://of-file"),
        ("the config file's for the service", SERVICES, {}, "http://of-services"),
        ("the environment's before the file's", "endpoint_url = http://of-file", ALL, "http://all"),
        ("FIPS", "use_fips_endpoint = true", {}, "https://runtime-fips.sagemaker.eu-west-1.amazonaws.com"),
    ],
)
def test_where_the_sdk_is_told_to_call_a_service(
    configure: Callable[..., None], tmp_path: Path, reason: str, config: str, environment: dict[str, str], want: str
) -> None:
    configure(config, **environment)
    sessions = Sessions(SessionSettings())
    assert sessions.known_url("eu-west-1", RUNTIME) is None
    assert sessions.url("eu-west-1", RUNTIME) == sessions.known_url("eu-west-1", RUNTIME) == want, reason
    assert sessions.known(AwsScope(region="eu-west-1"), RUNTIME) is None, "no client is kept for it"
    assert not (tmp_path / "asked").exists(), "it needs no credentials"


@pytest.mark.parametrize(
    ("region", "want"),
    [
        ("cn-north-1", "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "https://runtime.sagemaker.us-gov-west-1.amazonaws.com"),
        ("us-iso-east-1", "https://runtime.sagemaker.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", "https://runtime.sagemaker.us-isob-east-1.sc2s.sgov.gov"),
        ("eusc-de-east-1", "https://runtime.sagemaker.eusc-de-east-1.amazonaws.eu"),
    ],
)
async def test_every_partition_has_its_own(
    configure: Callable[..., None], make_gateway: Callable[..., Gateway], region: str, want: str
) -> None:
    gateway = make_gateway()
    configure(**NONE)
    assert [await gateway.url(region, RUNTIME) for _ in range(2)] == [want, want]


@pytest.mark.parametrize(
    ("reason", "region", "environment", "message"),
    [
        ("no region", "moon", {}, "'moon' is not the name of an AWS region"),
        ("no URL", "eu-west-1", {"AWS_ENDPOINT_URL": "nowhere"}, "Invalid endpoint: nowhere"),
    ],
)
async def test_what_has_no_url_is_told(
    configure: Callable[..., None],
    make_gateway: Callable[..., Gateway],
    reason: str,
    region: str,
    environment: dict[str, str],
    message: str,
) -> None:
    gateway = make_gateway()
    configure(**environment)
    with pytest.raises(AwsError, match=message) as caught:
        await gateway.url(region, RUNTIME)
    assert caught.value.error_class is ErrorClass.USER_ACTION, reason
