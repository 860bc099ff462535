"""Starts, reuses, watches and ends the processes of one folder."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
from filelock import FileLock

from sagebridge_local.stack import processes, state
from sagebridge_local.stack.errors import NotReadyError, StackError
from sagebridge_local.stack.files import private_directory
from sagebridge_local.stack.ports import free_ports, is_free
from sagebridge_local.stack.processes import Child, Component, Spawn
from sagebridge_local.stack.state import Record, State

READY_TIMEOUT = 120.0
"""Seconds a component may take to become ready; generous, because a loaded machine is no failure."""

_PORT_TAKEN = re.compile(r"address already in use|Address already in use|bind: permission denied")
_LOG_LIMIT = 64 * 2**20


class Supervisor:
    """The processes of one folder. What it knows is in a file, so that any later command can go on from there.

    Args:
        directory: The folder.
        spawn: How a process is started.
    """

    def __init__(self, directory: Path, *, spawn: Spawn = processes.spawn) -> None:
        self._start = spawn
        self.directory = private_directory(directory.absolute())
        self.logs = private_directory(self.directory / "logs")
        self._state_file = self.directory / "state.json"
        self._lock = FileLock(self.directory / "stack.lock", is_singleton=True)
        self._children: dict[int, Child] = {}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: two commands at once would start things twice. Nests."""
        with self._lock:
            yield

    @property
    def state(self) -> State:
        """What is remembered now."""
        return state.read(self._state_file)

    def log(self, name: str) -> Path:
        """Return the log file of a component."""
        return self.logs / f"{name}.log"

    def ports(self, names: Sequence[str]) -> dict[str, int]:
        """Return a port for each name: the one it has had, unless another program sits there now.

        Args:
            names: Components, or "component/purpose" for a further port of one.
        """
        before = self.state
        kept = {
            name: port
            for name, port in before.ports.items()
            if name in names and (self.alive(name.partition("/")[0]) is not None or is_free(port))
        }
        missing = [name for name in names if name not in kept]
        chosen = {**kept, **dict(zip(missing, free_ports(len(missing)), strict=True))}
        if missing:  # else only looked at, perhaps beside an `up` that writes what it starts
            self._remember(replace(before, ports={**before.ports, **chosen}))
        return chosen

    def forget_ports(self, names: Iterable[str]) -> None:
        """Choose new ports the next time."""
        known, forgotten = self.state, set(names)
        kept = {name: port for name, port in known.ports.items() if name not in forgotten}
        self._remember(replace(known, ports=kept))

    def remember_settings(self, settings: Mapping[str, str]) -> None:
        """Keep what the stack was started with."""
        self._remember(replace(self.state, settings=settings))

    def forget(self) -> None:
        """Forget everything: the next start is a first one."""
        self._state_file.unlink(missing_ok=True)

    def alive(self, name: str) -> Record | None:
        """Return the record of a component whose process runs."""
        record = self.state.records.get(name)
        self._reap(record)
        return record if record and processes.is_alive(record) else None

    def ensure(self, components: Sequence[Component]) -> None:
        """Start what does not run, and restart what runs otherwise than asked; does not wait for it.

        Raises:
            StackError: A program can't be started.
        """
        for component in components:
            running = self.alive(component.name)
            if running and running.fingerprint == component.fingerprint():
                continue
            if running:
                self.stop([component.name])
            self._spawn(component)

    def wait_ready(self, components: Sequence[Component], *, timeout: float = READY_TIMEOUT) -> None:
        """Wait until all serve.

        Raises:
            NotReadyError: One ended, or took too long; with the end of its log.
        """
        deadline = time.monotonic() + timeout
        for component in components:
            delay = 0.01
            while not component.ready():
                if self.alive(component.name) is None:
                    raise self._failure(component, "ended before it was ready")
                if time.monotonic() > deadline:
                    raise self._failure(component, f"was not ready after {timeout:.0f} s")
                time.sleep(delay)
                delay = min(delay * 1.5, 0.2)

    def stop(self, names: Iterable[str], *, grace: float = 10.0) -> None:
        """End components; SIGKILL after ``grace`` seconds."""
        known = self.state.records
        records = [known[name] for name in names if name in known]
        processes.terminate(records, grace=grace)
        for record in records:
            self._reap(record)
        gone = {record.name for record in records}
        before = self.state
        kept = {name: record for name, record in before.records.items() if name not in gone}
        self._remember(replace(before, records=kept))

    def kill(self, name: str) -> None:
        """End a component as a crash would: SIGKILL, no goodbye."""
        self.stop([name], grace=0.0)

    def sweep(self) -> None:
        """End what carries this folder's mark and is in no record: left by a command that was killed half-way."""
        known = {record.pid for record in self.state.records.values() if processes.is_alive(record)}
        strays = [process for process in processes.marked(self.directory) if not _belongs(process.pid, known)]
        processes.kill(strays)

    def stop_everything(self) -> None:
        """End every process of this folder, known or not.

        Raises:
            StackError: Something survived SIGKILL.
        """
        self.stop(list(self.state.records))
        processes.kill(processes.marked(self.directory))
        left = [process.pid for process in processes.marked(self.directory)]
        if left:
            raise StackError(f"Processes {left} do not end, though SIGKILL was sent: they may be stuck in the kernel.")

    def _spawn(self, component: Component) -> None:
        log = self.log(component.name)
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.old"))
        try:
            record, child = self._start(component, mark=self.directory, log=log)
        except OSError as error:
            raise StackError(
                f"{component.name} can't be started ({component.command[0]}): {error.strerror}."
            ) from error
        self._children[record.pid] = child
        before = self.state
        self._remember(replace(before, records={**before.records, component.name: record}))

    def _failure(self, component: Component, what: str) -> NotReadyError:
        log = self.log(component.name)
        lines = log.read_text(errors="replace").splitlines()[-15:] if log.exists() else []
        tail = "\n".join(f"  {line}" for line in lines)
        return NotReadyError(
            f"{component.name} {what}. The end of its log, {log}:\n{tail}",
            component=component.name,
            port_taken=_PORT_TAKEN.search(tail) is not None,
        )

    def _reap(self, record: Record | None) -> None:
        child = self._children.get(record.pid) if record else None
        if child is not None and child.poll() is not None:
            del self._children[child.pid]

    def _remember(self, changed: State) -> None:
        state.write(self._state_file, changed)


def _belongs(pid: int, leaders: set[int]) -> bool:
    with suppress(psutil.Error):
        family = [pid, *(parent.pid for parent in psutil.Process(pid).parents())]
        return not leaders.isdisjoint(family)
    return True
