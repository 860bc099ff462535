"""A local SageMaker in this process, over a clock that only the test moves."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from sagebridge_local.sagemaker import admin_api
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings

START = 1_800_000_000.0


class CallError(Exception):
    """A reply that is an error."""

    def __init__(self, *, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass
class Caller:
    """Calls the service as an account does in a region."""

    service: LocalSageMaker
    access_key: str = "local"
    region: str = "us-east-1"

    async def __call__(self, operation: str, **request: Any) -> dict[str, Any]:
        scope = f"{self.access_key}/20270115/{self.region}/sagemaker/aws4_request"
        authorization = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        body = json.dumps(request).encode()
        answer = await self.service.answer(operation=operation, body=body, authorization=authorization)
        if answer.reply is None:
            raise ConnectionError("closed without a reply")
        reply = json.loads(answer.reply.body)
        if answer.reply.status != 200:
            message = reply.get("message", reply.get("Message"))
            raise CallError(code=reply["__type"], message=message, status=answer.reply.status)
        return reply

    async def refused(self, operation: str, **request: Any) -> CallError:
        """The error that a request gets."""
        with pytest.raises(CallError) as caught:
            await self(operation, **request)
        return caught.value

    async def create(self, name: str, **changes: Any) -> str:
        """Create a training job and return its ARN."""
        return (await self("CreateTrainingJob", **training_request(name, **changes)))["TrainingJobArn"]

    async def describe(self, name: str) -> dict[str, Any]:
        return await self("DescribeTrainingJob", TrainingJobName=name)

    def advance(self, seconds: float) -> None:
        self.service.scheduler.advance(seconds)

    def admin(self, method: str, path: str, query: str = "", **content: Any) -> tuple[int, Any]:
        body = json.dumps(content).encode()
        return admin_api.respond(
            self.service, method=method, path=f"/_sagebridge/{path}", query_string=query, body=body
        )


def training_request(name: str, **changes: Any) -> dict[str, Any]:
    request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "image:1", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/output"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    return {name: value for name, value in (request | changes).items() if value is not None}


@pytest.fixture
def make_caller():
    """Makes a caller of a service with the given settings."""

    def make(**settings: Any) -> Caller:
        service = LocalSageMaker(ServerSettings(lifecycle_only=True, **settings), clock=ManualClock(START))
        return Caller(service)

    return make


@pytest.fixture
def sagemaker(make_caller) -> Caller:
    """A caller of a service with default settings."""
    return make_caller()


@pytest.fixture
def request_of():
    """Makes a CreateTrainingJob request; members that are None are left out."""
    return training_request


@pytest.fixture
def start() -> float:
    """The instant at which the test's clock begins."""
    return START


ROLE = "arn:aws:iam::123456789012:role/serving"


@dataclass
class Host:
    """Makes models, configurations and endpoints as a caller, and invokes them."""

    call: Caller

    async def model(self, name: str = "m1", **changes: Any) -> str:
        request = {"PrimaryContainer": {"Image": "image:1", "ModelDataUrl": "s3://bucket/model.tar.gz"}}
        request |= {"ModelName": name, "ExecutionRoleArn": ROLE} | changes
        kept = {member: value for member, value in request.items() if value is not None}
        return (await self.call("CreateModel", **kept))["ModelArn"]

    async def config(self, name: str = "c1", *, variants: list[dict[str, Any]] | None = None, **members: Any) -> str:
        request = {"EndpointConfigName": name, "ProductionVariants": variants or [variant()], **members}
        return (await self.call("CreateEndpointConfig", **request))["EndpointConfigArn"]

    async def endpoint(self, name: str = "e1", *, config: str = "c1", **members: Any) -> str:
        request = {"EndpointName": name, "EndpointConfigName": config, **members}
        return (await self.call("CreateEndpoint", **request))["EndpointArn"]

    async def serving(self, name: str = "e1", **config: Any) -> None:
        """A model, a configuration, and an endpoint that is InService."""
        await self.model()
        await self.config(**config)
        await self.endpoint(name)
        self.call.advance(60)

    async def update(self, config: str, *, name: str = "e1", **members: Any) -> dict[str, Any]:
        return await self.call("UpdateEndpoint", EndpointName=name, EndpointConfigName=config, **members)

    async def describe(self, name: str = "e1") -> dict[str, Any]:
        return await self.call("DescribeEndpoint", EndpointName=name)

    async def status(self, name: str = "e1") -> str:
        return (await self.describe(name))["EndpointStatus"]

    async def invoke(self, name: str = "e1", *, operation: str = "InvokeEndpoint", body: bytes = b"", **headers: str):
        scope = f"{self.call.access_key}/20270115/{self.call.region}/sagemaker/aws4_request"
        sent = {f"x-amzn-sagemaker-{key.replace('_', '-')}": value for key, value in headers.items()}
        sent["authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        invocations = self.call.service.invocations
        return await invocations.answer(operation=operation, name=name, headers=sent, body=body)

    async def share(self, config: str, *, of: int = 400) -> float:
        """The share of some invocations that a configuration's fleet took; every one of them must be answered."""
        replies = [await self.invoke() for _ in range(of)]
        assert {reply.status for reply in replies} == {200}
        return sum(json.loads(reply.body)["EndpointConfigName"] == config for reply in replies) / of


def variant(name: str = "AllTraffic", **changes: Any) -> dict[str, Any]:
    wanted = {
        "VariantName": name,
        "ModelName": "m1",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
    } | changes
    return {member: value for member, value in wanted.items() if value is not None}


@pytest.fixture
def host(sagemaker) -> Host:
    """Makes endpoints and their parts."""
    return Host(sagemaker)


@pytest.fixture
def variant_of():
    """Makes a ProductionVariant; members that are None are left out."""
    return variant
