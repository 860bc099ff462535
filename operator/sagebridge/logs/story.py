"""What is read of one attempt's log as it comes: once, for all who follow it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Final

from sagebridge.core.errors import AwsError, ErrorClass, NotAllowedError
from sagebridge.core.logs.cursor import Positions, reaches
from sagebridge.core.logs.streams import Look
from sagebridge.kube.errors import KubeError, RefusedError
from sagebridge.logs.source import Source

logger = logging.getLogger(__name__)

_KEPT_CHARACTERS: Final = 1 << 18
_POSITION_CHARACTERS: Final = 256
_PASSING: Final = (ErrorClass.FAST_RETRY, ErrorClass.SLOW_RETRY)
_TROUBLE_SECONDS: Final = 60.0
_LONG_AGO_SECONDS: Final = 60.0

EndedAgo = Callable[[], Awaitable[float | None]]
"""Seconds since what is read has ended; None while it goes on."""


class UnreadableError(Exception):
    """The log can't be read, and waiting does not help; the message says why."""


class BehindError(Exception):
    """What the follower needs next is no longer kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often one looks.

    Attributes:
        pause: Seconds between two looks.
        after_failure: Seconds to wait after a look that failed.
        ask: Seconds between two questions whether the job goes on.
        clock: Seconds, monotonic.
        sleep: Waits for so many seconds.
    """

    pause: float = 1.0
    after_failure: float = 3.0
    ask: float = 3.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)


class Story:
    """The newest part of a log, while somebody follows it."""

    def __init__(self, *, source: Source, ended_ago: EndedAgo, pace: Pace) -> None:
        """Begin where the source has come to."""
        self._source = source
        self._ended_ago = ended_ago
        self._pace = pace
        self._floor = dict(source.positions)
        self._reached = dict(source.positions)
        self._looks: deque[Look] = deque()
        self._first = 0
        self._size = 0
        self._failure = ""
        self._is_told = False
        self._asked_at = -math.inf
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Read until the log is whole, or can't be read."""
        try:
            await self._read()
            self._is_told = True
        except UnreadableError as error:
            self._failure = str(error)
        except Exception as error:
            logger.exception("A log can't be read")
            self._failure = f"the log can't be read: {type(error).__name__}"
        finally:
            self._tell()

    async def looks(self, positions: Positions) -> AsyncGenerator[Look, None]:
        """What comes after the positions, until the log is whole.

        Raises:
            BehindError: Something between them and what is kept is gone: it has to be read otherwise.
            UnreadableError: Nothing more comes.
        """
        there = self._source.positions.keys()
        if not reaches(positions, {key: at for key, at in self._floor.items() if key in there}):
            raise BehindError
        at = self._first
        while True:
            while at < self._first + len(self._looks):
                yield self._looks[at - self._first]
                at += 1
                if at < self._first:
                    raise BehindError
            if self._failure:
                raise UnreadableError(self._failure)
            if self._is_told:
                return
            await self._news.wait()
            if at < self._first:
                raise BehindError

    async def _read(self) -> None:
        quiet_since: float | None = None
        while True:
            quiet_since = await self._end() if quiet_since is None else quiet_since
            look = await look_at(self._source, thorough=quiet_since is not None)
            if look is None:
                await self._pace.sleep(self._pace.after_failure)
                continue
            if look.lines:
                self._keep(look)
                quiet_since = None if quiet_since is None else max(quiet_since, self._pace.clock())
            if quiet_since is not None and self._is_whole(look, quiet_since):
                return
            if look.is_complete:
                await self._pace.sleep(self._pace.pause)

    def _is_whole(self, look: Look, quiet_since: float) -> bool:
        settle = _TROUBLE_SECONDS if look.trouble else self._source.settle_seconds
        return look.is_complete and self._pace.clock() - quiet_since >= settle

    async def _end(self) -> float | None:
        """Since when no more lines were printed, by our clock; None while some may be."""
        if self._pace.clock() - self._asked_at < self._pace.ask:
            return None
        self._asked_at = self._pace.clock()
        try:
            ago = await self._ended_ago()
        except KubeError as error:
            logger.debug("Whether a job is over can't be told now: %s", error)
            return None
        return None if ago is None else self._pace.clock() - (ago if ago > _LONG_AGO_SECONDS else 0.0)

    def _keep(self, look: Look) -> None:
        """Keep a look, and of its positions those that have moved: there may be thousands that have not."""
        moved = {key: at for key, at in look.after.items() if at != self._reached.get(key)}
        self._reached |= moved
        look = replace(look, before={}, after=moved)
        self._looks.append(look)
        self._size += _size(look)
        while self._size > _KEPT_CHARACTERS and len(self._looks) > 1:
            gone = self._looks.popleft()
            self._first += 1
            self._size -= _size(gone)
            self._floor |= gone.after
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Stories:
    """The stories that somebody follows, each read by a task of its own."""

    def __init__(self, *, pace: Pace) -> None:
        self._pace = pace
        self._stories: dict[Hashable, Story] = {}
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}
        self._followers: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._stories)

    @contextlib.asynccontextmanager
    async def followed(self, key: Hashable, *, source: Source, ended_ago: EndedAgo) -> AsyncIterator[Story]:
        """The story of this key: the one that there is, or one that goes on from where the source has come to."""
        if key not in self._stories:
            story = Story(source=source, ended_ago=ended_ago, pace=self._pace)
            self._stories[key] = story
            self._tasks[key] = asyncio.create_task(story.run())
            self._followers[key] = 0
        self._followers[key] += 1
        try:
            yield self._stories[key]
        finally:
            self._followers[key] -= 1
            if not self._followers[key]:
                del self._stories[key], self._followers[key]
                self._tasks.pop(key).cancel()


async def look_at(source: Source, *, thorough: bool) -> Look | None:
    """What came; None if nothing can be read now, but may be later.

    Raises:
        UnreadableError: Waiting does not help.
    """
    try:
        return await source.look(thorough=thorough)
    except AwsError as error:
        if error.error_class not in _PASSING:
            raise UnreadableError(str(error)) from None
        logger.info("A log can't be read now: %s", error)
    except (NotAllowedError, RefusedError) as error:
        raise UnreadableError(str(error)) from None
    except KubeError as error:
        logger.info("A log can't be read now: %s", error)
    return None


def _size(look: Look) -> int:
    return sum(line.size for line in look.lines) + _POSITION_CHARACTERS * len(look.after)
