"""All that one host writes: into a file, to CloudWatch Logs, and through the metrics' expressions."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from sagebridge_local.runtime.lines import LineSplitter
from sagebridge_local.runtime.logs import LogLine, LogStream
from sagebridge_local.runtime.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sagebridge.runtime.metrics import MetricScanner

_PENDING_LIMIT: Final = 50_000
_ERROR_LINES: Final = 1_000
_CLOSE_SECONDS: Final = 60.0


class HostLog:
    """The log of one host.

    Lines are handed on every `flush_seconds`. A script that writes faster than the log can be sent is slowed down, as
    a full pipe would do.
    """

    def __init__(self, *, stream: LogStream, path: Path, scanner: MetricScanner, flush_seconds: float) -> None:
        self._stream = stream
        self._path = path
        self._scanner = scanner
        self._flush_seconds = flush_seconds
        self._splitters = {False: LineSplitter(), True: LineSplitter()}
        self._pending: deque[LogLine] = deque()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = asyncio.Event()
        self._errors: deque[str] = deque(maxlen=_ERROR_LINES)
        self._task: asyncio.Task[None] | None = None

    @property
    def stream_name(self) -> str:
        """The log stream's name."""
        return self._stream.name

    @property
    def error_lines(self) -> list[str]:
        """The last lines written to stderr."""
        return list(self._errors)

    async def open(self) -> None:
        """Make the log stream and begin to send."""
        await in_thread(self._stream.create)
        self._task = asyncio.create_task(self._run())

    async def feed(self, chunk: bytes, error: bool) -> None:
        """Take what a process wrote."""
        await self._room.wait()
        self._take(self._splitters[error].feed(chunk), error=error)

    def note(self, text: str) -> None:
        """Add lines of our own."""
        self._take(text.splitlines(), error=False)

    async def close(self) -> None:
        """Hand on what is left, and end; a log service that hangs does not keep the job from ending."""
        for error, splitter in self._splitters.items():
            self._take(splitter.close(), error=error)
        self._closing.set()
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=_CLOSE_SECONDS)
            self._task.cancel()

    def _take(self, lines: Sequence[str], *, error: bool) -> None:
        now = int(time.time() * 1000)
        self._pending.extend(LogLine(timestamp=now, text=line, error=error) for line in lines)
        if error:
            self._errors.extend(lines)
        if len(self._pending) > _PENDING_LIMIT:
            self._room.clear()

    async def _run(self) -> None:
        while not self._closing.is_set() or self._pending:
            lines, self._pending = list(self._pending), deque()
            self._room.set()
            if lines:
                await in_thread(self._hand_on, lines)
            for problem in self._scanner.take_problems():
                self.note(f"Local mode: {problem}")
            if not self._closing.is_set():
                await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._flush_seconds):
                await self._closing.wait()
        except TimeoutError:
            return

    def _hand_on(self, lines: Sequence[LogLine]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line.text}\n" for line in lines)
        self._scanner.scan([line.text for line in lines])
        self._stream.put(lines)
