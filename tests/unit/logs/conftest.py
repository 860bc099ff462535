"""The log service before an API server and CloudWatch Logs in memory."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry
from sagebridge.core.tenancy import OperatorDefaults
from sagebridge.engine.inputs import InputResolver
from sagebridge.engine.store import Store
from sagebridge.engine.tenants import Tenants
from sagebridge.kinds import JOB_KINDS
from sagebridge.kube.errors import KubeError, NotFoundError
from sagebridge.logs.access import Access
from sagebridge.logs.following import Follower
from sagebridge.logs.jobs import Jobs
from sagebridge.logs.limits import Limits, OpenStreams
from sagebridge.logs.server import HTTP_OPTIONS, LogServer, Times
from sagebridge.logs.story import Pace, Stories
from sagebridge.metrics import Metrics
from support.memory_logs import MemoryLogs

GROUP = "/aws/sagemaker/TrainingJobs"
USER = "system:serviceaccount:team:runner"
TOKEN = "a-token-that-nobody-shows"
EXPIRED = "a-token-of-the-same-user-that-has-ended"
API_SERVER = "https://kubernetes.default.svc"
PATH = "/v1/namespaces/team/trainingjobs/digits/logs"
OBJECT = "/apis/sagebridge.io/v1alpha1/namespaces/team/trainingjobs/digits"


class Api:
    """What the log service asks the API server.

    Attributes:
        users: Who has a token.
        audiences: Whom tokens are meant for, where that is not the API server.
        is_unaware: Whether it does not say for whom, as a webhook may that knows no audiences.
        rights: Who may get what: the user's name, and the object's plural, namespace and name.
        objects: By their paths.
        reviews: How often it was asked for tokens and rights.
        is_away: Whether it answers nothing.
        answers: Set when it answers; what is asked before waits.
    """

    def __init__(self) -> None:
        user = {"username": USER, "groups": ["g"], "extra": {"k": ["v"]}}
        self.users: dict[str, dict[str, Any]] = {TOKEN: user, EXPIRED: user}
        self.audiences: dict[str, str] = {}
        self.is_unaware = False
        self.rights = {(USER, "trainingjobs", "team", "digits")}
        self.objects: dict[str, dict[str, Any]] = {}
        self.reviews: Counter[str] = Counter()
        self.is_away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Review a token, or somebody's rights."""
        await self.answers.wait()
        if self.is_away:
            raise KubeError("away")
        kind, spec = path.rpartition("/")[2], body["spec"]
        self.reviews[kind] += 1
        if kind == "tokenreviews":
            assert set(spec) <= {"token", "audiences"}
            user, audience = self.users.get(spec["token"]), self.audiences.get(spec["token"], API_SERVER)
            # Without audiences in the question, only tokens for the API server itself will do.
            if user is None or audience not in spec.get("audiences", [API_SERVER]):
                return {"status": {"error": "invalid bearer token"}}
            known = {} if self.is_unaware else {"audiences": [audience]}
            return {"status": {"authenticated": spec["token"] != EXPIRED, "user": user, **known}}
        asked = spec["resourceAttributes"]
        assert (asked["group"], asked["verb"]) == ("sagebridge.io", "get")
        assert spec["groups"] == ["g"]
        assert spec["extra"] == {"k": ["v"]}
        allowed = (spec["user"], asked["resource"], asked["namespace"], asked["name"]) in self.rights
        return {"status": {"allowed": allowed}}

    async def get(self, path: str) -> dict[str, Any]:
        """An object."""
        if path not in self.objects:
            raise NotFoundError(path, status=404)
        return self.objects[path]


def training_job(*attempts: dict[str, Any], over: str = "", **spec: Any) -> dict[str, Any]:
    """A TrainingJob with attempts, and the reason of its Ready condition if it is over."""
    conditions = [{"type": "Complete", "status": "True"}, {"type": "Ready", "status": "True", "reason": over}]
    return {
        "kind": "TrainingJob",
        "metadata": {
            "name": "digits",
            "namespace": "team",
            "uid": "u-1",
            "creationTimestamp": "1970-01-01T00:00:00Z",
        },
        "spec": {"trainingJobName": "train", **spec},
        "status": {"attempts": list(attempts), "conditions": conditions if over else []},
    }


def attempt(number: int = 1, **more: Any) -> dict[str, Any]:
    """An attempt of it: its job is called train, train-2 and so on."""
    arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/{number}"
    recorded = {"number": number, "arn": arn, "recordedAt": "1970-01-01T00:00:00Z", "region": "eu-west-1"}
    return recorded | more


class World:
    """The log service, and all that it asks.

    Attributes:
        api: The API server.
        logs: CloudWatch Logs.
        slept: The seconds that were slept, which are the clock too.
    """

    def __init__(self) -> None:
        self.api = Api()
        self.logs = MemoryLogs()
        self.slept = 0.0
        self.metrics = Metrics(CollectorRegistry())
        self.pace = Pace(clock=lambda: self.slept, sleep=self._sleep)
        tenants = Tenants(defaults=OperatorDefaults(region="eu-west-1"))
        api: Any = self.api
        caller: Any = self.logs
        inputs = InputResolver(
            client=api, store=Store(), tenants=tenants, cluster="c", now=lambda: datetime(2026, 1, 1, tzinfo=UTC)
        )
        self.jobs = Jobs(client=api, kinds=JOB_KINDS, inputs=inputs, caller=caller)
        self.access = Access(client=api, clock=lambda: self.slept)
        self.stories = Stories(pace=self.pace)
        self.follower = Follower(jobs=self.jobs, stories=self.stories, pace=self.pace)
        self.times = Times(keep_alive=0.05, clock=lambda: self.slept)
        self.limits = Limits(in_all=3, of_namespace=3, of_caller=2)
        self.start(training_job(attempt()))

    async def _sleep(self, seconds: float) -> None:
        self.slept += seconds
        await asyncio.sleep(0.002)

    def start(self, body: dict[str, Any]) -> None:
        """Let the object be this."""
        self.api.objects[OBJECT] = body

    def put(self, *lines: tuple[int, str], stream: str = "train/algo-1-1") -> None:
        """Let the job print lines."""
        self.logs.put(GROUP, stream, *lines)

    def server(self) -> LogServer:
        """The server."""
        return LogServer(
            access=self.access,
            jobs=self.jobs,
            follower=self.follower,
            streams=OpenStreams(limits=self.limits, metrics=self.metrics),
            metrics=self.metrics,
            times=self.times,
        )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def client(world: World) -> AsyncIterator[TestClient[Any, Any]]:
    server = TestServer(world.server().application())
    await server.start_server(**HTTP_OPTIONS)
    async with TestClient(server) as client:
        yield client


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def answered(client: TestClient[Any, Any], query: str = "", path: str = PATH) -> list[dict[str, str]]:
    """All that comes of a log."""
    async with client.get(path + query, headers=bearer()) as response:
        assert response.status == 200, await response.text()
        return [json.loads(line) for line in (await response.text()).split("\n") if line]


async def next_line(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The next line that is not empty."""
    while True:
        line = await response.content.readline()
        assert line, "the stream has ended"
        if line.strip():
            found: dict[str, str] = json.loads(line)
            return found


def messages(lines: list[dict[str, str]]) -> list[str]:
    return [line.get("message", "") or f"end: {line.get('end')}" for line in lines]
