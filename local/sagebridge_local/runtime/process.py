"""A process of a job, with all that it starts: one session, ended as a whole, and with this process at the latest."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sagebridge_local.runtime.guard import GUARD

if TYPE_CHECKING:
    from pathlib import Path

Sink = Callable[[bytes, bool], Awaitable[None]]
"""Takes what a process wrote: the bytes, and whether it was to stderr. Slow sinks slow the process down."""

_CHUNK: Final = 65_536
_DRAIN_SECONDS: Final = 5.0


class ContainerProcess:
    """A process in a session of its own."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        *,
        readers: Sequence[asyncio.Task[None]],
        kill_command: Sequence[str],
    ) -> None:
        self._process = process
        self._readers = readers
        self._kill_command = kill_command
        self._is_over = False

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str],
        sink: Sink,
        kill_command: Sequence[str] = (),
    ) -> ContainerProcess:
        """Start a command.

        Args:
            command: Program and arguments; no shell.
            directory: Where it runs.
            environment: All of its variables.
            sink: Takes what it writes.
            kill_command: Run after SIGKILL, for what a signal does not reach.

        Raises:
            OSError: the program can't be started.
        """
        # Pipes of our own: asyncio's `wait` waits for the end of its pipes, too, which a process that was left behind
        # can hold open for ever.
        output, output_end = os.pipe()
        errors, errors_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=directory,
                env=dict(environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output_end,
                stderr=errors_end,
                start_new_session=True,
            )
        except BaseException:
            os.close(output)
            os.close(errors)
            raise
        finally:
            os.close(output_end)
            os.close(errors_end)
        GUARD.watch(process.pid, kill_command=kill_command)
        readers = [_reader(output, sink, error=False), _reader(errors, sink, error=True)]
        return cls(process, readers=readers, kill_command=kill_command)

    @property
    def pid(self) -> int:
        """The process id, which is that of its group, too."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not exited yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Wait for the exit, end what the process left behind, and read its last output.

        Returns:
            The exit code as a container has it: 128 + n for signal n.
        """
        code = await self._process.wait()
        if not self._is_over:
            self._is_over = True
            self._signal(signal.SIGKILL)
            GUARD.forget(self.pid)
        # A daemon in a session of its own can hold the pipes open for ever.
        await asyncio.wait(self._readers, timeout=_DRAIN_SECONDS)
        for reader in self._readers:
            reader.cancel()
        return code if code >= 0 else 128 - code

    def terminate(self) -> None:
        """Send SIGTERM to the whole group, unless it has ended."""
        if self.is_running:
            self._signal(signal.SIGTERM)

    async def kill(self) -> None:
        """Send SIGKILL to the whole group, and run the kill command, unless it has ended."""
        # Its number may be another's by now.
        if not self.is_running:
            return
        self._signal(signal.SIGKILL)
        if self._kill_command:
            killer = await asyncio.create_subprocess_exec(
                *self._kill_command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
            )
            await killer.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


async def run(command: Sequence[str], *, directory: Path, environment: Mapping[str, str], sink: Sink) -> int:
    """Run a command to its end; cancelling kills it. Returns its exit code.

    Raises:
        OSError: the program can't be started.
    """
    process = await ContainerProcess.start(command, directory=directory, environment=environment, sink=sink)
    try:
        return await process.wait()
    except asyncio.CancelledError:
        await process.kill()
        raise


def _reader(descriptor: int, sink: Sink, *, error: bool) -> asyncio.Task[None]:
    # No transport: uvloop's closes the descriptor of a pipe twice, the second time under another file.
    os.set_blocking(descriptor, False)
    task = asyncio.create_task(_pump(descriptor, sink, error=error))
    task.add_done_callback(lambda _: os.close(descriptor))
    return task


async def _pump(descriptor: int, sink: Sink, *, error: bool) -> None:
    while chunk := await _read(descriptor):
        await sink(chunk, error)


async def _read(descriptor: int) -> bytes:
    loop = asyncio.get_running_loop()
    while True:
        try:
            return os.read(descriptor, _CHUNK)
        except BlockingIOError:
            readable = asyncio.Event()
            loop.add_reader(descriptor, readable.set)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(descriptor)
