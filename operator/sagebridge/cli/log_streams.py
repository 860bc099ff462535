"""The log streams of a job or an endpoint in CloudWatch Logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import GetLogEventsResponseTypeDef

_STEERING: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")

# As web servers write it: SageMaker asks every few seconds.
# https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
_ANSWERED_PING: Final = re.compile(r'"GET /ping HTTP/[0-9.]+" 200\b')


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
        pings: Also access logs' lines of health checks that were answered.
    """

    since: int = 0
    tail: int | None = None
    pings: bool = False

    def takes(self, text: str) -> bool:
        """Tell whether a line is wanted for what it says."""
        return self.pings or not _ANSWERED_PING.search(text)


WHOLE: Final = Excerpt()


class JobLogs:
    """The log streams of one job or endpoint, read on from where the last call stopped.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html

    Attributes:
        group: The log group.
        prefix: What the names of the job's streams begin with; empty where the group is the endpoint's own.
    """

    def __init__(self, client: CloudWatchLogsClient, *, group: str, prefix: str, excerpt: Excerpt = WHOLE) -> None:
        self._client = client
        self.group = group
        self.prefix = prefix
        self._excerpt = excerpt
        self._tail = excerpt.tail
        self._positions: dict[str, str] = {}

    def new_lines(self) -> list[LogLine]:
        """Return what came since the last call, in order of time; nothing if there is no log yet.

        Raises:
            botocore.exceptions.ClientError: CloudWatch Logs refused.
        """
        tail = self._tail
        try:
            read = self._stream if tail is None else self._end_of_stream
            lines = [line for stream in self._streams() for line in read(stream)]
        except self._client.exceptions.ResourceNotFoundException:
            return []
        self._tail = None
        lines.sort(key=lambda line: line.timestamp)
        return lines if tail is None else lines[len(lines) - min(tail, len(lines)) :]

    def _streams(self) -> Iterator[str]:
        pages = self._client.get_paginator("describe_log_streams")
        narrowed = {"logStreamNamePrefix": self.prefix} if self.prefix else {}
        for page in pages.paginate(logGroupName=self.group, **cast("Any", narrowed)):
            yield from (stream["logStreamName"] for stream in page["logStreams"])

    def _stream(self, name: str) -> Iterator[LogLine]:
        """The lines after the position, up to the end: there the token comes back as it was given.

        Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        while True:
            token = self._positions.get(name)
            page = self._page(name, token=token, forward=True)
            yield from self._lines(name, page)
            self._positions[name] = page["nextForwardToken"]
            if page["nextForwardToken"] == token:
                return

    def _end_of_stream(self, name: str) -> list[LogLine]:
        """The last lines, read backwards until there are enough; the next ones come after them."""
        wanted = self._tail or 0
        page = self._page(name, token=None, forward=False)
        lines = list(self._lines(name, page))
        if page["events"]:
            self._positions[name] = page["nextForwardToken"]
        token = None
        while len(lines) < wanted and page["nextBackwardToken"] != token:
            token = page["nextBackwardToken"]
            page = self._page(name, token=token, forward=False)
            lines = [*self._lines(name, page), *lines]
        return lines

    def _page(self, name: str, *, token: str | None, forward: bool) -> GetLogEventsResponseTypeDef:
        given = {"nextToken": token, "startTime": self._excerpt.since}
        return self._client.get_log_events(
            logGroupName=self.group,
            logStreamName=name,
            startFromHead=forward,
            **cast("Any", {key: value for key, value in given.items() if value}),
        )

    def _lines(self, name: str, page: GetLogEventsResponseTypeDef) -> Iterable[LogLine]:
        for event in page["events"]:
            text = _STEERING.sub("", event["message"])
            if self._excerpt.takes(text):
                yield LogLine(timestamp=event["timestamp"], stream=name, text=text, label="" if self.prefix else name)
