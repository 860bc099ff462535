"""Events: written beside the work, each once, whatever the API server says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import kopf
import pytest
from aiohttp import web
from sagebridge.kube.client import KubeClient
from sagebridge.kube.events import Event, EventRecorder

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Events:
    """What the API server was given; `statuses` are its next answers."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.statuses: list[int] = []

    async def answer(self, request: web.Request) -> web.Response:
        status = self.statuses.pop(0) if self.statuses else 201
        if status == 201:
            self.bodies.append(await request.json())
            self.paths.append(request.path)
        return web.json_response({"message": "words"}, status=status)

    @property
    def messages(self) -> list[str]:
        return [body["message"] for body in self.bodies]


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
async def recorder(events: Events) -> AsyncIterator[EventRecorder]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", events.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def log_in() -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=url, token="t")

    client = KubeClient(login=log_in)
    made = EventRecorder(client=client, now=lambda: NOW, writers=1)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await client.close()
    await runner.cleanup()


def event(message: str, *, uid: str = "u", **involved: str) -> Event:
    about = {"kind": "TrainingJob", "namespace": "team-a", "name": "digits", "uid": uid} | involved
    return Event(involved=about, kind="Normal", reason="InProgress", message=message)


async def test_an_event_says_what_when_and_of_whom(recorder: EventRecorder, events: Events) -> None:
    recorder.emit(event("running"))
    await recorder.drain()
    [body] = events.bodies
    assert events.paths == ["/api/v1/namespaces/team-a/events"]
    assert body["involvedObject"]["uid"] == "u"
    assert (body["type"], body["reason"], body["message"]) == ("Normal", "InProgress", "running")
    assert body["firstTimestamp"] == body["lastTimestamp"] == "2026-01-02T03:04:05Z"


async def test_a_repeat_in_a_row_is_left_out(recorder: EventRecorder, events: Events) -> None:
    for message in ("a", "a", "b", "a"):
        recorder.emit(event(message))
    await recorder.drain()
    assert events.messages == ["a", "b", "a"]


async def test_objects_do_not_share_their_repeats(recorder: EventRecorder, events: Events) -> None:
    for uid in ("first", "second", "first"):
        recorder.emit(event("a", uid=uid))
    await recorder.drain()
    assert events.messages == ["a", "a"]


async def test_the_log_tells_the_same(recorder: EventRecorder, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        recorder.emit(event(message="it runs"))
        recorder.emit(event(message="it runs"))
    (told,) = [record.getMessage() for record in caplog.records if "it runs" in record.getMessage()]
    assert told.endswith("it runs")
    assert event(message="it runs").involved["name"] in told


async def test_what_is_not_namespaced_goes_to_default(recorder: EventRecorder, events: Events) -> None:
    recorder.emit(event("a", namespace=""))
    await recorder.drain()
    assert events.paths == ["/api/v1/namespaces/default/events"]


async def test_long_messages_are_cut(recorder: EventRecorder, events: Events) -> None:
    recorder.emit(event("x" * 5000))
    await recorder.drain()
    assert events.messages == ["x" * 1023 + "…"]


@pytest.mark.parametrize("status", [403, 404, 422])
async def test_a_refused_event_holds_nothing_up(recorder: EventRecorder, events: Events, status: int) -> None:
    events.statuses = [status]
    recorder.emit(event("a"))
    recorder.emit(event("b"))
    await recorder.drain()
    assert events.messages == ["b"]


async def test_those_of_one_second_sort_by_when_they_were_told(recorder: EventRecorder, events: Events) -> None:
    for number in range(12):
        recorder.emit(event(f"{number}"))
    await recorder.drain()
    assert [body["message"] for body in sorted(events.bodies, key=lambda body: body["metadata"]["name"])] == [
        f"{number}" for number in range(12)
    ]


async def test_an_event_whose_answer_was_lost_is_not_written_twice(recorder: EventRecorder, events: Events) -> None:
    events.statuses = [500, 409]
    recorder.emit(event("a"))
    recorder.emit(event("b"))
    await recorder.drain()
    assert events.messages == ["b"], "the first try did it"


async def test_a_failing_api_server_is_tried_again(recorder: EventRecorder, events: Events) -> None:
    events.statuses = [500]
    recorder.emit(event("a"))
    await recorder.drain()
    assert events.messages == ["a"]
