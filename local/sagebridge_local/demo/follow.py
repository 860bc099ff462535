"""Follows a job to its end: its object through a real ``kubectl get --watch``, its log through CloudWatch Logs."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self

from sagebridge.cli.logs import JobLogs, is_over, logs_of
from sagebridge.core.job import Job

from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.screen import JobDisplay, Stage
from sagebridge_local.demo.verdicts import message_of

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

_LOOK_SECONDS: Final = 0.4


class Watch:
    """The objects that a watching kubectl prints as JSON."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str]) -> None:
        self._command = command
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._objects: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()

    def next(self, *, timeout: float) -> dict[str, Any] | None:
        """Return the next object, None if none comes within ``timeout`` seconds.

        Raises:
            DemoError: kubectl has ended.
        """
        try:
            found = self._objects.get(timeout=timeout)
        except queue.Empty:
            return None
        if found is None:
            said = self._process.stderr.read().strip() if self._process.stderr else ""
            raise DemoError(f"'{' '.join(self._command)}' ended: {said or 'it gave no reason'}")
        return found

    def _read(self, stream: IO[str]) -> None:
        lines: list[str] = []
        for line in stream:
            lines.append(line)
            if line.rstrip() == "}":  # kubectl indents all but the outermost brace
                self._objects.put(json.loads("".join(lines)))
                lines.clear()
        self._objects.put(None)


def follow(watch: Watch, *, display: JobDisplay, client: CloudWatchLogsClient, timeout: float) -> tuple[Job, int]:
    """Show a job until it is over.

    Args:
        watch: Gives the object whenever it has changed.
        display: Where to show it.
        client: CloudWatch Logs.
        timeout: Seconds after which it is given up.

    Returns:
        The object at its end, and how many lines its log has.

    Raises:
        DemoError: It took too long, or kubectl ended.
    """
    deadline = time.monotonic() + timeout
    job: Job | None = None
    reader: JobLogs | None = None
    lines = 0
    while job is None or not is_over(job):
        body = watch.next(timeout=_LOOK_SECONDS)
        if body is not None:
            job = Job.parse(body)
            display.show(Stage.of(job))
            reader = reader or _reader(job, client)
        if time.monotonic() > deadline:
            raise DemoError(f"It was not over after {timeout:.0f} s. {message_of(job) if job else ''}".strip())
        lines += _show_lines(reader, display)
    return job, lines


def _reader(job: Job, client: CloudWatchLogsClient) -> JobLogs | None:
    where = logs_of(job)
    return JobLogs(client, group=where[0], prefix=where[1]) if where else None


def _show_lines(reader: JobLogs | None, display: JobDisplay) -> int:
    new = reader.new_lines() if reader else []
    for line in new:
        display.log(line.text)
    return len(new)
