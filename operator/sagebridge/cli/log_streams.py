"""The log streams of a job or an endpoint in CloudWatch Logs."""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from sagebridge.cli.health_checks import is_answered_health_check

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef, LogStreamTypeDef

_STEERING: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")

# A stream without a line for so long is looked at in one of so many looks: an endpoint keeps the streams of all
# instances that it ever had. CloudWatch's word for the last line is older than the line by up to an hour, and more at
# times, so it can't tell that there is nothing.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
_QUIET_SECONDS: Final = 2 * 3600
_QUIET_LOOKS: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """A line of a job's log.

    Attributes:
        timestamp: When it was printed, in milliseconds since 1970.
        stream: The log stream: ``<job>/<host>-<epoch>``, or of an endpoint ``<variant>/<instance>[/<container>]``.
        text: What was printed, without characters that would steer a terminal.
        label: What to begin the line with: the stream of an endpoint, since its variants answer side by side.
    """

    timestamp: int
    stream: str
    text: str
    label: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Excerpt:
    """Which lines are wanted.

    Attributes:
        since: Those printed from then on, in milliseconds since 1970; 0 for all.
        tail: Of those that are there at first, how many, counted from the end; None for all.
        pings: Also the web server's lines of health checks that were answered.
    """

    since: int = 0
    tail: int | None = None
    pings: bool = True

    def takes(self, text: str) -> bool:
        """Tell whether a line is wanted for what it says."""
        return self.pings or not is_answered_health_check(text)


WHOLE: Final = Excerpt()


@dataclass(kw_only=True, slots=True)
class _Progress:
    """How far a stream was read.

    Attributes:
        position: The token behind what was read; empty for a stream that was empty.
        newest: The time of the newest line that was read, in milliseconds since 1970; 0 for none.
        said: The time of the last line as CloudWatch had it then; None while the stream was not read to its end.
    """

    position: str = ""
    newest: int = 0
    said: int | None = None


class JobLogs:
    """The log streams of one job or endpoint, read on from where the last call stopped.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html

    Attributes:
        group: The log group.
        prefix: What the names of the job's streams begin with; empty where the group is the endpoint's own.
    """

    def __init__(
        self,
        client: CloudWatchLogsClient,
        *,
        group: str,
        prefix: str,
        excerpt: Excerpt = WHOLE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self.group = group
        self.prefix = prefix
        self._excerpt = excerpt
        self._now = now
        self._tail = excerpt.tail
        self._progress: dict[str, _Progress] = {}
        self._read: list[LogLine] = []
        self._looks = 0

    def new_lines(self, *, thorough: bool = False) -> list[LogLine]:
        """Return what came since the last call, in order of time; nothing if there is no log yet.

        After a failure the next call goes on where this one stopped.

        Args:
            thorough: Whether to look also at streams that have long been quiet, which otherwise only some calls do.

        Raises:
            botocore.exceptions.ClientError: CloudWatch Logs refused.
        """
        self._looks += 1
        try:
            for stream in self._streams():
                if thorough or self._is_due(stream):
                    self._look_at(stream)
        except self._client.exceptions.ResourceNotFoundException:
            pass  # no log group yet
        tail, self._tail = self._tail, None
        lines, self._read = sorted(self._read, key=lambda line: line.timestamp), []
        return lines if tail is None else lines[len(lines) - min(tail, len(lines)) :]

    def _streams(self) -> Iterator[LogStreamTypeDef]:
        pages = self._client.get_paginator("describe_log_streams")
        narrowed = {"logStreamNamePrefix": self.prefix} if self.prefix else {}
        for page in pages.paginate(logGroupName=self.group, **cast("Any", narrowed)):
            yield from page["logStreams"]

    def _is_due(self, stream: LogStreamTypeDef) -> bool:
        progress = self._progress.get(stream["logStreamName"])
        said = stream.get("lastEventTimestamp", 0)
        if progress is None or said != progress.said:
            return True
        newest = max(said, progress.newest, stream.get("creationTime", 0))
        turn = zlib.crc32(stream["logStreamName"].encode()) % _QUIET_LOOKS
        return newest >= (self._now() - _QUIET_SECONDS) * 1000 or self._looks % _QUIET_LOOKS == turn

    def _look_at(self, stream: LogStreamTypeDef) -> None:
        name = stream["logStreamName"]
        try:
            if self._tail is None or name in self._progress:
                self._go_on(name)
            else:
                self._begin_at_end(name, wanted=self._tail)
        except self._client.exceptions.ResourceNotFoundException:
            return  # it was deleted since it was listed
        self._progress[name].said = stream.get("lastEventTimestamp", 0)

    def _go_on(self, name: str) -> None:
        """Read the lines after the position, up to the end: there the token comes back as it was given.

        Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        progress = self._progress.setdefault(name, _Progress())
        progress.said = None
        while True:
            token = progress.position
            page = self._page(name, token=token, forward=True)
            self._read.extend(self._lines(name, page))
            progress.newest = _newest(page, progress.newest)
            progress.position = page["nextForwardToken"]
            if progress.position == token:
                return

    def _begin_at_end(self, name: str, *, wanted: int) -> None:
        """Read the last lines, backwards until there are enough; the next ones come after them.

        A page may be empty although there are lines behind it, so only a line, or a token that comes back unchanged,
        shows whether there is a past. Where there is none, the next lines are the stream's first.
        """
        page = self._page(name, token="", forward=False)
        end = page["nextForwardToken"]
        lines, newest, token = list(self._lines(name, page)), _newest(page), ""
        while (len(lines) < wanted or not newest) and page["nextBackwardToken"] != token:
            token = page["nextBackwardToken"]
            page = self._page(name, token=token, forward=False)
            lines, newest = [*self._lines(name, page), *lines], _newest(page, newest)
        self._read.extend(lines)
        self._progress[name] = _Progress(position=end if newest else "", newest=newest)

    def _page(self, name: str, *, token: str, forward: bool) -> GetLogEventsResponseTypeDef:
        given = {"nextToken": token, "startTime": self._excerpt.since}
        return self._client.get_log_events(
            logGroupName=self.group,
            logStreamName=name,
            startFromHead=forward,
            **cast("Any", {key: value for key, value in given.items() if value}),
        )

    def _lines(self, name: str, page: GetLogEventsResponseTypeDef) -> Iterator[LogLine]:
        for event in page["events"]:
            text = _STEERING.sub("", event["message"])
            if self._excerpt.takes(text):
                yield LogLine(timestamp=event["timestamp"], stream=name, text=text, label="" if self.prefix else name)


def _newest(page: GetLogEventsResponseTypeDef, before: int = 0) -> int:
    return max([before, *(event["timestamp"] for event in page["events"])])
