"""AWS as a scripted HTTP server: tests say what it replies, and look at what it was asked."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from sagebridge.targets.sagemaker.gateway import AwsScope, Gateway

ARN = "arn:aws:sagemaker:us-east-1:111122223333:training-job/x"
SCOPE = AwsScope(region="us-east-1")


@dataclass(frozen=True)
class Request:
    operation: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass(frozen=True)
class Reply:
    """An HTTP reply; `hang` never comes, `drop` closes the connection instead, `cut` does so in the middle of it."""

    status: int = 200
    body: str | bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drop: bool = False
    cut: bool = False


def ok(**members: Any) -> Reply:
    return Reply(body=json.dumps(members))


def created() -> Reply:
    return ok(TrainingJobArn=ARN)


def error(code: str, message: str = "no", status: int = 400) -> Reply:
    return Reply(status=status, body=json.dumps({"__type": code, "message": message}))


def identity(account: str) -> Reply:
    return Reply(
        body=(
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
            f"<Account>{account}</Account><Arn>a</Arn><UserId>u</UserId>"
            "</GetCallerIdentityResult></GetCallerIdentityResponse>"
        )
    )


def assumed(key: str, *, lasting: timedelta = timedelta(hours=1)) -> Reply:
    expiration = (datetime.now(UTC) + lasting).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Reply(
        body=(
            '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>'
            f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>token-{key}"
            f"</SessionToken><Expiration>{expiration}</Expiration>"
            "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )
    )


Script = Callable[[Request], Reply]


class ScriptedAws:
    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: Script = lambda request: created()
        self.url = ""

    def replies(self, *replies: Reply) -> None:
        """These in order; the last one for ever."""
        line = list(replies)
        self.script = lambda request: line.pop(0) if len(line) > 1 else line[0]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await self._read(reader):
                self.requests.append(request)
                if not await self._answer(self.script(request), writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Request | None:
        line = await reader.readline()
        if not line:
            return None
        headers: dict[str, str] = {}
        while (header := (await reader.readline()).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        target = headers.get("x-amz-target", "").rpartition(".")[2]
        operation = target or dict(parse_qsl(body.decode("latin-1"))).get("Action") or line.decode().split()[0]
        return Request(operation=operation, headers=headers, body=body)

    async def _answer(self, reply: Reply, writer: asyncio.StreamWriter) -> bool:
        if reply.hang:
            await asyncio.Event().wait()
        if reply.drop:
            return False
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        sent = body[: len(body) // 2] if reply.cut else body
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode() + sent)
        await writer.drain()
        return not reply.cut


async def describe(gateway: Gateway, *, namespace: str = "team-a", scope: AwsScope = SCOPE) -> dict[str, Any]:
    return await gateway.call(scope, "ListTags", {"ResourceArn": ARN}, namespace=namespace)


def create_request(**members: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": "x",
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/x"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        **members,
    }


async def create(gateway: Gateway, **members: Any) -> dict[str, Any]:
    return await gateway.call(SCOPE, "CreateTrainingJob", create_request(**members), namespace="team-a")


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something holds; the test's own time-out is the limit."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.001)
