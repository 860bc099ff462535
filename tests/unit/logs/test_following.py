"""The lines of a job: each once, as they come, from wherever one goes on, until the job is over."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer
from sagebridge.core.logs import cursor
from sagebridge.core.logs.lines import Position
from sagebridge.core.logs.streams import Look
from sagebridge.logs import service, story
from sagebridge.logs.access import BusyError, Wanted
from sagebridge.logs.certificates import made
from sagebridge.logs.following import Wish
from sagebridge.logs.limits import OpenStreams
from sagebridge.logs.server import HTTP_OPTIONS
from sagebridge.settings import Settings
from sagebridge_local.stack.ports import free_ports, is_free

from .conftest import OBJECT, PATH, TOKEN, USER, World, answered, attempt, bearer, messages, next_line, training_job

WANTED = Wanted(plural="trainingjobs", namespace="team", name="digits")
OVER = {"status": "Completed", "endTime": "2026-01-01T01:00:00Z"}


async def test_what_is_there(client: TestClient[Any, Any], world: World) -> None:
    world.put((1_700_000_000_123, "one"), (1_700_000_000_200, "two"))
    lines = await answered(client)
    assert [line["time"] for line in lines] == ["2023-11-14T22:13:20.123Z", "2023-11-14T22:13:20.200Z"]
    assert {line["stream"] for line in lines} == {"train/algo-1-1"}
    assert messages(lines) == ["one", "two"], "the job goes on, so there is no end"


async def test_hosts_are_told_side_by_side(client: TestClient[Any, Any], world: World) -> None:
    world.put((1, "a1"), (3, "a3"))
    world.put((2, "b2"), (4, "b4"), stream="train/algo-2-1")
    world.put((5, "not ours"), stream="train-x/algo-1-1")
    assert messages(await answered(client)) == ["a1", "b2", "a3", "b4"]


async def test_only_the_last_lines(client: TestClient[Any, Any], world: World) -> None:
    world.put((1, "a1"), (3, "a3"))
    world.put((2, "b2"), (4, "b4"), stream="train/algo-2-1")
    lines = await answered(client, "?tail=2")
    assert messages(lines) == ["a3", "b4"]
    assert messages(await answered(client, f"?after={lines[0]['cursor']}")) == ["b4"]


async def test_one_goes_on_behind_every_line(client: TestClient[Any, Any], world: World) -> None:
    """Also behind one of several of the same millisecond, whatever the pages are."""
    world.logs.page = 2
    world.put((1, "a"), (2, "b"), (2, "c"), (2, "d"), (3, "e"))
    world.put((2, "x"), (2, "y"), stream="train/algo-2-1")
    lines = await answered(client)
    everything = messages(lines)
    assert sorted(everything) == list("abcdexy")
    for number, line in enumerate(lines, 1):
        rest = messages(await answered(client, f"?after={line['cursor']}"))
        assert sorted(rest) == sorted(everything[number:]), line


async def test_one_goes_on_behind_every_line_of_a_tail(client: TestClient[Any, Any], world: World) -> None:
    world.logs.page = 2
    world.put((1, "a"), (2, "b"), (2, "c"), (2, "d"), (3, "e"))
    lines = await answered(client, "?tail=3")
    assert messages(lines) == ["c", "d", "e"]
    for number, line in enumerate(lines, 1):
        assert messages(await answered(client, f"?after={line['cursor']}")) == ["c", "d", "e"][number:]


async def test_a_line_of_the_same_millisecond_that_comes_later(client: TestClient[Any, Any], world: World) -> None:
    world.put((2, "a"), (2, "b"))
    *_, last = await answered(client)
    world.put((2, "c"))
    assert messages(await answered(client, f"?after={last['cursor']}")) == ["c"]


async def test_lines_are_told_as_they_come_until_the_job_is_over(client: TestClient[Any, Any], world: World) -> None:
    world.put((1, "one"))
    async with client.get(f"{PATH}?follow=true", headers=bearer()) as response:
        assert (await next_line(response))["message"] == "one"
        world.put((2, "two"))
        assert (await next_line(response))["message"] == "two"
        world.put((3, "three"), stream="train/algo-2-1")
        assert (await next_line(response))["message"] == "three"
        world.start(training_job(attempt(**OVER), over="Completed"))
        world.put((4, "last words"))
        assert (await next_line(response))["message"] == "last words"
        assert await next_line(response) == {"end": "Completed"}
        assert await response.content.read() == b""
    assert len(world.stories) == 0


async def test_silence_is_filled(client: TestClient[Any, Any], world: World) -> None:
    async with client.get(f"{PATH}?follow=true", headers=bearer()) as response:
        assert await response.content.readline() == b"\n"


async def test_a_job_that_was_over_before(client: TestClient[Any, Any], world: World) -> None:
    world.start(training_job(attempt(**OVER), over="Completed"))
    world.put((1, "one"))
    assert messages(await answered(client, "?follow=true")) == ["one", "end: Completed"]
    assert messages(await answered(client)) == ["one", "end: Completed"]


async def test_a_job_that_ends_between_two_attempts(client: TestClient[Any, Any], world: World) -> None:
    """A cursor leads through all attempts that came after it."""
    world.put((1, "first"))
    [line] = await answered(client)
    failed = attempt(1, status="Failed", endTime="2026-01-01T01:00:00Z")
    world.start(training_job(failed))
    async with client.get(f"{PATH}?follow=true&after={line['cursor']}", headers=bearer()) as response:
        await response.content.readline()
        world.put((2, "second"), stream="train-2/algo-1-1")
        world.start(training_job(failed, attempt(2)))
        again = await next_line(response)
        assert (again["message"], again["cursor"][:2]) == ("second", "2.")
        world.start(training_job(failed, attempt(2, **OVER), over="Completed"))
        assert await next_line(response) == {"end": "Completed"}
    assert messages(await answered(client, f"?after={line['cursor']}")) == ["second", "end: Completed"]


@pytest.mark.parametrize("another", [True, False], ids=["made anew", "gone"])
async def test_a_job_that_is_deleted(client: TestClient[Any, Any], world: World, another: bool) -> None:
    world.put((1, "one"))
    async with client.get(f"{PATH}?follow=true", headers=bearer()) as response:
        await next_line(response)
        if another:
            body = training_job(attempt())
            body["metadata"]["uid"] = "u-2"
            world.start(body)
        else:
            world.api.objects.clear()
        assert await next_line(response) == {"end": "Deleted"}


async def test_many_who_follow_share_one_reader(world: World, client: TestClient[Any, Any]) -> None:
    world.put((1, "one"))
    async with (
        client.get(f"{PATH}?follow=true", headers=bearer()) as first,
        client.get(f"{PATH}?follow=true", headers=bearer()) as second,
    ):
        await next_line(first)
        await next_line(second)
        world.slept += 5
        world.logs.asked.clear()
        before = world.slept
        world.put((2, "two"))
        assert [(await next_line(one))["message"] for one in (first, second)] == ["two", "two"]
        read = [stream for operation, _, stream in world.logs.asked if operation == "GetLogEvents"]
        looks = round((world.slept - before) / world.pace.pause) + 2
        assert 0 < len(read) <= 2 * looks, "a look asks for the lines, and that there are no more"
        assert len(world.stories) == 1


async def test_who_is_slow_loses_nothing(
    world: World, client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "_KEPT_CHARACTERS", 1000)
    world.put((1, "begin"))
    told: list[str] = []
    wanted_lines = ["begin"]
    job = await world.jobs.begun(WANTED)
    async for found in world.follower.follow(WANTED, job, Wish(follow=True)):
        if isinstance(found, list):
            told += [one.line.text for one in found]
            if len(wanted_lines) < 40:
                # Far more than is kept comes while this one is busy.
                for number in range(len(wanted_lines), len(wanted_lines) + 10):
                    world.put((number + 1, f"line {number}"))
                    wanted_lines.append(f"line {number}")
                    await asyncio.sleep(0.01)
            else:
                world.start(training_job(attempt(**OVER), over="Completed"))
    assert told == wanted_lines


async def test_what_passes_is_waited_for(client: TestClient[Any, Any], world: World) -> None:
    world.put((1, "one"))
    world.logs.refusals = ["ThrottlingException", "InternalFailure"]
    assert messages(await answered(client)) == ["one"]


async def test_what_does_not_pass_is_said(client: TestClient[Any, Any], world: World) -> None:
    world.logs.refusals = ["AccessDeniedException"]
    [line] = await answered(client, "?follow=true")
    assert "AccessDeniedException" in line["error"]


async def test_a_log_that_is_larger_than_what_is_read_at_once(client: TestClient[Any, Any], world: World) -> None:
    world.logs.page = 10
    lines = [(number, f"{number} " + "x" * 50_000) for number in range(1, 101)]
    world.put(*lines)
    assert messages(await answered(client)) == [text for _, text in lines]


async def test_no_more_streams_than_there_may_be(client: TestClient[Any, Any], world: World) -> None:
    other = {"username": "other", "groups": ["g"], "extra": {"k": ["v"]}}
    world.api.users |= {"second": other, "third": other | {"username": "more"}}
    world.api.rights |= {(name, "trainingjobs", "team", "digits") for name in ("other", "more")}
    url = f"{PATH}?follow=true"
    async with client.get(url, headers=bearer()), client.get(url, headers=bearer()) as last:
        async with client.get(url, headers=bearer()) as refused:
            assert (refused.status, "Retry-After" in refused.headers) == (429, True)
            assert "2 streams" in (await refused.json())["error"]
        async with client.get(url, headers=bearer("second")) as third:
            assert third.status == 200
            assert world.metrics.registry.get_sample_value("sagebridge_log_streams") == 3
            async with client.get(url, headers=bearer("third")) as refused:
                assert refused.status == 429
        last.close()
        await until(lambda: world.metrics.registry.get_sample_value("sagebridge_log_streams") == 1)
        async with client.get(url, headers=bearer()) as again:
            assert again.status == 200


async def test_no_namespace_has_all_streams(world: World) -> None:
    """Though it has any number of service accounts."""
    world.limits = replace(world.limits, of_namespace=1)
    streams = OpenStreams(limits=world.limits, metrics=world.metrics)
    with streams.opened("one", "team"):
        with pytest.raises(BusyError, match="team has 1 streams"), streams.opened("two", "team"):
            raise AssertionError
        with streams.opened("one", "other"):
            assert world.metrics.registry.get_sample_value("sagebridge_log_streams") == 2
    with streams.opened("two", "team"):
        assert world.metrics.registry.get_sample_value("sagebridge_log_streams") == 1


@pytest.mark.parametrize(("in_all", "of_caller", "want"), [(400, 100, 200), (10, 8, 8)])
def test_the_share_of_a_namespace(in_all: int, of_caller: int, want: int) -> None:
    settings = Settings(logs_streams=in_all, logs_streams_per_caller=of_caller)
    assert service._limits(settings).of_namespace == want


async def test_lines_are_counted(client: TestClient[Any, Any], world: World) -> None:
    world.put((1, "one"), (2, "two"))
    await answered(client)
    assert world.metrics.registry.get_sample_value("sagebridge_log_lines_total") == 2


async def test_what_somebody_writes_into_a_status_leads_to_no_other_log(
    client: TestClient[Any, Any], world: World
) -> None:
    body = training_job(attempt(name="other"))
    body["status"]["logs"] = {"groupName": "/aws/secret", "streamPrefix": "other/"}
    world.start(body)
    world.put((1, "other's"), stream="other/algo-1-1")
    world.put((1, "ours"))
    assert messages(await answered(client)) == ["ours"]


async def test_who_takes_nothing_is_let_go(world: World) -> None:
    world.times = replace(world.times, stuck=0.2)
    world.put(*((number, "x" * 100_000) for number in range(1, 300)))
    server = TestServer(world.server().application())
    await server.start_server(**HTTP_OPTIONS)
    async with server:
        _, writer = await asyncio.open_connection(server.host, server.port, limit=1024)
        writer.write(f"GET {PATH}?follow=true HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        await until(lambda: world.metrics.registry.get_sample_value("sagebridge_log_streams") == 1)
        await until(lambda: world.metrics.registry.get_sample_value("sagebridge_log_streams") == 0)
        await until(lambda: len(world.stories) == 0)
        writer.transport.abort()
    told = world.metrics.registry.get_sample_value("sagebridge_log_lines_total")
    assert told is not None
    assert told < 299


async def test_the_server_ends_at_once(world: World, tmp_path: Path) -> None:
    """Also while somebody follows, over the TLS that it really speaks."""
    identity = made(["127.0.0.1"], now=datetime.now(UTC))
    for name, content in (("crt", identity.server.certificate), ("key", identity.server.key)):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    trusted = ssl.create_default_context(cadata=identity.authority.certificate.decode())
    [port] = free_ports(1)
    running = asyncio.create_task(world.server().run(host="127.0.0.1", port=port, context=context, most_connections=4))
    url = f"https://127.0.0.1:{port}{PATH}?follow=true"
    async with aiohttp.ClientSession() as session:
        await until(lambda: not is_free(port))
        async with session.get(url, headers=bearer(), ssl=trusted) as response:
            assert await response.content.readline() == b"\n"
            running.cancel()
            assert (await response.content.read()).strip() == b"", "no end is told of a job that goes on"
    await asyncio.wait({running})
    assert len(world.stories) == 0


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - the server runs beside
        await asyncio.sleep(0.01)


async def test_the_name_of_somebody_elses_job_leads_to_no_log(client: TestClient[Any, Any], world: World) -> None:
    """Whoever chooses a name that is taken has an attempt, and no job."""
    world.start(training_job(attempt(arn="")))
    world.put((1, "theirs"))
    async with client.get(f"{PATH}?follow=true", headers=bearer()) as response:
        assert response.status == 409
    assert not world.logs.asked
    world.start(training_job(attempt(), attempt(2, arn="")))
    world.put((2, "theirs too"), stream="train-2/algo-1-1")
    assert messages(await answered(client)) == ["theirs"]


async def test_the_log_of_a_tuning_job_is_that_of_its_trials(client: TestClient[Any, Any], world: World) -> None:
    """A name that others' names begin with does not lead to their logs."""
    world.api.rights.add((USER, "hptuningjobs", "team", "digits"))
    body = training_job(attempt(), hyperParameterTuningJobName="train")
    world.api.objects[OBJECT.replace("trainingjobs", "hptuningjobs")] = body
    world.put((1, "first trial"), stream="train-001-0a1b2c3d/algo-1-1")
    world.put((2, "second trial"), stream="train-002-1a1b2c3d/algo-1-1")
    for number, other in enumerate(
        [
            "train",
            "train-eu",
            "train-eu-001-0a1b2c3d",
            "train-7-abcdefghij",
            "train-001-0a1b2c3d-x",
            "train-0001-0a1b2c3d",
        ]
    ):
        world.put((3 + number, other), stream=f"{other}/algo-1-1")
    path = PATH.replace("trainingjobs", "hptuningjobs")
    assert messages(await answered(client, path=path)) == ["first trial", "second trial"]


async def test_a_large_look_is_told_in_pieces(world: World) -> None:
    """Else nobody else is served meanwhile, and all of it is in memory with a cursor for each line."""
    world.put(*((number, "x") for number in range(1, 1000)))
    world.put(*((number, "y" * 5000) for number in range(1000, 1100)))
    told = [found async for found in world.follower.follow(WANTED, await world.jobs.begun(WANTED), Wish())]
    pieces = [found for found in told if isinstance(found, list)]
    assert sum(len(piece) for piece in pieces) == 1099
    assert max(len(piece) for piece in pieces) == 256
    assert max(sum(len(one.line.text) for one in piece) for piece in pieces) < 2 * (1 << 16)


async def test_of_a_cursor_only_what_is_new_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made_places: list[str] = []
    place = cursor._place

    def counted(key: str, at: Position) -> str:
        made_places.append(key)
        return place(key, at)

    monkeypatch.setattr(cursor, "_place", counted)
    for host in range(50):
        world.put(*((number, "x") for number in range(1, 21)), stream=f"train/algo-{host}-1")
    [*told] = [found async for found in world.follower.follow(WANTED, await world.jobs.begun(WANTED), Wish())]
    lines = [one for found in told if isinstance(found, list) for one in found]
    assert (len(lines), len(made_places)) == (1000, 1000)
    assert len(cursor.Cursor.parse(lines[-1].cursor).positions) == 50


async def test_a_cursor_with_streams_that_there_are_not(client: TestClient[Any, Any], world: World) -> None:
    """Anybody may write one; it is not to be carried through every line."""
    world.put((1, "one"))
    [first] = await answered(client)
    invented = [f"{number:010x}-1-1" for number in range(4000)]
    world.put((2, "two"))
    [second] = await answered(client, "?after=" + ".".join([first["cursor"], *invented]))
    assert second["message"] == "two"
    assert len(second["cursor"].split(".")) == 2


async def test_a_cursor_of_more_streams_than_are_read(client: TestClient[Any, Any], world: World) -> None:
    after = ".".join(["1", *(f"{number:010x}-1-1" for number in range(4097))])
    async with client.get(f"{PATH}?after={after}", headers=bearer()) as response:
        assert response.status == 400


async def test_no_namespace_has_all_the_memory(world: World) -> None:
    """Who does not take what was read for them keeps others of their namespace waiting, and nobody else."""
    world.put(*((number, "x") for number in range(1, 1000)))
    body = training_job(attempt())
    body["metadata"]["namespace"] = "other"
    world.api.objects[OBJECT.replace("team", "other")] = body
    job = await world.jobs.begun(WANTED)
    slow = [world.follower.follow(WANTED, job, Wish()) for _ in range(5)]
    for one in slow[:4]:
        await anext(one)
    waiting = asyncio.ensure_future(anext(slow[4]))
    theirs = replace(WANTED, namespace="other")
    [*rest] = [found async for found in world.follower.follow(theirs, await world.jobs.begun(theirs), Wish())]
    assert rest
    assert not (await asyncio.wait({waiting}, timeout=0.05))[0]
    await slow[0].aclose()
    assert isinstance(await waiting, list)
    for one in slow:
        await one.aclose()


@pytest.mark.parametrize(
    ("reason", "adopted", "want"),
    [
        ("the streams of a job are there after it and its object", False, ["ours"]),
        ("what was there before the object was taken over with its log", True, ["theirs", "ours"]),
    ],
)
async def test_what_another_job_of_the_name_has_printed(
    client: TestClient[Any, Any], world: World, reason: str, adopted: bool, want: list[str]
) -> None:
    begun = "2026-01-01T00:00:00Z"
    body = training_job(attempt(recordedAt=begun, adopted=adopted))
    body["metadata"]["creationTimestamp"] = begun
    world.start(body)
    at = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    world.put((at - 301_000, "theirs"))
    world.put((at - 299_000, "ours"), stream="train/algo-1-2")
    assert messages(await answered(client)) == want, reason


async def test_a_log_of_the_name_in_another_account(client: TestClient[Any, Any], world: World) -> None:
    world.logs.in_account = "999999999999"
    world.put((1, "theirs"))
    [line] = await answered(client, "?follow=true")
    assert "was created in account 123456789012" in line["error"]
    assert not world.logs.asked


async def test_who_can_not_join_the_others_reads_no_faster_than_they(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pod that is gone is known to be so to one a moment before the other."""
    behind = [story.BehindError()] * 5

    async def looks(*_: Any) -> AsyncIterator[Look]:
        if behind:
            raise behind.pop()
        for found in ():
            yield found

    monkeypatch.setattr(story.Story, "looks", looks)
    world.put((1, "one"))
    world.start(training_job(attempt(**OVER), over="Completed"))
    job = await world.jobs.begun(WANTED)
    [told, _] = [found async for found in world.follower.follow(WANTED, job, Wish(follow=True))]
    assert [one.line.text for one in told] == ["one"]
    assert world.slept >= 5 * world.pace.pause
