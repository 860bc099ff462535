"""Log lines to CloudWatch Logs, in the group and streams where SageMaker puts them.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html and
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (limits of a batch)
"""

from __future__ import annotations

import itertools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from botocore.exceptions import BotoCoreError, ClientError
from sagebridge.runtime.s3 import Connection, client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

LOG_GROUP: Final = "/aws/sagemaker/TrainingJobs"

_BATCH_EVENTS: Final = 10_000
_BATCH_BYTES: Final = 1_048_576
_EVENT_OVERHEAD: Final = 26

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """A line, and when it came, in milliseconds since 1970."""

    timestamp: int
    text: str
    error: bool = False


def logs_client(connection: Connection) -> CloudWatchLogsClient:
    """The shared, thread-safe client for CloudWatch Logs."""
    return cast("CloudWatchLogsClient", client(connection, "logs"))


class LogStream:
    """One host's stream. All methods block; trouble with the service is logged and never ends the run."""

    def __init__(self, client: CloudWatchLogsClient, *, name: str, group: str = LOG_GROUP) -> None:
        self._client = client
        self._group = group
        self.name = name

    def create(self) -> None:
        """Make the group and the stream, unless they are there."""
        try:
            self._unless_there(self._client.create_log_group, logGroupName=self._group)
            self._unless_there(self._client.create_log_stream, logGroupName=self._group, logStreamName=self.name)
        except (ClientError, BotoCoreError) as error:
            _logger.warning("the log stream %s can't be made: %s", self.name, error)

    def put(self, lines: Sequence[LogLine]) -> None:
        """Send the lines, in batches as large as the service takes."""
        for batch in batches(lines):
            try:
                self._client.put_log_events(logGroupName=self._group, logStreamName=self.name, logEvents=batch)
            except (ClientError, BotoCoreError) as error:
                _logger.warning("%d lines are lost for the log stream %s: %s", len(batch), self.name, error)

    def _unless_there(self, create: object, **names: str) -> None:
        assert callable(create)  # a method of the client
        try:
            create(**names)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceAlreadyExistsException":
                raise


def batches(lines: Iterable[LogLine]) -> Iterator[list[InputLogEventTypeDef]]:
    """Events for PutLogEvents: at most 10,000 and 1 MiB in each batch, no empty ones among them."""
    size, batch = 0, list[LogLine]()
    for line in lines:
        if not line.text:
            continue
        weight = len(line.text.encode()) + _EVENT_OVERHEAD
        if batch and (size + weight > _BATCH_BYTES or len(batch) == _BATCH_EVENTS):
            yield _events(batch)
            size, batch = 0, []
        size += weight
        batch.append(line)
    if batch:
        yield _events(batch)


def stream_name(job: str, host: str, *, epoch_seconds: int) -> str:
    """The stream of a host: <job>/<host>-<epoch>."""
    return f"{job}/{host}-{epoch_seconds}"


def _events(batch: Iterable[LogLine]) -> list[InputLogEventTypeDef]:
    # The service refuses a batch that is not in order of time.
    ordered = itertools.accumulate(
        batch, lambda last, line: line if line.timestamp >= last.timestamp else _at(line, last)
    )
    return [{"timestamp": line.timestamp, "message": line.text} for line in ordered]


def _at(line: LogLine, last: LogLine) -> LogLine:
    return LogLine(timestamp=last.timestamp, text=line.text, error=line.error)
