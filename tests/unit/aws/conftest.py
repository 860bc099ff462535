"""A gateway that calls a scripted AWS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sagebridge.metrics import Metrics
from sagebridge.targets.sagemaker.gateway import Gateway, GatewaySettings
from sagebridge.targets.sagemaker.sessions import SessionSettings
from support.aws import ScriptedAws
from support.endpoint_bench import EndpointBench, SmallSageMaker, endpoint_bench


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedAws]:
    scripted = ScriptedAws()
    handlers: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handlers.add(task)
        await scripted.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    scripted.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_MAX_ATTEMPTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", scripted.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOPERATOR")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "operators-secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield scripted
    server.close()
    for task in handlers:
        task.cancel()


@pytest.fixture
async def make_gateway(aws: ScriptedAws) -> AsyncIterator[Callable[..., Gateway]]:
    made: list[Gateway] = []

    def make(*, read_timeout: float = 30.0, **options: Any) -> Gateway:
        session = SessionSettings(connect_timeout=5.0, read_timeout=read_timeout, connections=8)
        settings = GatewaySettings(threads=8, session=session, **{"rates": {}, **options})
        made.append(Gateway(settings=settings, metrics=Metrics(CollectorRegistry())))
        return made[-1]

    yield make
    for gateway in made:
        await gateway.close()


@pytest.fixture
async def gateway(make_gateway: Callable[..., Gateway]) -> Gateway:
    return make_gateway()


@pytest.fixture
async def bench(aws: ScriptedAws, gateway: Gateway) -> AsyncIterator[EndpointBench]:
    sagemaker = SmallSageMaker()
    aws.script = sagemaker
    async with endpoint_bench(gateway=gateway, sagemaker=sagemaker) as made:
        yield made
