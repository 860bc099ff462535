"""What is kept for those that follow, and who has to read for themselves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.errors import AwsError
from sagebridge.core.logs.cursor import Positions, stream_key
from sagebridge.core.logs.lines import Excerpt, LogLine, Position
from sagebridge.core.logs.streams import Ask, LogStreams, Look
from sagebridge.kube.errors import KubeError
from sagebridge.logs import story
from sagebridge.logs.story import BehindError, Pace, Stories, Story, UnreadableError

KEY = stream_key("s")


def look(*numbers: int, complete: bool = True, trouble: str = "") -> Look:
    """A look at which these lines came, each of ten characters."""
    lines = [
        LogLine(timestamp=number, stream="s", text=f"{number:010d}", position=Position(number, 1)) for number in numbers
    ]
    after = {KEY: Position(numbers[-1], 1)} if numbers else {}
    return Look(lines=lines, after=after, is_complete=complete, trouble=trouble)


class Source:
    """Gives what a test has it give; None for what AWS refuses for a while."""

    settle_seconds = 3.0

    def __init__(self, *looks: Look | Exception) -> None:
        self.looks = list(looks)
        self.positions: Positions = {}

    async def look(self, *, thorough: bool = False) -> Look:
        found = self.looks.pop(0) if self.looks else look()
        if isinstance(found, Exception):
            raise found
        self.positions = {**self.positions, **found.after}
        return found


class Told:
    """A story whose time passes as it sleeps, and which is over when a test says so."""

    def __init__(self, source: Source, *, over_at: float = 0.0, ago: float = 0.0) -> None:
        self.time = 0.0
        self.over_at, self.ago = over_at, ago
        self.asked = 0
        self.story = Story(source=source, ended_ago=self._ended_ago, pace=Pace(clock=self._clock, sleep=self._sleep))

    async def _ended_ago(self) -> float | None:
        self.asked += 1
        return self.ago if self.time >= self.over_at else None

    def _clock(self) -> float:
        return self.time

    async def _sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    async def numbers(self, positions: Positions) -> list[int]:
        return [line.timestamp async for found in self.story.looks(positions) for line in found.lines]


async def test_what_is_no_longer_kept_has_to_be_read_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "_KEPT_CHARACTERS", 2 * (10 + 256 + 256))
    told = Told(Source(look(1), look(2), look(3), look(4)), over_at=10)
    await told.story.run()
    assert await told.numbers({KEY: Position(2, 1)}) == [3, 4]
    for behind in ({}, {KEY: Position(1, 1)}):
        with pytest.raises(BehindError):
            await told.numbers(behind)


async def test_a_story_that_went_on_from_somewhere_is_not_for_those_before() -> None:
    source = Source(look(6))
    source.positions = {KEY: Position(5, 2)}
    told = Told(source)
    await told.story.run()
    assert await told.numbers({KEY: Position(5, 2)}) == [6]
    with pytest.raises(BehindError):
        await told.numbers({KEY: Position(5, 1)})


async def test_what_is_kept_takes_as_much_memory_as_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines without text, and the positions of many streams of which one moves, are not for nothing."""
    monkeypatch.setattr(story, "_KEPT_CHARACTERS", 2000)
    others = {stream_key(f"{number}"): Position(1, 1) for number in range(100)}
    looks = [replace(look(number), after=others | {KEY: Position(number, 1)}) for number in range(1, 10)]
    source = Source(*looks)
    source.positions = others
    told = Told(source, over_at=20)
    await told.story.run()
    kept = [found async for found in told.story.looks(others | {KEY: Position(6, 1)})]
    assert [len(found.after) for found in kept] == [1, 1, 1]
    with pytest.raises(BehindError):
        await told.numbers(others | {KEY: Position(5, 1)})


async def test_who_comes_later_needs_not_have_read_a_stream_that_is_gone() -> None:
    """Else they would read anew for ever what they can't find."""
    source = Source(look(6))
    source.positions = {KEY: Position(5, 2), stream_key("gone"): Position(9, 1)}
    told = Told(source)
    source.positions = {KEY: Position(5, 2)}
    await told.story.run()
    assert await told.numbers({KEY: Position(5, 2)}) == [6]


@pytest.mark.parametrize(
    ("reason", "looks", "ago", "want", "seconds"),
    [
        ("last lines come late", [look(1), look(), look(2), look(3)], 0.0, [1, 2, 3], 6.0),
        ("it was over long ago", [look(), look(2)], 3600.0, [], 0.0),
        ("it comes in parts", [look(1, complete=False), look(2, complete=False), look(3)], 3600.0, [1, 2, 3], 3.0),
        ("a node is away", [look(trouble="away"), look(trouble="away"), look(1)], 0.0, [1], 5.0),
        ("a node stays away", [look(trouble="away")] * 200, 0.0, [], 60.0),
    ],
)
async def test_when_all_is_told(reason: str, looks: list[Look], ago: float, want: list[int], seconds: float) -> None:
    told = Told(Source(*looks), ago=ago)
    await told.story.run()
    assert (await told.numbers({}), told.time) == (want, seconds), reason


async def test_whether_a_job_goes_on_is_asked_every_three_seconds() -> None:
    told = Told(Source(), over_at=30)
    await told.story.run()
    assert (told.asked, told.time) == (11, 33)


def refused(code: str) -> AwsError:
    return AwsError(code=code, message="!", operation="GetLogEvents")


@pytest.mark.parametrize("error", [refused("ThrottlingException"), refused("InternalFailure"), KubeError("away")])
async def test_what_passes_is_waited_for(error: Exception) -> None:
    told = Told(Source(error, look(1)))
    await told.story.run()
    assert await told.numbers({}) == [1]


@pytest.mark.parametrize("error", [refused("AccessDeniedException"), RuntimeError("a mistake")])
async def test_what_does_not_pass_ends_it_for_all(error: Exception) -> None:
    told = Told(Source(look(1), error), over_at=100)
    await told.story.run()
    looks = told.story.looks({})
    assert await anext(looks) == look(1)
    with pytest.raises(UnreadableError, match=r"AccessDenied|RuntimeError"):
        await anext(looks)


async def test_nobody_reads_what_nobody_follows() -> None:
    stories = Stories(pace=Pace(sleep=lambda _: asyncio.sleep(0)))

    async def goes_on() -> float | None:
        return None

    source: Any = Source(look(1))
    async with stories.followed("key", source=source, ended_ago=goes_on) as first:
        async with stories.followed("key", source=source, ended_ago=goes_on) as second:
            assert first is second
        assert len(stories) == 1
    assert len(stories) == 0
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(left)
    assert all(task.cancelled() for task in left)


def test_a_reader_goes_on_behind_a_line_of_several_of_its_time() -> None:
    streams = LogStreams(group="g", prefix="", now=lambda: 0.0, excerpt=Excerpt(), start={KEY: Position(5, 2)})
    looking = streams.look()
    assert next(looking) == Ask(operation="DescribeLogStreams", request={"logGroupName": "g"})
    ask = looking.send({"logStreams": [{"logStreamName": "s"}]})
    assert (ask.request["startTime"], "nextToken" in ask.request) == (5, False)
    events = [{"timestamp": 5, "message": text} for text in "abcd"]
    looking.send({"events": events, "nextForwardToken": "f/1", "nextBackwardToken": "b/1"})
    with pytest.raises(StopIteration) as end:
        looking.send({"events": [], "nextForwardToken": "f/1", "nextBackwardToken": "b/1"})
    found: Look = end.value.value
    assert [(line.text, line.position) for line in found.lines] == [("c", Position(5, 3)), ("d", Position(5, 4))]
    assert found.before == {KEY: Position(5, 2)}
    assert found.after == streams.positions == {KEY: Position(5, 4)}


def test_the_last_lines_of_many_streams_are_no_more_than_fit_into_memory() -> None:
    streams = LogStreams(group="g", prefix="", now=lambda: 0.0, excerpt=Excerpt(tail=1000), most_characters=2000)
    looking = streams.look()
    next(looking)
    names = [f"s{number}" for number in range(3)]
    ask = looking.send({"logStreams": [{"logStreamName": name} for name in names]})
    pages = 0
    try:
        while True:
            at = int(ask.request.get("nextToken", "b/100")[2:])
            events = [{"timestamp": at - back, "message": "x" * 700} for back in (2, 1, 0)]
            pages += 1
            ask = looking.send({"events": events, "nextForwardToken": "f/1", "nextBackwardToken": f"b/{at - 3}"})
    except StopIteration as end:
        found: Look = end.value
    assert pages == 3, "there are more before, which can't be told"
    assert [(line.timestamp, line.position) for line in found.lines] == [(100, Position(100, 1))] * 2
    assert set(found.before.values()) == {Position(100, 0), Position(100, 1)}
