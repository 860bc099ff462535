"""A collection followed through all that a watch can do: events, an end, an old version, an API server away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import kopf
import pytest
from aiohttp import web
from sagebridge.kube.client import KubeClient
from sagebridge.kube.reflector import Reflector, Selection
from support.waiting import eventually_async

PATH = "/api/v1/pods"


class ApiServer:
    """Has objects, and streams of events that a test writes."""

    def __init__(self) -> None:
        self.url = ""
        self.objects: dict[str, dict[str, Any]] = {}
        self.version = 10
        self.watches: list[tuple[str, asyncio.Queue[dict[str, Any] | None]]] = []
        self.selectors: set[str] = set()
        self.lists = 0
        self.is_away = False
        self.refusals = 0
        self.ends_at_once = False

    def body(self, uid: str, text: str) -> dict[str, Any]:
        self.version += 1
        return {"metadata": {"uid": uid, "name": uid, "resourceVersion": str(self.version)}, "text": text}

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.is_away:
            self.refusals += 1
            return web.json_response({"message": "away"}, status=503)
        self.selectors.add(request.query.get("labelSelector", ""))
        if request.query.get("watch") != "true":
            self.lists += 1
            metadata = {"resourceVersion": str(self.version)}
            return web.json_response({"metadata": metadata, "items": list(self.objects.values())})
        events: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self.watches.append((request.query["resourceVersion"], events))
        response = web.StreamResponse()
        await response.prepare(request)
        if self.ends_at_once:
            return response
        while (event := await events.get()) is not None:
            await response.write(json.dumps(event).encode() + b"\n")
        return response

    async def send(self, kind: str, body: dict[str, Any]) -> None:
        """An event on the newest stream."""
        await self.watches[-1][1].put({"type": kind, "object": body})

    async def end(self) -> None:
        """The newest stream ends, as it does every few minutes."""
        await self.watches[-1][1].put(None)


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    api = ApiServer()
    application = web.Application()
    application.router.add_get(PATH, api.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield api
    await runner.cleanup()


class Clock:
    """Time that passes only by the pauses that are taken, and by what a test says."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class Seen:
    """What a reflector has told."""

    def __init__(self) -> None:
        self.there: dict[str, str] = {}
        self.puts = 0
        self.clock = Clock()
        self.reflector: Reflector

    def put(self, body: Any) -> None:
        self.puts += 1
        self.there[body["metadata"]["uid"]] = body["text"]

    def remove(self, body: Any) -> None:
        del self.there[body["metadata"]["uid"]]

    async def becomes(self, wanted: dict[str, str]) -> None:
        async def look() -> bool:
            await asyncio.sleep(0)
            return self.there == wanted

        await eventually_async(look, what=f"{wanted}")


@pytest.fixture
async def seen(server: ApiServer) -> AsyncIterator[Seen]:
    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=server.url)

    found, client = Seen(), KubeClient(login=log_in)
    reflector = Reflector(
        client=client,
        path=PATH,
        selection=Selection(labels="a=b"),
        put=found.put,
        remove=found.remove,
        clock=found.clock,
        sleep=found.clock.sleep,
    )
    found.reflector = reflector
    server.objects["one"] = server.body("one", "first")
    task = asyncio.create_task(reflector.run())
    await found.becomes({"one": "first"})
    await watching(server, 1)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()


async def watching(server: ApiServer, count: int) -> None:
    async def look() -> bool:
        return len(server.watches) >= count

    await eventually_async(look, what=f"{count} watches")


async def test_events_are_handed_on(server: ApiServer, seen: Seen) -> None:
    await server.send("ADDED", server.body("two", "new"))
    await seen.becomes({"one": "first", "two": "new"})
    await server.send("MODIFIED", server.body("one", "second"))
    await seen.becomes({"one": "second", "two": "new"})
    await server.send("DELETED", server.body("two", "new"))
    await seen.becomes({"one": "second"})

    assert server.selectors == {"a=b"}


async def test_a_stream_that_ends_is_gone_on_with_where_it_ended(server: ApiServer, seen: Seen) -> None:
    last = server.body("two", "new")
    await server.send("ADDED", last)
    await seen.becomes({"one": "first", "two": "new"})
    await server.send("BOOKMARK", {"metadata": {"resourceVersion": "99"}})
    await server.end()
    await watching(server, 2)

    assert server.watches[-1][0] == "99"
    assert server.lists == 1


async def test_what_was_missed_is_seen_by_a_new_list(server: ApiServer, seen: Seen) -> None:
    server.objects = {"three": server.body("three", "missed")}
    await server.send("ERROR", {"code": 410, "message": "too old resource version"})

    await seen.becomes({"three": "missed"})
    assert server.lists == 2


async def test_what_nobody_follows_any_more_is_gone(server: ApiServer, seen: Seen) -> None:
    await server.send("ADDED", server.body("two", "new"))
    await seen.becomes({"one": "first", "two": "new"})

    seen.reflector.forget()

    assert seen.there == {}


async def test_what_did_not_change_is_no_news(server: ApiServer, seen: Seen) -> None:
    puts = seen.puts
    await server.send("ERROR", {"code": 410, "message": "too old resource version"})
    await watching(server, 2)

    assert seen.puts == puts


async def test_an_api_server_that_was_away_is_followed_again(server: ApiServer, seen: Seen) -> None:
    server.is_away = True
    server.objects["two"] = server.body("two", "meanwhile")
    await server.end()

    async def refused() -> bool:
        return server.refusals > 0

    await eventually_async(refused, what="a request that is refused")
    server.is_away = False
    await seen.becomes({"one": "first", "two": "meanwhile"})


async def paused(seen: Seen, count: int) -> list[float]:
    async def look() -> bool:
        return len(seen.clock.pauses) >= count

    await eventually_async(look, what=f"{count} pauses")
    return seen.clock.pauses[:count]


async def test_versions_that_are_always_too_old_are_not_asked_for_at_once(server: ApiServer, seen: Seen) -> None:
    for number in range(1, 7):
        await watching(server, number)
        await server.send("ERROR", {"code": 410, "message": "too old resource version"})

    assert await paused(seen, 6) == [1.0, 2.0, 5.0, 10.0, 10.0, 10.0]


async def test_streams_that_end_at_once_are_not_asked_for_at_once(server: ApiServer, seen: Seen) -> None:
    server.ends_at_once = True
    await server.end()

    assert await paused(seen, 5) == [1.0, 2.0, 5.0, 10.0, 10.0]
    assert server.lists >= 5, "a stream that tells nothing is no way to follow"


async def test_streams_that_end_soon_after_an_event_are_not_asked_for_at_once(server: ApiServer, seen: Seen) -> None:
    for number in range(1, 5):
        await watching(server, number)
        await server.send("BOOKMARK", {"metadata": {"resourceVersion": str(100 + number)}})
        await server.end()

    assert await paused(seen, 4) == [1.0, 2.0, 5.0, 10.0]
    assert server.lists == 1


async def test_a_stream_that_lived_makes_good_for_those_before(server: ApiServer, seen: Seen) -> None:
    for number in range(1, 4):
        await watching(server, number)
        await server.send("ERROR", {"code": 410, "message": "too old resource version"})
    await watching(server, 4)
    seen.clock.now += 290
    await server.end()
    await watching(server, 5)
    assert seen.clock.pauses == [1.0, 2.0, 5.0], "there is no pause after it"

    await server.send("ERROR", {"code": 410, "message": "too old resource version"})
    assert (await paused(seen, 4))[-1] == 1.0


async def test_blindness_counts_from_what_was_heard_last(server: ApiServer, seen: Seen) -> None:
    await server.send("ADDED", server.body("two", "new"))
    await seen.becomes({"one": "first", "two": "new"})
    seen.clock.now += 120
    assert seen.reflector.seconds_blind == 0, "nothing says yet that the silence is not that of the cluster"

    server.is_away = True
    await server.send("ERROR", {"code": 500, "message": "the storage is away"})
    await paused(seen, 3)
    assert seen.reflector.seconds_blind >= 120
    assert seen.reflector.trouble == f"GET {PATH}: away"

    server.is_away = False
    await watching(server, 2)
    assert (seen.reflector.seconds_blind, seen.reflector.trouble) == (0, "")
