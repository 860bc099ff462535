"""Follows the log of a job through its attempts, line by line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from sagebridge.core.errors import NotAllowedError
from sagebridge.core.job import Attempt, Job
from sagebridge.core.logs.cursor import Cursor, CursorError, Track, is_behind, stream_key
from sagebridge.core.logs.lines import LogLine
from sagebridge.core.logs.streams import Look
from sagebridge.kube.errors import KubeError
from sagebridge.logs.access import Wanted
from sagebridge.logs.jobs import Jobs, created, ended_ago, ending
from sagebridge.logs.limits import Slots
from sagebridge.logs.source import Source
from sagebridge.logs.story import BehindError, EndedAgo, Pace, Stories, UnreadableError, look_at

_CATCHING_UP: Final = 32
_CATCHING_UP_OF_NAMESPACE: Final = 4
"""So many read what was before them at once, until they have told it: that is what takes memory."""

_PIECE_LINES: Final = 256
_PIECE_CHARACTERS: Final = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What of a log is wanted.

    Attributes:
        follow: Whether to go on as lines come, until the job is over.
        after: Go on behind this; None to begin with the last attempt.
        tail: Of what is there at first, how many lines from the end; None for all. Not with `after`.
    """

    follow: bool = False
    after: Cursor | None = None
    tail: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A line, and the cursor behind it."""

    line: LogLine
    cursor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """The job is over, and its last line was told; `reason` is its Ready condition's."""

    reason: str


@dataclass(kw_only=True, slots=True)
class _Reading:
    """How far a follower has come in an attempt's log."""

    wanted: Wanted
    job: Job
    attempt: Attempt
    track: Track
    tail: int | None
    follow: bool

    def begin(self, look: Look) -> None:
        """Go to where a look has begun, if it has left something out, and forget what is no stream of the job."""
        if self.tail is not None:
            self.track = Track(attempt=self.attempt.number, positions=look.before)
            self.tail = None
        self.track.keep(look.after.keys())

    async def told(self, look: Look) -> AsyncGenerator[list[Told], None]:
        """What is new of a look, which counts as told once all of it was taken: piece by piece, others come between."""
        piece: list[Told] = []
        size = 0
        for line in look.lines:
            if is_behind(self.track.positions, line):
                piece.append(self._told(line))
                size += len(line.text) + len(piece[-1].cursor)
            if len(piece) >= _PIECE_LINES or size >= _PIECE_CHARACTERS:
                yield piece
                piece, size = [], 0
                await asyncio.sleep(0)
        self.track.reach(look.after)
        if piece:
            yield piece

    def _told(self, line: LogLine) -> Told:
        self.track.reach({stream_key(line.stream): line.position})
        return Told(line=line, cursor=self.track.cursor())


class Follower:
    """Follows logs, with others that follow the same."""

    def __init__(self, *, jobs: Jobs, stories: Stories, pace: Pace) -> None:
        self._jobs = jobs
        self._stories = stories
        self._pace = pace
        self._catching_up = Slots(in_all=_CATCHING_UP, of_namespace=_CATCHING_UP_OF_NAMESPACE)

    async def follow(self, wanted: Wanted, job: Job, wish: Wish) -> AsyncGenerator[list[Told] | End, None]:
        """The lines of a job that has begun, and its end.

        Args:
            wanted: Which object it is.
            job: The object, which has an attempt that was created.
            wish: What is wanted; the job has the attempt of its cursor (see `check`).

        Raises:
            UnreadableError: Nothing more comes.
        """
        attempt = _first(job, wish.after)
        reading = _Reading(
            wanted=wanted,
            job=job,
            attempt=attempt,
            track=Track(attempt=attempt.number, positions=wish.after.positions if wish.after else {}),
            tail=wish.tail,
            follow=wish.follow,
        )
        while True:
            async with aclosing(self._lines(reading)) as lines:
                async for told in lines:
                    yield told
            now = await self._afterwards(reading)
            later = _next(now, reading.attempt)
            if now is not None and later is not None:
                reading.job, reading.attempt, reading.tail = now, later, None
                reading.track = Track(attempt=later.number, positions={})
                continue
            if now is None or now.is_finished:
                yield End(reason=ending(now))
            return

    async def _lines(self, reading: _Reading) -> AsyncGenerator[list[Told], None]:
        """The lines of one attempt, all that there are, or until nothing more is done in it."""
        source = self._source(reading)
        while True:
            async with aclosing(self._catch_up(source, reading)) as caught_up:
                async for told in caught_up:
                    yield told
            if not reading.follow:
                return
            key = (reading.job.uid, reading.attempt.number)
            async with self._stories.followed(key, source=source, ended_ago=self._ended_ago(reading)) as story:
                try:
                    async for look in story.looks(reading.track.positions):
                        async for told in reading.told(look):
                            yield told
                except BehindError:
                    # What is gone may be known to this source already, and to the story in a moment only.
                    await self._pace.sleep(self._pace.pause)
                    source = self._source(reading)
                else:
                    return

    async def _catch_up(self, source: Source, reading: _Reading) -> AsyncGenerator[list[Told], None]:
        """What is there, in parts that fit into memory."""
        is_complete = False
        while not is_complete:
            async with self._catching_up.taken(reading.wanted.namespace):
                look = await look_at(source, thorough=True)
                if look is not None:
                    is_complete = look.is_complete
                    reading.begin(look)
                    async for told in reading.told(look):
                        yield told
            if look is None:
                await self._pace.sleep(self._pace.after_failure)

    def _source(self, reading: _Reading) -> Source:
        try:
            return self._jobs.source(
                reading.wanted, reading.job, reading.attempt, start=reading.track.positions, tail=reading.tail
            )
        except NotAllowedError as error:
            raise UnreadableError(str(error)) from None

    def _ended_ago(self, reading: _Reading) -> EndedAgo:
        wanted, uid, attempt = reading.wanted, reading.job.uid, reading.attempt

        async def ask() -> float | None:
            return ended_ago(await self._jobs.read(wanted, uid=uid), attempt.number)

        return ask

    async def _afterwards(self, reading: _Reading) -> Job | None:
        """The job after an attempt: once it is over, or there is another attempt, if it is followed."""
        while True:
            try:
                job = await self._jobs.read(reading.wanted, uid=reading.job.uid)
            except KubeError:
                await self._pace.sleep(self._pace.after_failure)
                continue
            if not reading.follow or job is None or job.is_finished or _next(job, reading.attempt):
                return job
            await self._pace.sleep(self._pace.ask)


def check(job: Job, after: Cursor | None) -> None:
    """See that a cursor fits a job.

    Raises:
        CursorError: It is another job's.
    """
    _first(job, after)


def _first(job: Job, after: Cursor | None) -> Attempt:
    attempts = created(job)
    number = after.attempt if after else attempts[-1].number
    found = next((attempt for attempt in attempts if attempt.number == number), None)
    if found is None:
        raise CursorError(f"after: the job has no attempt {number}")
    return found


def _next(job: Job | None, attempt: Attempt) -> Attempt | None:
    return next((one for one in created(job) if one.number > attempt.number), None) if job else None
