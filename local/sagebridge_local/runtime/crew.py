"""All hosts of a job while their containers run: the first failure, or a stop, ends them all."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from sagebridge.core.container import failure
from sagebridge.runtime import last_words
from sagebridge.runtime.failures import RunFailedError

from sagebridge_local.runtime import docker
from sagebridge_local.runtime.process import ContainerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.container.layout import Layout

    from sagebridge_local.runtime.host import Launch
    from sagebridge_local.runtime.hostlog import HostLog

_PEER_GRACE_SECONDS: Final = 5.0


class Host(Protocol):
    """What is told apart by name, and has a tree of the contract below its layout."""

    @property
    def name(self) -> str:
        """algo-1, algo-2 ..."""
        ...

    @property
    def layout(self) -> Layout:
        """Where what stands for /opt/ml is."""
        ...


class Crew:
    """The containers of one job."""

    def __init__(self, logs: Mapping[str, HostLog]) -> None:
        self._logs = logs
        self._hosts: dict[asyncio.Task[int], Host] = {}
        self._launches: dict[str, Launch] = {}
        self._processes: list[ContainerProcess] = []

    async def start(self, host: Host, launch: Launch) -> None:
        """Start a host's container.

        Raises:
            RunFailedError: its program can't be started.
        """
        log = self._logs[host.name]
        if launch.script:
            log.note(f"Invoking script with the following command:\n\n{' '.join(launch.command)}\n")
        try:
            process = await ContainerProcess.start(
                launch.command,
                directory=launch.directory,
                environment=launch.environment,
                sink=log.feed,
                kill_command=launch.kill_command,
            )
        except OSError as error:
            raise RunFailedError.algorithm(f"{launch.command[0]} can't be started: {error}", exit_code=127) from error
        self._processes.append(process)
        self._launches[host.name] = launch
        self._hosts[asyncio.create_task(process.wait())] = host

    async def wait(self) -> None:
        """Wait until every container has ended well.

        Raises:
            RunFailedError: one has not; the others have been ended.
        """
        pending = set(self._hosts)
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task, host in self._hosts.items():
                if task in done and task.result() != 0:
                    await self.end(grace_seconds=_PEER_GRACE_SECONDS)
                    raise self._failed(host, task.result())

    async def end(self, *, grace_seconds: float) -> None:
        """SIGTERM to every container, and SIGKILL to those that are still there after the grace."""
        running = [task for task in self._hosts if not task.done()]
        if not running:
            return
        for task, process in zip(self._hosts, self._processes, strict=True):
            if not task.done():  # the group of one that has ended may be somebody else's by now
                process.terminate()
        await asyncio.wait(running, timeout=grace_seconds)
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL to every container that is still there, and wait until they are gone."""
        running = [
            (task, process) for task, process in zip(self._hosts, self._processes, strict=True) if not task.done()
        ]
        for _, process in running:
            await process.kill()
        if running:
            await asyncio.wait([task for task, _ in running])

    def _failed(self, host: Host, exit_code: int) -> RunFailedError:
        launch = self._launches[host.name]
        if launch.kill_command and exit_code == docker.START_FAILED:
            lines = " ".join(self._logs[host.name].error_lines[-5:])
            return RunFailedError.client(f"Docker can't start the image: {lines}")
        path = Path(host.layout.failure)
        if launch.script:
            _report_as_toolkit(path, exit_code, error_lines=self._logs[host.name].error_lines, launch=launch)
            exit_code = failure.TOOLKIT_EXIT_CODE
        return RunFailedError.algorithm(last_words.read(path), exit_code=exit_code)


def _report_as_toolkit(path: Path, exit_code: int, *, error_lines: list[str], launch: Launch) -> None:
    """Write the failure file that the toolkit writes when the script has not."""
    if not path.exists():
        text = failure.execute_user_script_error(exit_code=exit_code, error_lines=error_lines, command=launch.command)
        path.write_text(text, encoding="utf-8")
