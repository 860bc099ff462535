"""A collection followed against a small API server: what is asked for, what is handed on, and what is kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import kopf
import pytest
from aiohttp import web
from sagebridge.kube.client import KubeClient
from sagebridge.kube.reflector import Reflector, Selection

PATH = "/api/v1/pods"


def thing(name: str, version: int) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": str(version)}, "spec": {"large": "x" * 1000}}


class Collection:
    """Lists what it has, and then the events that it is given; then the stream ends."""

    def __init__(self) -> None:
        self.items = [thing("a", 1), thing("b", 2)]
        self.events: list[dict[str, Any]] = []
        self.told = asyncio.Event()
        self.asked: list[Mapping[str, str]] = []
        self.forbids_watch = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(dict(request.query))
        if self.forbids_watch and "watch" in request.query:
            return web.json_response({"message": "cannot watch"}, status=403)
        if "watch" not in request.query:
            return web.json_response({"metadata": {"resourceVersion": "5"}, "items": self.items})
        if self.told.is_set():
            await asyncio.Event().wait()
        response = web.StreamResponse()
        await response.prepare(request)
        for event in self.events:
            await response.write(json.dumps(event).encode() + b"\n")
        await response.write_eof()
        self.told.set()
        return response


@pytest.fixture
async def collection() -> AsyncIterator[tuple[Collection, KubeClient]]:
    made = Collection()
    application = web.Application()
    application.router.add_route("*", PATH, made.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()

    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=f"http://127.0.0.1:{runner.addresses[0][1]}")

    client = KubeClient(login=log_in)
    yield made, client
    await client.close()
    await runner.cleanup()


def name_and_version(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"metadata": dict(body["metadata"])}


async def test_only_what_is_worth_keeping_is_handed_on(collection: tuple[Collection, KubeClient]) -> None:
    server, client = collection
    server.events = [
        {"type": "MODIFIED", "object": thing("a", 6)},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "7"}}},
        {"type": "DELETED", "object": thing("b", 8)},
        {"type": "ADDED", "object": thing("c", 9)},
    ]
    seen: list[tuple[str, Mapping[str, Any]]] = []
    done = asyncio.Event()

    def put(body: Mapping[str, Any]) -> None:
        seen.append(("put", body))
        if body["metadata"]["name"] == "c":
            done.set()

    reflector = Reflector(
        client=client,
        path=PATH,
        selection=Selection(),
        put=put,
        remove=lambda body: seen.append(("remove", body)),
        keep=name_and_version,
    )
    running = asyncio.create_task(reflector.run())
    await done.wait()
    running.cancel()
    await asyncio.wait({running})

    assert [(kind, body["metadata"]["name"]) for kind, body in seen] == [
        ("put", "a"),
        ("put", "b"),
        ("put", "a"),
        ("remove", "b"),
        ("put", "c"),
    ]
    assert all(body.keys() == {"metadata"} for _, body in seen)


async def test_what_is_worth_nothing_is_not_handed_on(collection: tuple[Collection, KubeClient]) -> None:
    server, client = collection
    server.events = [
        {"type": "MODIFIED", "object": thing("b", 6)},
        {"type": "DELETED", "object": thing("b", 7)},
        {"type": "DELETED", "object": thing("a", 8)},
    ]
    seen: list[tuple[str, str]] = []
    done = asyncio.Event()

    def remove(body: Mapping[str, Any]) -> None:
        seen.append(("remove", body["metadata"]["name"]))
        done.set()

    reflector = Reflector(
        client=client,
        path=PATH,
        selection=Selection(fields="reason!=Scheduled", has_bookmarks=False),
        put=lambda body: seen.append(("put", body["metadata"]["name"])),
        remove=remove,
        keep=lambda body: None if body["metadata"]["name"] == "b" else body,
    )
    running = asyncio.create_task(reflector.run())
    await done.wait()
    running.cancel()
    await asyncio.wait({running})

    assert seen == [("put", "a"), ("remove", "a")]
    assert {asked["fieldSelector"] for asked in server.asked} == {"reason!=Scheduled"}
    [watch] = [asked for asked in server.asked if "watch" in asked][:1]
    assert int(watch["timeoutSeconds"]) < 120, "the connection is given up after so long without a word"


@pytest.mark.parametrize(
    ("is_needed", "pauses", "complaints", "because"),
    [
        (True, [1, 2, 5, 10, 10, 10], 6, "what is needed is missed each time"),
        (False, [1, 2, 5, 10, 60, 60], 1, "of what is of use only, once will do"),
    ],
)
async def test_what_may_not_be_followed_is_missed(
    collection: tuple[Collection, KubeClient],
    caplog: pytest.LogCaptureFixture,
    is_needed: bool,
    pauses: list[float],
    complaints: int,
    because: str,
) -> None:
    server, client = collection
    server.forbids_watch = True
    seen: list[str] = []
    paused: list[float] = []
    done = asyncio.Event()

    async def sleep(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == len(pauses):
            done.set()
            await asyncio.Event().wait()

    reflector = Reflector(
        client=client,
        path=PATH,
        selection=Selection(is_needed=is_needed),
        put=lambda body: seen.append(body["metadata"]["name"]),
        remove=lambda body: None,
        sleep=sleep,
    )
    running = asyncio.create_task(reflector.run())
    await done.wait()
    running.cancel()
    await asyncio.wait({running})

    warned = [record for record in caplog.records if "cannot watch" in record.message and record.levelname == "WARNING"]
    assert (paused, len(warned)) == (pauses, complaints), because
    assert seen == ["a", "b"], "what can be listed is known all the same"
