"""Follows an object: itself through a real ``kubectl get --watch``, a job's log through CloudWatch Logs."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Final, Self

from sagebridge.cli.logs import Reader, prefix_of, reader_of
from sagebridge.core.conditions import READY, STALLED, is_true
from sagebridge.core.job import Job
from sagebridge.core.logs.lines import WHOLE

from sagebridge_local.demo.errors import DemoError
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


def follow(
    watch: Watch,
    *,
    show: Callable[[Job], None],
    done: Callable[[Job], bool],
    idle: Callable[[], None],
    timeout: float,
) -> Job:
    """Show an object until it is as it should be, or nothing more will come of it.

    Args:
        watch: Gives the object whenever it has changed.
        show: Is told of each change.
        done: Whether to stop looking.
        idle: Called several times a second; what it raises ends the waiting.
        timeout: Seconds after which it is given up.

    Returns:
        The object at its end.

    Raises:
        DemoError: It took too long, or kubectl ended.
    """
    deadline = time.monotonic() + timeout
    job: Job | None = None
    while job is None or not done(job):
        body = watch.next(timeout=_LOOK_SECONDS)
        if body is not None:
            job = Job.parse(body)
            show(job)
        if time.monotonic() > deadline:
            raise DemoError(f"It was not over after {timeout:.0f} s. {message_of(job) if job else ''}".strip())
        idle()
    return job


def is_settled(endpoint: Job) -> bool:
    """Tell whether an Endpoint serves what its present spec says, or is Stalled."""
    seen = endpoint.status.get("observedGeneration") == endpoint.generation
    return seen and any(is_true(endpoint.conditions, kind) for kind in (READY, STALLED))


class LogLines:
    """The lines of a job's log, shown as they come.

    Attributes:
        count: How many there were.
    """

    def __init__(self, client: CloudWatchLogsClient, *, show: Callable[[str], None]) -> None:
        self._client = client
        self._show = show
        self._reader: Reader | None = None
        self.count = 0

    def find(self, job: Job) -> None:
        """Look where the log is."""
        if self._reader is None and prefix_of(job) is not None:
            self._reader = reader_of(job, client=lambda _: self._client, excerpt=WHOLE)

    def show_new(self) -> None:
        """Show what has come since the last call."""
        for line in self._reader.new_lines() if self._reader else ():
            self._show(line.text)
            self.count += 1
