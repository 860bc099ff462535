"""The client against a small API server: credentials that run out, and a way to new ones that is closed for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import kopf
import pytest
from aiohttp import web
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import KubeError


class ApiServer:
    """Takes one token, and can hold its replies back."""

    def __init__(self) -> None:
        self.url = ""
        self.token = "first"
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.waiting = 0

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Unauthorized"}, status=401)
        self.waiting += 1
        await self.go_on.wait()
        return web.json_response({"path": request.path})


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    api = ApiServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", api.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield api
    await runner.cleanup()


@pytest.fixture
async def connect(server: ApiServer) -> AsyncIterator[Callable[..., KubeClient]]:
    made: list[KubeClient] = []

    def make(*, tokens: list[str | Exception], connections: int = 64) -> KubeClient:
        async def log_in() -> kopf.ConnectionInfo:
            token = tokens.pop(0)
            if isinstance(token, Exception):
                raise token
            return kopf.ConnectionInfo(server=server.url, token=token)

        made.append(KubeClient(login=log_in, connections=connections))
        return made[-1]

    yield make
    for client in made:
        await client.close()


async def test_new_credentials_when_the_old_have_run_out(server: ApiServer, connect: Callable[..., KubeClient]) -> None:
    client = connect(tokens=["first", "second"])
    await client.get("/one")
    server.token = "second"
    assert await client.get("/two") == {"path": "/two"}


async def test_requests_that_wait_for_a_connection_survive_new_credentials(
    server: ApiServer, connect: Callable[..., KubeClient]
) -> None:
    """Closing the old session would cancel them, and with them whoever asked."""
    client = connect(tokens=["first", "second"], connections=2)
    server.go_on.clear()
    requests = [asyncio.create_task(client.get(f"/{number}")) for number in range(2)]
    while server.waiting < 2:  # noqa: ASYNC110 - the server is watched from outside
        await asyncio.sleep(0.01)
    requests += [asyncio.create_task(client.get(f"/{number}")) for number in range(2, 20)]
    await asyncio.sleep(0.05)
    server.token = "second"
    server.go_on.set()
    replies = await asyncio.gather(*requests, return_exceptions=True)
    assert replies == [{"path": f"/{number}"} for number in range(20)]


@pytest.mark.parametrize("problem", [OSError("no such file"), kopf.LoginError("the plugin failed")], ids=str)
async def test_no_credentials_is_a_failure_like_others(connect: Callable[..., KubeClient], problem: Exception) -> None:
    client = connect(tokens=[problem, "first"])
    with pytest.raises(KubeError, match="No credentials for the API server"):
        await client.get("/one")
    assert await client.get("/two") == {"path": "/two"}, "it is tried again"


async def test_credentials_that_are_never_accepted(server: ApiServer, connect: Callable[..., KubeClient]) -> None:
    server.token = "none"
    client = connect(tokens=["first", "second"])
    with pytest.raises(KubeError, match="Unauthorized"):
        await client.get("/one")
