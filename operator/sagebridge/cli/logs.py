"""``sagebridge logs``: what a job's script or an endpoint's containers printed, from CloudWatch Logs, as it comes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn, cast

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.core.conditions import COMPLETE, FAILED, READY, STALLED, find, is_true
from sagebridge.core.job import Job

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

POLL_SECONDS: Final = 1.0

_STEERING: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0a-\x1f\x7f-\x9f]")

app = typer.Typer(name="logs", add_completion=False)


class LogsError(Exception):
    """The logs can't be shown; the message says why."""


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


class JobLogs:
    """The log streams of one job or endpoint, read on from where the last call stopped.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html

    Attributes:
        group: The log group.
        prefix: What the names of the job's streams begin with; empty where the group is the endpoint's own.
    """

    def __init__(self, client: CloudWatchLogsClient, *, group: str, prefix: str) -> None:
        self._client = client
        self.group = group
        self.prefix = prefix
        self._positions: dict[str, str] = {}

    def new_lines(self) -> list[LogLine]:
        """Return what came since the last call, in order of time; nothing if there is no log yet.

        Raises:
            botocore.exceptions.ClientError: CloudWatch Logs refused.
        """
        try:
            lines = [line for stream in self._streams() for line in self._stream(stream)]
        except self._client.exceptions.ResourceNotFoundException:
            return []
        return sorted(lines, key=lambda line: line.timestamp)

    def _streams(self) -> Iterator[str]:
        pages = self._client.get_paginator("describe_log_streams")
        narrowed = {"logStreamNamePrefix": self.prefix} if self.prefix else {}
        for page in pages.paginate(logGroupName=self.group, **cast("Any", narrowed)):
            yield from (stream["logStreamName"] for stream in page["logStreams"])

    def _stream(self, name: str) -> Iterator[LogLine]:
        while True:
            token = self._positions.get(name)
            position = {"nextToken": token} if token else {}
            page = self._client.get_log_events(
                logGroupName=self.group,
                logStreamName=name,
                startFromHead=True,
                **cast("Any", position),
            )
            for event in page["events"]:
                text = _STEERING.sub("", event["message"])
                yield LogLine(timestamp=event["timestamp"], stream=name, text=text, label="" if self.prefix else name)
            self._positions[name] = page["nextForwardToken"]
            if page["nextForwardToken"] == token or not page["events"]:
                return


def logs_of(job: Job) -> tuple[str, str] | None:
    """Return the log group and the prefix of the log streams of a job's last attempt; None before the first one."""
    logs = job.status.get("logs") or {}
    return (logs["groupName"], logs["streamPrefix"]) if {"groupName", "streamPrefix"} <= logs.keys() else None


def is_over(job: Job) -> bool:
    """Tell whether nothing more will happen to a job unless somebody acts."""
    return any(is_true(job.conditions, kind) for kind in (COMPLETE, FAILED, STALLED))


def stream_lines(
    read: Callable[[], Job], *, client: Callable[[Job], CloudWatchLogsClient], follow: bool, pause: Callable[[], None]
) -> Iterator[LogLine]:
    """Yield a job's lines, all that there are, or as they come until the job is over.

    Args:
        read: Returns the object as it is now.
        client: Makes the client for the job's region.
        follow: Whether to go on while the job runs.
        pause: Waits between two looks.

    Raises:
        LogsError: There is no log yet, and it is not to be waited for.
    """
    reader: JobLogs | None = None
    ended = False
    while True:
        job = read()
        where = logs_of(job)
        if where and (reader is None or reader.prefix != where[1]):
            reader = JobLogs(client(job), group=where[0], prefix=where[1])
        if reader:
            yield from reader.new_lines()
        if ended or not follow:
            break
        ended = is_over(job)  # one more look after the end: the last lines come late
        pause()
    if reader is None:
        raise LogsError(_why_none(job))


def _why_none(job: Job) -> str:
    ready = find(job.conditions, READY) or {}
    return f"{job.name} has no log yet: {ready.get('message') or 'the operator has not looked at it.'}"


@app.command()
def logs(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A TrainingJob's NAME, or KIND/NAME such as processingjob/NAME or smep/NAME."
        ),
    ],
    *,
    namespace: Annotated[str, typer.Option("--namespace", "-n", help="Its namespace; kubectl's by default.")] = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come, until a job is over.")] = False,
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")] = False,
) -> None:
    """Print what a job's script, or an endpoint's containers, printed."""
    try:
        lines = stream_lines(
            lambda: _read(name, namespace=namespace),
            client=_client,
            follow=follow,
            pause=lambda: time.sleep(POLL_SECONDS),
        )
        for line in lines:
            parts = [_time(line) if timestamps else "", line.label and f"[{line.label}]"]
            typer.echo(" ".join([*filter(None, parts), line.text]))
    except LogsError as error:
        _fail(str(error))
    except (ClientError, BotoCoreError) as error:
        _fail(f"CloudWatch Logs can't be read with this shell's credentials: {error}")
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _read(name: str, *, namespace: str) -> Job:
    resource = name if "/" in name else f"trainingjob/{name}"
    command = ["kubectl", "get", resource, "--output=json", *([f"--namespace={namespace}"] if namespace else [])]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    except FileNotFoundError as error:
        raise LogsError("kubectl is not on the PATH.") from error
    if answer.returncode != 0:
        raise LogsError(_last_words(answer.stderr))
    body: Mapping[str, Any] = json.loads(answer.stdout)
    return Job.parse(body)


def _last_words(stderr: str) -> str:
    """What kubectl says in the end, without its prefix: before that it may log each of its attempts."""
    lines = stderr.strip().splitlines() or ["kubectl failed and said nothing."]
    return re.sub(r"^(error: )?(Error from server \(\w+\): )?", "", lines[-1])


def _client(job: Job) -> CloudWatchLogsClient:
    region = job.status.get("region") or os.environ.get("AWS_REGION")
    return boto3.client("logs", region_name=region)


def _time(line: LogLine) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(line.timestamp / 1000))


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)
