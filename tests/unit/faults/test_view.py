"""Watch events: split from a stream, held back, thinned out; lists from the past."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from faults.events import coalesce, lines
from faults.view import View


def event(kind: str, name: str, version: int) -> bytes:
    body = {"metadata": {"namespace": "a", "name": name, "resourceVersion": str(version)}}
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


async def test_lines_are_put_together_from_chunks() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in (b'{"a"', b': 1}\n{"b": 2}\n{"c', b'": 3}'):
            yield chunk

    assert [line async for line in lines(chunks())] == [b'{"a": 1}\n', b'{"b": 2}\n', b'{"c": 3}']


def test_only_the_last_event_of_each_object_is_left_in_order() -> None:
    first, other, last = event("ADDED", "x", 1), event("ADDED", "y", 2), event("MODIFIED", "x", 3)
    assert coalesce([first, other, last]) == [other, last]


def test_a_deletion_before_a_new_object_of_the_same_name_is_never_seen() -> None:
    assert coalesce([event("DELETED", "x", 1), event("ADDED", "x", 2)]) == [event("ADDED", "x", 2)]


async def _shown(view: View, events: list[bytes], *, release: Any) -> list[bytes]:
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()
    sent: list[bytes] = []

    async def send(line: bytes) -> None:
        sent.append(line)

    passing = asyncio.create_task(view.pass_on(queue, send))
    for line in (*events, None):
        queue.put_nowait(line)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert bool(sent) == view.is_live
    release()
    await passing
    return sent


async def test_what_was_held_back_comes_in_the_end() -> None:
    view = View()
    view.hold()
    events = [event("ADDED", "x", 1), event("MODIFIED", "x", 2)]
    assert await _shown(view, events, release=view.show_present) == events


async def test_what_was_held_back_can_be_hidden_but_for_its_end() -> None:
    view = View()
    view.hold()
    events = [event("ADDED", "x", 1), event("MODIFIED", "x", 2)]
    assert await _shown(view, events, release=lambda: view.show_present(hide=True)) == events[1:]


def test_the_past_is_listed_by_namespace_and_got_by_name() -> None:
    view = View()
    items = [{"metadata": {"namespace": space, "name": "x"}} for space in ("a", "b")]
    view.show_past({"kind": "TrainingJobList", "metadata": {"resourceVersion": "7"}, "items": items}, gets=True)
    assert view.is_old
    assert view.gets_are_old
    assert json.loads(view.list(None))["items"] == items
    assert json.loads(view.list("a")) == {
        "kind": "TrainingJobList",
        "metadata": {"resourceVersion": "7"},
        "items": items[:1],
    }
    assert json.loads(view.get("b", "x") or b"")["kind"] == "TrainingJob"
    assert view.get("c", "x") is None
