"""The gateway and the local SageMaker: what each failure there means here."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.core.job_failure import JobFailure, failure_class
from sagebridge.metrics import Metrics
from sagebridge.targets.sagemaker.gateway import AwsScope, Gateway, GatewaySettings
from sagebridge.targets.sagemaker.sessions import SessionSettings
from sagebridge_local.sagemaker.admin import AdminClient
from sagebridge_local.stack import Simulator
from support.aws import create_request
from support.forking import ForkServer

SCOPE = AwsScope(region="us-east-1")
NAME = {"TrainingJobName": "there"}
ABSENT = {"TrainingJobName": "absent"}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory, forked_simulator: ForkServer) -> Iterator[Simulator]:
    directory = tmp_path_factory.mktemp("local-sagemaker")
    started = Simulator.start(directory, arguments=["--lifecycle-only"], spawn=forked_simulator)
    yield started
    started.stop(grace=5)


@pytest.fixture
def admin(local: Simulator) -> AdminClient:
    admin = AdminClient(local.url)
    admin.reset()
    return admin


@pytest.fixture
async def make_gateway(
    local: Simulator, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[float], Gateway]]:
    for name, value in local.aws_environment.items():
        monkeypatch.setenv(name, value)
    made: list[Gateway] = []

    def make(read_timeout: float) -> Gateway:
        settings = GatewaySettings(threads=4, rates={}, session=SessionSettings(read_timeout=read_timeout))
        made.append(Gateway(settings=settings, metrics=Metrics(CollectorRegistry())))
        return made[-1]

    yield make
    for gateway in made:
        await gateway.close()


@pytest.fixture
async def gateway(make_gateway: Callable[[float], Gateway]) -> Gateway:
    return make_gateway(60.0)


async def call(gateway: Gateway, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    return await gateway.call(SCOPE, operation, request, namespace="team-a")


async def create(gateway: Gateway, name: str = "there", **members: Any) -> str:
    request = create_request(TrainingJobName=name, **members)
    request["AlgorithmSpecification"]["TrainingImage"] = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    return str((await call(gateway, "CreateTrainingJob", request))["TrainingJobArn"])


async def failing(gateway: Gateway, operation: str, request: dict[str, Any]) -> AwsError:
    with pytest.raises(AwsError) as caught:
        await call(gateway, operation, request)
    return caught.value


async def test_a_job_from_create_to_delete(gateway: Gateway, admin: AdminClient) -> None:
    arn = await create(gateway)
    assert (await call(gateway, "ListTags", {"ResourceArn": arn})).get("Tags") == []
    await call(gateway, "StopTrainingJob", NAME)
    admin.advance(600)
    assert (await call(gateway, "DescribeTrainingJob", NAME))["TrainingJobStatus"] == "Stopped"
    assert (await failing(gateway, "StopTrainingJob", NAME)).error_class is ErrorClass.CONFLICT
    await call(gateway, "DeleteTrainingJob", NAME)
    assert (await failing(gateway, "DescribeTrainingJob", NAME)).error_class is ErrorClass.NOT_FOUND


@dataclass(frozen=True)
class RefusedCase:
    reason: str
    operation: str
    request: dict[str, Any]
    want: ErrorClass
    code: str = "ValidationException"


@pytest.mark.parametrize(
    "case",
    [
        RefusedCase("describe what is absent", "DescribeTrainingJob", ABSENT, ErrorClass.NOT_FOUND),
        RefusedCase("stop what is absent", "StopTrainingJob", ABSENT, ErrorClass.NOT_FOUND),
        RefusedCase("delete what is absent", "DeleteTrainingJob", ABSENT, ErrorClass.NOT_FOUND),
        RefusedCase("delete what runs", "DeleteTrainingJob", NAME, ErrorClass.CONFLICT, "ResourceInUse"),
        RefusedCase(
            "create what is there", "CreateTrainingJob", create_request(**NAME), ErrorClass.CONFLICT, "ResourceInUse"
        ),
        RefusedCase(
            "a name that is none",
            "CreateTrainingJob",
            create_request(TrainingJobName="-no-"),
            ErrorClass.USER_ACTION,
        ),
        RefusedCase("a token that is none", "ListTrainingJobs", {"NextToken": "?"}, ErrorClass.USER_ACTION),
    ],
    ids=lambda case: case.reason,
)
async def test_what_is_refused(gateway: Gateway, case: RefusedCase) -> None:
    await create(gateway)
    error = await failing(gateway, case.operation, case.request)
    assert error.code == case.code
    assert error.error_class is case.want


@dataclass(frozen=True)
class FaultCase:
    reason: str
    kind: str
    code: str
    want: ErrorClass = ErrorClass.FAST_RETRY
    facts: dict[str, Any] = field(default_factory=dict)
    done: bool = False  # whether the job is there nevertheless


@pytest.mark.parametrize(
    "case",
    [
        FaultCase("throttled", "throttle", "ThrottlingException"),
        FaultCase("AWS's own fault", "server-error", "InternalFailure"),
        FaultCase("denied", "access-denied", "AccessDeniedException", want=ErrorClass.USER_ACTION),
        FaultCase(
            "no quota",
            "error",
            "ResourceLimitExceeded",
            want=ErrorClass.SLOW_RETRY,
            facts={"code": "ResourceLimitExceeded", "message": "The account-level service limit is 0 Instances"},
        ),
        FaultCase("the connection is cut", "drop", "ConnectionError"),
        FaultCase("the reply is lost", "lost-reply", "ConnectionError", done=True),
        FaultCase("the reply is a page", "malformed", "MalformedReply", done=True),
    ],
    ids=lambda case: case.reason,
)
async def test_a_create_that_goes_wrong_is_made_once(gateway: Gateway, admin: AdminClient, case: FaultCase) -> None:
    """And when it is tried again, a job that was made after all is found and not made twice."""
    admin.fault(case.kind, operation="CreateTrainingJob", count=1, **case.facts)
    error = await failing(gateway, "CreateTrainingJob", create_request(**NAME))
    assert (error.code, error.error_class) == (case.code, case.want)
    assert admin.count("CreateTrainingJob") == 1
    if case.done:
        again = await failing(gateway, "CreateTrainingJob", create_request(**NAME))
        assert again.error_class is ErrorClass.CONFLICT
    else:
        await create(gateway)
    assert len(admin.jobs()) == 1


async def test_a_reply_that_comes_too_late(make_gateway: Callable[[float], Gateway], admin: AdminClient) -> None:
    gateway = make_gateway(0.5)
    admin.fault("slow", operation="CreateTrainingJob", seconds=3)
    error = await failing(gateway, "CreateTrainingJob", create_request(**NAME))
    assert (error.code, error.error_class) == ("Timeout", ErrorClass.FAST_RETRY)
    assert "whether it was done is not known yet" in error.message
    # It is done in the end; and not in the middle of the next test.
    while not admin.jobs():  # noqa: ASYNC110 - another process is polled
        await asyncio.sleep(0.1)


async def test_a_job_without_capacity_says_so(gateway: Gateway, admin: AdminClient) -> None:
    admin.fault("capacity", operation="CreateTrainingJob", count=1)
    await create(gateway)
    admin.advance(7200)
    described = await call(gateway, "DescribeTrainingJob", NAME)
    assert failure_class(described["FailureReason"]) is JobFailure.CAPACITY_ERROR
