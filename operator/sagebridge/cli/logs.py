"""``sagebridge logs``: what a job's script or an endpoint's containers printed, from CloudWatch Logs, as it comes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.cli.durations import seconds_of
from sagebridge.cli.failures import is_about_credentials, passes_by_itself
from sagebridge.cli.log_streams import WHOLE, Excerpt, JobLogs, LogLine
from sagebridge.cli.objects import NamedObject, ObjectDeletedError, ObjectError
from sagebridge.core.conditions import COMPLETE, FAILED, READY, STALLED, find, is_true
from sagebridge.core.job import Job

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

POLL_SECONDS: Final = 1.0

_SERVING_KINDS: Final = ("Endpoint", "BatchTransform")
"""The kinds whose containers SageMaker asks for their health."""

app = typer.Typer(name="logs", add_completion=False)


class LogsError(Exception):
    """The logs can't be shown; the message says why."""


def logs_of(job: Job) -> tuple[str, str] | None:
    """Return the log group and the prefix of the log streams of a job's last attempt; None before the first one."""
    logs = job.status.get("logs") or {}
    return (logs["groupName"], logs["streamPrefix"]) if {"groupName", "streamPrefix"} <= logs.keys() else None


def is_over(job: Job) -> bool:
    """Tell whether nothing more will happen to a job unless somebody acts; an endpoint serves on even when Stalled."""
    ends = (COMPLETE, FAILED) if job.body.get("kind") == "Endpoint" else (COMPLETE, FAILED, STALLED)
    return any(is_true(job.conditions, kind) for kind in ends)


def stream_lines(
    read: Callable[[], Job],
    *,
    client: Callable[[Job], CloudWatchLogsClient],
    follow: bool,
    pause: Callable[[], None],
    excerpt: Excerpt = WHOLE,
) -> Iterator[LogLine]:
    """Yield a job's lines, all that there are, or as they come until the job is over.

    Args:
        read: Returns the object as it is now.
        client: Makes the client for the job's region.
        follow: Whether to go on while the job runs, also while AWS throttles.
        pause: Waits between two looks.
        excerpt: Which lines are wanted; health checks are left out of the log of what serves only.

    Raises:
        LogsError: There is no log yet, and it is not to be waited for.
        ObjectError: The object can't be read, or was deleted before it was over; then its last lines came before.
        botocore.exceptions.ClientError: CloudWatch Logs refused.
    """
    reader: JobLogs | None = None
    deleted: ObjectDeletedError | None = None
    job, ended = read(), False
    while True:
        where = logs_of(job)
        if where and (reader is None or reader.prefix != where[1]):
            wanted = replace(excerpt, pings=excerpt.pings or job.body.get("kind") not in _SERVING_KINDS)
            reader = JobLogs(client(job), group=where[0], prefix=where[1], excerpt=wanted)
        excerpt = replace(excerpt, tail=None)  # of a log, or another attempt's, that is not there at first all is new
        lines = _look(reader, patient=follow, thorough=ended) if reader else []
        yield from lines or ()
        if not follow or (ended and lines is not None):
            break
        ended = ended or is_over(job)  # one more look after the end: the last lines come late
        pause()
        try:
            job = read()
        except ObjectDeletedError as error:
            deleted, ended = deleted or (None if ended else error), True
    if deleted:
        raise deleted
    if reader is None:
        raise LogsError(_why_none(job))


def _look(reader: JobLogs, *, patient: bool, thorough: bool) -> list[LogLine] | None:
    """The new lines; None where AWS has none to give now and one is patient."""
    try:
        return reader.new_lines(thorough=thorough)
    except ClientError as error:
        if patient and passes_by_itself(error):
            return None
        raise


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
    tail: Annotated[int, typer.Option("--tail", min=-1, help="How many lines of what is there; -1 for all.")] = -1,
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="Only what is newer than 5s, 2m or 3h. Default: all.")
    ] = "0",
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")] = False,
    pings: Annotated[bool, typer.Option("--pings", help="Also health checks (GET /ping) that were answered.")] = False,
) -> None:
    """Print what a job's script, or an endpoint's containers, printed."""
    excerpt = Excerpt(since=_start(since), tail=None if tail < 0 else tail, pings=pings)
    named = NamedObject(name, namespace=namespace)
    try:
        lines = stream_lines(
            named.read,
            client=_client,
            follow=follow,
            pause=lambda: time.sleep(POLL_SECONDS),
            excerpt=excerpt,
        )
        if not _show(lines, timestamps=timestamps) and tail != 0 and named.latest:
            typer.echo(_silence(named.latest, since=since if excerpt.since else "", pings=pings), err=True)
    except (LogsError, ObjectError) as error:
        _fail(str(error))
    except (ClientError, BotoCoreError) as error:
        means = " with this shell's credentials" if is_about_credentials(error) else ""
        _fail(f"CloudWatch Logs can't be read{means}: {error}")
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _show(lines: Iterator[LogLine], *, timestamps: bool) -> bool:
    """Print lines as they come; whether there were any."""
    any_line = False
    for line in lines:
        any_line = True
        parts = [_time(line) if timestamps else "", line.label and f"[{line.label}]"]
        typer.echo(" ".join([*filter(None, parts), line.text]))
    return any_line


def _silence(job: Job, *, since: str, pings: bool) -> str:
    """What to say where there is no line."""
    hides = job.body.get("kind") in _SERVING_KINDS and not pings
    when = f" in the last {since}" if since else "" if is_over(job) else " yet"
    return f"{job.name}: nothing printed{when}{' (health checks are hidden: --pings)' if hides else ''}."


def _start(since: str) -> int:
    """The time so long ago, in milliseconds since 1970; 0 for no length of time, or for more than there is."""
    try:
        seconds = seconds_of(since)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    return round(max(0.0, time.time() - seconds) * 1000) if seconds else 0


def _client(job: Job) -> CloudWatchLogsClient:
    region = job.status.get("region") or os.environ.get("AWS_REGION")
    return boto3.client("logs", region_name=region)


def _time(line: LogLine) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(line.timestamp / 1000))


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(1)
