"""The client against a small API server: credentials that run out, and a way to new ones that is closed for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import kopf
import pytest
from aiohttp import web
from sagebridge.kube import client as client_module
from sagebridge.kube.client import _WATCH_TIMEOUT, KubeClient
from sagebridge.kube.errors import KubeError, NotFoundError


class ApiServer:
    """Takes one token, and can hold its replies back."""

    def __init__(self) -> None:
        self.url = ""
        self.token = "first"
        self.go_on = asyncio.Event()
        self.go_on.set()
        self.waiting = 0
        self.streams = 0
        self.hang_up = asyncio.Event()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"message": "Unauthorized"}, status=401)
        if request.path == "/stream":
            return await self.stream(request)
        if request.path == "/gone":
            return web.json_response({"message": "no such pod"}, status=404)
        self.waiting += 1
        await self.go_on.wait()
        return web.json_response({"path": request.path})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Says one thing, and then nothing, until the test is over."""
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"type": "BOOKMARK"}\n')
        self.streams += 1
        await self.hang_up.wait()
        assert request.transport is not None
        request.transport.close()
        return response


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
    api.hang_up.set()
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


async def test_in_plain_http_no_certificates_are_read(server: ApiServer) -> None:
    """There is nothing to verify, and to read those of the system takes longer than the request."""

    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=server.url, token="first", ca_path="/not/there")

    client = KubeClient(login=log_in)
    assert await client.get("/one") == {"path": "/one"}
    await client.close()


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


@pytest.mark.parametrize("what", ["watch", "log"])
async def test_streams_leave_the_connections_to_the_requests(
    server: ApiServer, connect: Callable[..., KubeClient], what: str
) -> None:
    client = connect(tokens=["first"], connections=1)

    async def follow() -> None:
        if what == "watch":
            async for _ in client.watch("/stream", selector="", resource_version="1"):
                pass
        else:
            async for _ in client.stream("/stream", parameters={}):
                pass

    tasks = [asyncio.create_task(follow()) for _ in range(5)]
    while server.streams < len(tasks):  # noqa: ASYNC110 - the server is watched from outside
        await asyncio.sleep(0.01)
    assert await client.get("/one") == {"path": "/one"}

    server.hang_up.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends] == [KubeError] * 5, "a stream that breaks off has not ended"


async def test_a_stream_of_what_is_not_there(server: ApiServer, connect: Callable[..., KubeClient]) -> None:
    client = connect(tokens=["first"])
    with pytest.raises(NotFoundError, match="no such pod"):
        await anext(client.stream("/gone", parameters={}))
    assert await client.get("/one") == {"path": "/one"}


async def test_new_credentials_after_a_stream_was_refused(
    server: ApiServer, connect: Callable[..., KubeClient]
) -> None:
    server.token = "second"
    client = connect(tokens=["first", "second"])
    with pytest.raises(KubeError, match="Unauthorized"):
        await anext(client.stream("/stream", parameters={}))
    assert await client.get("/one") == {"path": "/one"}


def test_a_watch_that_is_silent_for_two_bookmarks_is_given_up() -> None:
    """A bookmark comes each minute, and a quarter later at most."""
    assert 75 < (_WATCH_TIMEOUT.sock_read or 0) <= 120


async def test_a_watch_that_says_nothing_any_more_has_failed(
    server: ApiServer, connect: Callable[..., KubeClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "_WATCH_TIMEOUT", aiohttp.ClientTimeout(total=None, sock_read=0.5))
    events = connect(tokens=["first"]).watch("/stream", selector="", resource_version="1")
    assert await anext(events) == {"type": "BOOKMARK"}
    with pytest.raises(KubeError, match="WATCH /stream"):
        await anext(events)
