"""``sagebridge logs``: what a job's script or an endpoint's containers printed, as it comes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, Protocol

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.cli.durations import seconds_of
from sagebridge.cli.failures import is_about_credentials, passes_by_itself
from sagebridge.cli.log_streams import JobLogs
from sagebridge.cli.objects import NamedObject, ObjectDeletedError, ObjectError, kubectl
from sagebridge.cli.pod_logs import PodLogs
from sagebridge.cli.serving_pods import ServingPods
from sagebridge.core.cluster.names import LABEL_ATTEMPT, LABEL_UID
from sagebridge.core.conditions import COMPLETE, FAILED, READY, STALLED, find, is_true
from sagebridge.core.job import Job, Place
from sagebridge.core.logs.lines import WHOLE, Excerpt, LogLine
from sagebridge.schema.kind import GROUP

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

POLL_SECONDS: Final = 1.0

_ENDPOINT: Final = "Endpoint"
_SEARCH: Final = "HPTuningJob"
_NAMED_AT_MOST: Final = 10
_SERVING_KINDS: Final = (_ENDPOINT, "BatchTransform")
"""The kinds whose containers serve a model, and are asked for their health."""

app = typer.Typer(name="logs", add_completion=False)


class LogsError(Exception):
    """The logs can't be shown; the message says why."""


class Reader(Protocol):
    """Reads the log of one attempt, or of an endpoint.

    Attributes:
        prefix: What tells this log from another attempt's.
    """

    prefix: str

    def new_lines(self, *, thorough: bool = False) -> list[LogLine]:
        """Return what came since the last call, in order of time."""


def prefix_of(job: Job) -> str | None:
    """Return what tells the log of a job's last attempt from others; None before the first one."""
    logs = job.status.get("logs") or {}
    found = logs.get("streamPrefix", logs.get("podSelector"))
    return None if found is None else str(found)


def reader_of(job: Job, *, client: Callable[[Job], CloudWatchLogsClient], excerpt: Excerpt) -> Reader:
    """Return what reads the log of a job that has one: from CloudWatch Logs, or from the job's pods."""
    logs = job.status["logs"]
    if "podSelector" in logs:
        return _pod_logs(job, selector=logs["podSelector"], container=logs["container"], excerpt=excerpt)
    return JobLogs(client(job), group=logs["groupName"], prefix=logs["streamPrefix"], excerpt=excerpt)


def _pod_logs(job: Job, *, selector: str, container: str, excerpt: Excerpt) -> PodLogs:
    run = partial(kubectl, namespace=job.namespace)
    kind = job.body.get("kind")
    requests = ServingPods(run, selector=selector).requests if kind in _SERVING_KINDS else None
    is_labelled = kind == _ENDPOINT
    return PodLogs(
        run, selector=selector, container=container, excerpt=excerpt, requests=requests, is_labelled=is_labelled
    )


def is_over(job: Job) -> bool:
    """Tell whether nothing more will happen to a job unless somebody acts; an endpoint serves on even when Stalled."""
    ends = (COMPLETE, FAILED) if job.body.get("kind") == _ENDPOINT else (COMPLETE, FAILED, STALLED)
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
    reader: Reader | None = None
    deleted: ObjectDeletedError | None = None
    job, ended = read(), False
    while True:
        prefix = prefix_of(job)
        if prefix is not None and (reader is None or reader.prefix != prefix):
            wanted = replace(excerpt, pings=excerpt.pings or job.body.get("kind") not in _SERVING_KINDS)
            reader = reader_of(job, client=client, excerpt=wanted)
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


def _look(reader: Reader, *, patient: bool, thorough: bool) -> list[LogLine] | None:
    """The new lines; None where AWS has none to give now and one is patient."""
    try:
        return reader.new_lines(thorough=thorough)
    except ClientError as error:
        if patient and passes_by_itself(error):
            return None
        raise


def _why_none(job: Job) -> str:
    if job.body.get("kind") == _SEARCH and job.place is Place.CLUSTER and job.attempts:
        return _of_trials(job)
    ready = find(job.conditions, READY) or {}
    return f"{job.name} has no log yet: {ready.get('message') or 'the operator has not looked at it.'}"


def _of_trials(job: Job) -> str:
    """A search on the cluster prints nothing itself; kubectl lists its trials, in the order of their names."""
    attempt = job.attempts[-1].number
    found = kubectl(
        "get",
        f"trainingjobs.{GROUP}",
        f"--selector={LABEL_UID}={job.uid},{LABEL_ATTEMPT}={attempt}",
        "--output=name",
        namespace=job.namespace,
    )
    names = sorted(line.rpartition("/")[2] for line in found.split())
    if not names:
        return f"{job.name} has no log of its own, and none of its trials is there."
    listed = ", ".join(f"trainingjob/{name}" for name in names[:_NAMED_AT_MOST])
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{job.name} has no log of its own; its trials have: {listed}{more}."


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
    nothing = f"{job.name}: nothing printed{when}{' (health checks are hidden: --pings)' if hides else ''}."
    return f"{nothing} {_why_not_ready(job)}".rstrip()


def _why_not_ready(job: Job) -> str:
    """What Ready says of an object that is not: an image that can't be pulled prints nothing."""
    ready = find(job.conditions, READY) or {}
    return "" if ready.get("status") == "True" else str(ready.get("message") or "")


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
