"""The log streams of a job or an endpoint in CloudWatch Logs, read on from where one stopped.

What is to be asked comes out of a generator, and the replies go in: who calls AWS, and how, is the caller's.
"""

from __future__ import annotations

import re
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sagebridge.core.logs.cursor import Positions, before_lines, stream_key
from sagebridge.core.logs.lines import HEAD, WHOLE, Excerpt, LogLine, Position, last_lines, without_steering

# A stream without a line for so long is looked at in one of so many looks: an endpoint keeps the streams of all
# instances that it ever had. CloudWatch's word for the last line is older than the line by up to an hour, and more at
# times, so it can't tell that there is nothing.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
_QUIET_SECONDS: Final = 2 * 3600
_QUIET_LOOKS: Final = 30

Json = Mapping[str, Any]


class NotThereError(Exception):
    """The log group, or the stream, is not there: to be thrown into the generator in place of a reply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """A call of CloudWatch Logs that is to be made.

    Attributes:
        operation: The API's name.
        request: Its members, as the API names them.
    """

    operation: str
    request: Json


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What came with one look.

    Attributes:
        lines: In order of time.
        before: How far the streams were read before the first of them.
        after: And after the last one.
        is_complete: Whether all was read that was there; else one looks again at once.
        trouble: Why something could not be read now; empty if all could.
    """

    lines: Sequence[LogLine] = ()
    before: Positions = field(default_factory=dict)
    after: Positions = field(default_factory=dict)
    is_complete: bool = True
    trouble: str = ""


Looking = Generator[Ask, Json, Look]
Asking = Generator[Ask, Json, Json]


@dataclass(kw_only=True, slots=True)
class _Progress:
    """How far a stream was read.

    Attributes:
        start: The position that the reading began behind.
        at: The position of the last line that was read.
        token: The token behind what was read; empty for a stream that was empty.
        newest: The time of the newest line that was read, in milliseconds since 1970; 0 for none.
        said: The time of the last line as CloudWatch had it then; None while the stream was not read to its end.
    """

    start: Position = HEAD
    at: Position = HEAD
    token: str = ""
    newest: int = 0
    said: int | None = None

    def count(self, time: int) -> Position:
        """Go on to the next line, which has this time; its position."""
        self.at = Position(time, self.at.ordinal + 1 if time == self.at.time else 1)
        self.newest = max(self.newest, time)
        return self.at


class LogStreams:
    """The log streams of one job or endpoint.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html

    Attributes:
        group: The log group.
        prefix: What the names of the job's streams begin with: its name and a slash, or, of a search, its name and a
            hyphen, as its trials' names begin. Empty where the group is the endpoint's own.
    """

    def __init__(
        self,
        *,
        group: str,
        prefix: str,
        now: Callable[[], float],
        excerpt: Excerpt = WHOLE,
        names: re.Pattern[str] | None = None,
        start: Positions | None = None,
        most_characters: float = float("inf"),
        list_every: float = 0.0,
    ) -> None:
        """Begin to read.

        Args:
            group: The log group.
            prefix: What the names of the streams begin with.
            now: Seconds since 1970.
            excerpt: Which lines are wanted.
            names: What the whole names of the streams are like; None where the prefix says enough.
            start: How far the streams were read before.
            most_characters: How much one look gives, more or less, as `LogLine.size` counts it. The tail of the excerpt
                is given at once: what of it is more is left out.
            list_every: Seconds until one looks again which streams there are, once there are some.
        """
        self.group = group
        self.prefix = prefix
        self._names = names
        self._now = now
        self._excerpt = excerpt
        self._tail = excerpt.tail
        self._most = most_characters
        self._list_every = list_every
        self._progress = {key: _Progress(start=at, at=at) for key, at in (start or {}).items()}
        self._streams: list[Json] = []
        self._listed_at = float("-inf")
        self._pending: deque[Json] = deque()
        self._read: list[LogLine] = []
        self._size = 0
        self._before: Positions = {}
        self._looks = 0

    @property
    def positions(self) -> Positions:
        """How far the streams were read."""
        reached = {key: max(one.at, one.start) for key, one in self._progress.items()}
        return {key: at for key, at in reached.items() if at > HEAD}

    def look(self, *, thorough: bool = False) -> Looking:
        """Read what came since the last look; nothing if there is no log yet.

        After a failure the next look goes on where this one stopped.

        Args:
            thorough: Whether to look also at streams that have long been quiet, which otherwise only some looks do.
        """
        before: Positions = self._before if self._read else self.positions
        self._before = before
        try:
            yield from self._look(thorough=thorough)
        except BaseException:
            self._pending.clear()
            raise
        tail, self._tail = self._tail, None
        lines, self._read, self._size = sorted(self._read, key=lambda line: line.timestamp), [], 0
        if tail is not None:
            before = before_lines(lines, self.positions)
        return Look(lines=lines, before=before, after=self.positions, is_complete=not self._pending)

    def _look(self, *, thorough: bool) -> Generator[Ask, Json, None]:
        if not self._pending:
            self._looks += 1
            yield from self._list()
            self._pending.extend(one for one in self._streams if thorough or self._is_due(one))
        while self._pending:
            yield from self._look_at(self._pending[0])
            if self._tail is not None:
                self._read = last_lines(self._read, self._tail, most_characters=self._most)
            if self._is_full:
                return
            self._pending.popleft()

    @property
    def _is_full(self) -> bool:
        return self._tail is None and self._size >= self._most

    def _list(self) -> Generator[Ask, Json, None]:
        if self._streams and self._now() - self._listed_at < self._list_every:
            return
        found: list[Json] = []
        request = {"logGroupName": self.group} | ({"logStreamNamePrefix": self.prefix} if self.prefix else {})
        try:
            page = yield Ask(operation="DescribeLogStreams", request=request)
            while True:
                found += page["logStreams"]
                if not page.get("nextToken"):
                    break
                page = yield Ask(operation="DescribeLogStreams", request={**request, "nextToken": page["nextToken"]})
        except NotThereError:
            pass  # no log group yet
        names = self._names
        self._streams = [one for one in found if names is None or names.fullmatch(one["logStreamName"])]
        if self._listed_at == float("-inf"):
            self._forget_others()
        self._listed_at = self._now()

    def _forget_others(self) -> None:
        """Forget positions that one came with and that are no stream's: anybody may write a cursor."""
        keys = {stream_key(one["logStreamName"]) for one in self._streams}
        self._progress = {key: progress for key, progress in self._progress.items() if key in keys}

    def _is_due(self, stream: Json) -> bool:
        progress = self._progress.get(stream_key(stream["logStreamName"]))
        said = stream.get("lastEventTimestamp", 0)
        if progress is None or said != progress.said:
            return True
        newest = max(said, progress.newest, stream.get("creationTime", 0))
        turn = zlib.crc32(stream["logStreamName"].encode()) % _QUIET_LOOKS
        return newest >= (self._now() - _QUIET_SECONDS) * 1000 or self._looks % _QUIET_LOOKS == turn

    def _look_at(self, stream: Json) -> Generator[Ask, Json, None]:
        name = stream["logStreamName"]
        try:
            if self._tail is None or stream_key(name) in self._progress:
                yield from self._go_on(name)
            else:
                yield from self._begin_at_end(name, wanted=self._tail)
        except NotThereError:
            return  # it was deleted since it was listed
        if not self._is_full:
            self._progress[stream_key(name)].said = stream.get("lastEventTimestamp", 0)

    def _go_on(self, name: str) -> Generator[Ask, Json, None]:
        """Read the lines after the position, up to the end: there the token comes back as it was given.

        Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        progress = self._progress.setdefault(stream_key(name), _Progress())
        progress.said = None
        while not self._is_full:
            token = progress.token
            page = yield self._ask(name, progress, token=token, forward=True)
            if not token:
                # The first page shows again all lines that have the time of the last one.
                progress.at = Position(progress.start.time, 0)
            self._take(name, progress, page["events"], behind=progress.start)
            progress.token = page["nextForwardToken"]
            if progress.token == token:
                return

    def _begin_at_end(self, name: str, *, wanted: int) -> Generator[Ask, Json, None]:
        """Read the last lines, backwards until there are enough; the next ones come after them.

        A page may be empty although there are lines behind it, so only a line, or a token that comes back unchanged,
        shows whether there is a past. Where there is none, the next lines are the stream's first. Which of its time
        the first line is can't be told, unless the stream begins with it: so it takes one of another time behind it.
        """
        progress = _Progress()
        page = yield self._ask(name, progress, token="", forward=False)
        end, token = page["nextForwardToken"], ""
        events = list(page["events"])
        while not self._has_enough(events, wanted) and page["nextBackwardToken"] != token:
            if _size(events) >= self._most:
                events = _without_first(events)
                break
            token = page["nextBackwardToken"]
            page = yield self._ask(name, progress, token=token, forward=False)
            events = [*page["events"], *events]
        self._take(name, progress, events, behind=HEAD)
        progress.token = end if events else ""
        self._progress[stream_key(name)] = progress

    def _has_enough(self, events: Sequence[Json], wanted: int) -> bool:
        later = _later(events)
        taken = (event for event in later if self._excerpt.takes(without_steering(event["message"])))
        return bool(later) and sum(1 for _ in taken) >= wanted

    def _ask(self, name: str, progress: _Progress, *, token: str, forward: bool) -> Ask:
        given = {"nextToken": token, "startTime": max(self._excerpt.since, progress.start.time)}
        request = {"logGroupName": self.group, "logStreamName": name, "startFromHead": forward}
        return Ask(operation="GetLogEvents", request=request | {key: value for key, value in given.items() if value})

    def _take(self, name: str, progress: _Progress, events: Sequence[Json], *, behind: Position) -> None:
        for line in self._lines(name, progress, events):
            if line.position > behind:
                self._read.append(line)
                self._size += line.size

    def _lines(self, name: str, progress: _Progress, events: Sequence[Json]) -> Iterator[LogLine]:
        label = self._label(name)
        for event in events:
            text, position = without_steering(event["message"]), progress.count(event["timestamp"])
            if self._excerpt.takes(text):
                yield LogLine(timestamp=event["timestamp"], stream=name, text=text, label=label, position=position)

    def _label(self, name: str) -> str:
        """What tells a line from others of the same log: of an endpoint the stream, of a search the trial's job."""
        if not self.prefix:
            return name
        return name.partition("/")[0] if self.prefix.endswith("-") else ""


def _later(events: Sequence[Json]) -> list[Json]:
    """The lines behind those that have the time of the first."""
    return [event for event in events if event["timestamp"] > events[0]["timestamp"]]


def _without_first(events: list[Json]) -> list[Json]:
    """Lines of which each can be counted among those of its time; all, where that would leave none."""
    return _later(events) or events


def _size(events: Sequence[Json]) -> int:
    return sum(len(event["message"]) for event in events)
