"""What the API server may answer, and what the client makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import kopf
import pytest
from aiohttp import ClientTimeout, web
from sagebridge.kube import client as module
from sagebridge.kube.client import KubeClient
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.slots import Urgency

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[..., Awaitable[KubeClient]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve every request by one handler; a client for it."""
    runners: list[web.AppRunner] = []
    clients: list[KubeClient] = []

    async def start(handler: Handler, **options: int) -> KubeClient:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"

        async def log_in() -> kopf.ConnectionInfo:
            return kopf.ConnectionInfo(server=url, token="t")

        clients.append(KubeClient(login=log_in, **options))
        return clients[-1]

    yield start
    for client in clients:
        await client.close()
    for runner in runners:
        await runner.cleanup()


def always(response: Callable[[], web.StreamResponse]) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        return response()

    return handler


@pytest.mark.parametrize(
    ("reason", "status", "error"),
    [
        ("gone", 404, NotFoundError),
        ("changed meanwhile", 409, ConflictError),
        ("invalid", 422, RefusedError),
        ("forbidden", 403, RefusedError),
        ("a list that has expired", 410, RefusedError),
        ("too many requests", 429, KubeError),
        ("a request that took too long", 408, KubeError),
        ("not accepted, new credentials or not", 401, KubeError),
        ("a server that breaks", 500, KubeError),
        ("a server that starts", 503, KubeError),
        ("a gateway before it", 504, KubeError),
    ],
)
async def test_statuses(serve: Serve, reason: str, status: int, error: type[KubeError]) -> None:
    client = await serve(always(lambda: web.json_response({"message": "the server's words"}, status=status)))
    with pytest.raises(KubeError) as raised:
        await client.get("/api/v1/things")
    assert type(raised.value) is error, reason
    assert raised.value.status == status
    assert str(raised.value) == "GET /api/v1/things: the server's words"


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("a page of a proxy", b"<html>502</html>"),
        ("half an object", b'{"kind": "Thing"'),
        ("no object", b"[1, 2]"),
        ("nothing", b""),
        ("bytes that are no text", b"\xff\xfe\x00"),
    ],
)
@pytest.mark.parametrize("status", [200, 500])
async def test_malformed_replies(serve: Serve, reason: str, body: bytes, status: int) -> None:
    client = await serve(always(lambda: web.Response(body=body, status=status, content_type="application/json")))
    with pytest.raises(KubeError) as raised:
        await client.get("/x")
    assert type(raised.value) is KubeError, reason


async def test_a_closed_connection(serve: Serve) -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    client = await serve(drop)
    with pytest.raises(KubeError) as raised:
        await client.patch("/x", {})
    assert raised.value.status is None


async def test_nobody_there() -> None:
    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server="http://127.0.0.1:9")

    client = KubeClient(login=log_in)
    with pytest.raises(KubeError):
        await client.get("/x")
    await client.close()


async def test_a_reply_that_never_comes(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT", ClientTimeout(total=0.1))

    async def hang(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    client = await serve(hang)
    with pytest.raises(KubeError, match=r"GET /x: \w+"):
        await client.get("/x")


async def test_a_list_has_all_pages(serve: Serve) -> None:
    pages = {"": (["a", "b"], "more"), "more": (["c"], "")}

    async def page(request: web.Request) -> web.StreamResponse:
        names, token = pages[request.query["continue"]]
        return web.json_response({"items": [{"name": name} for name in names], "metadata": {"continue": token}})

    client = await serve(page)
    assert [item["name"] async for item in client.list("/x")] == ["a", "b", "c"]


async def test_patches_are_merge_patches(serve: Serve) -> None:
    async def echo(request: web.Request) -> web.StreamResponse:
        return web.json_response({"type": request.content_type, "body": await request.json(), "how": request.method})

    client = await serve(echo)
    assert await client.patch("/x", {"a": None}) == {
        "type": "application/merge-patch+json",
        "body": {"a": None},
        "how": "PATCH",
    }


async def test_a_crowd_waits_at_home_work_first_and_who_must_not_wait_does_not(serve: Serve) -> None:
    arrived: list[str] = []
    doors = asyncio.Event()

    async def hold(request: web.Request) -> web.StreamResponse:
        arrived.append(request.path)
        if request.path == "/first":
            await doors.wait()
        return web.json_response({})

    client = await serve(hold, writes=1)
    crowd = [asyncio.create_task(client.patch("/first", {}, urgency=Urgency.WORK))]
    while not arrived:  # noqa: ASYNC110 - the server is watched from outside
        await asyncio.sleep(0.01)
    crowd.append(asyncio.create_task(client.create("/told", {}, urgency=Urgency.WORD)))
    crowd.append(asyncio.create_task(client.replace("/work", {}, urgency=Urgency.WORK)))
    crowd.append(asyncio.create_task(client.delete("/gone", uid="u", urgency=Urgency.WORK)))
    await client.replace("/lease", {})
    doors.set()
    await asyncio.gather(*crowd)
    assert arrived == ["/first", "/lease", "/work", "/gone", "/told"]


@pytest.mark.parametrize("status", [200, 404, 409])
async def test_a_deletion_is_of_one_object_only(serve: Serve, status: int) -> None:
    """One that is gone, or whose name another has by now, is deleted already."""
    asked: list[object] = []

    async def delete(request: web.Request) -> web.StreamResponse:
        asked.append(await request.json())
        return web.json_response({}, status=status)

    client = await serve(delete)
    await client.delete("/x", uid="u")
    assert asked == [{"preconditions": {"uid": "u"}, "propagationPolicy": "Background"}]


async def test_a_refused_deletion_is_an_error(serve: Serve) -> None:
    client = await serve(always(lambda: web.json_response({"message": "no"}, status=403)))
    with pytest.raises(RefusedError, match="no"):
        await client.delete("/x", uid="u")
