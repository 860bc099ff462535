"""Processes that outlive the command that started them: start, recognise, end."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Protocol

import psutil

from sagebridge_local.stack.state import Record

MARK = "SAGEBRIDGE_LOCAL_STACK"
"""Environment variable that every process of a stack, and every process those start, carries: the stack's folder."""

_CREATED_TOLERANCE = 2.0
PRIVATE_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_ROLE_ARN")
"""What would lead the AWS SDKs to the user's own account; whatever talks to the local SageMaker does without."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Component:
    """A process to run.

    Attributes:
        name: Names it in the state, in logs and in messages.
        command: Its command line.
        ready: Tells whether it serves; asked again and again.
        address: Where it listens, for people.
        environment: Variables on top of the inherited ones.
        inputs: Files it reads at its start: if one has changed, the process must be started again.
        directory: Its working directory.
    """

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    address: str
    directory: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[Path, ...] = ()

    def fingerprint(self) -> str:
        """Return a hash of everything that a running process could differ in from one started now."""
        digest = hashlib.sha256(json.dumps([self.command, sorted(self.environment.items())]).encode())
        for path in self.inputs:
            digest.update(path.read_bytes())
        return digest.hexdigest()


class Child(Protocol):
    """A process that was started here."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Return its exit status if it has ended, and forget it then; None while it runs."""


class Spawn(Protocol):
    """A way to start a component in a session of its own; its output is appended to a log."""

    def __call__(self, component: Component, /, *, mark: Path, log: Path) -> tuple[Record, Child]:
        """Start it.

        Raises:
            OSError: It can't be started.
        """


def spawn(component: Component, /, *, mark: Path, log: Path) -> tuple[Record, Child]:
    """Start a component as a program of its own; see ``Spawn``."""
    with open_log(log) as output:
        process = subprocess.Popen(
            component.command,
            cwd=component.directory,
            env=environment_of(component, mark=mark),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return record_of(component, pid=process.pid), process


def open_log(log: Path) -> IO[bytes]:
    """Open a component's log, which nobody else may read, at its end."""
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def environment_of(component: Component, *, mark: Path) -> dict[str, str]:
    """Return the whole environment of a component's process."""
    local = "AWS_ENDPOINT_URL" in component.environment
    inherited = {name: value for name, value in os.environ.items() if not (local and name in PRIVATE_VARIABLES)}
    return {**inherited, **component.environment, MARK: str(mark)}


def record_of(component: Component, *, pid: int) -> Record:
    """Return what is remembered of a component's process, which was just started."""
    return Record(
        name=component.name,
        pid=pid,
        created=_created(pid),
        fingerprint=component.fingerprint(),
        address=component.address,
        command=component.command,
    )


def inherited(*prefixes: str) -> dict[str, str]:
    """Return this shell's variables that begin so; as part of a component they restart it when they change."""
    return {name: value for name, value in os.environ.items() if name.startswith(prefixes) and name != MARK}


def is_alive(record: Record) -> bool:
    """Tell whether the process of a record still runs, and is not another one that got the same pid."""
    return _process(record) is not None


def terminate(records: Iterable[Record], *, grace: float) -> None:
    """End processes with all they started: SIGTERM, and SIGKILL to what is left.

    Args:
        records: The processes; dead ones are passed over.
        grace: Seconds between the two.
    """
    leaders = [process for process in map(_process, records) if process is not None]
    family = [member for leader in leaders for member in _with_children(leader)]
    for leader in leaders:
        _signal_group(leader.pid, signal.SIGTERM)
    _, left = psutil.wait_procs(family, timeout=grace)
    for leader in leaders:
        _signal_group(leader.pid, signal.SIGKILL)
    kill(left)


def kill(processes: Iterable[psutil.Process]) -> None:
    """Send SIGKILL, and wait until they are gone."""
    doomed = list(processes)
    for process in doomed:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(doomed, timeout=10)


def marked(mark: Path) -> list[psutil.Process]:
    """Return every running process of a stack, also those that no record knows; never this one or its ancestors."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in mine and _mark(process) == str(mark)]


def _mark(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None


def _process(record: Record) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = abs(process.create_time() - record.created) < _CREATED_TOLERANCE
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return [process, *process.children(recursive=True)]
    return [process]


def _created(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def _signal_group(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
