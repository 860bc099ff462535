"""The namespaces that a node lives in: network, mounts, processes; nothing of it is left when they end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
from sagebridge_local.stack.processes import Component
from sagebridge_local.stack.supervisor import Supervisor

NAME = "namespaces"
_DIRECT = {"NO_PROXY": "*", "no_proxy": "*"}
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAM = Path(__file__).with_name("first_process.py")
_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc")


class Sandbox:
    """The namespaces of one node.

    Args:
        supervisor: Starts them, and what runs in them.
        owner: A file that this process keeps locked; when the lock goes, they go.
    """

    def __init__(self, supervisor: Supervisor, *, owner: Path) -> None:
        self._supervisor = supervisor
        self._owner = owner
        self._ready = supervisor.directory / "ready"

    def open(self, mounts: Mapping[Path, str]) -> None:
        """Make them.

        Args:
            mounts: Folders, and where the node's programs find them.

        Raises:
            StackError: They can't be made.
        """
        given = [f"{source}={target}" for source, target in mounts.items()]
        program = (sys.executable, "-I", str(_PROGRAM), str(self._owner), str(self._ready), *given)
        component = Component(
            name=NAME,
            command=(*_UNSHARE, *program),
            ready=self._ready.exists,
            address="",
            directory=self._supervisor.directory,
            environment={"PATH": _PATH},
        )
        self._supervisor.ensure([component])
        self._supervisor.wait_ready([component])

    @property
    def pid(self) -> int:
        """The first process, as this machine numbers it."""
        record = self._supervisor.alive(NAME)
        if record is None:
            raise RuntimeError("the node's namespaces are gone")
        return psutil.Process(record.pid).children()[0].pid

    def command(self, *words: str) -> tuple[str, ...]:
        """Return the command that runs another one inside."""
        return ("nsenter", f"--target={self.pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--", *words)

    def component(self, name: str, *words: str, ready: partial[bool], inputs: Sequence[Path] = ()) -> Component:
        """Return a process of the node; no proxy settings of this shell apply to it."""
        return Component(
            name=name,
            command=self.command(*words),
            ready=ready,
            address="",
            directory=self._supervisor.directory,
            environment={"PATH": _PATH, **_DIRECT},
            inputs=tuple(inputs),
        )

    def run(self, *words: str, stdin: int | None = subprocess.DEVNULL) -> str:
        """Run a command inside and return what it prints.

        Raises:
            RuntimeError: It failed; the message is what it wrote to standard error.
        """
        done = subprocess.run(self.command(*words), stdin=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)} failed ({done.returncode}): {done.stderr.strip()}")
        return done.stdout

    def close(self) -> None:
        """End the first process, and with it everything inside; returns when the last is gone."""
        record = self._supervisor.alive(NAME)
        if record is None:
            return
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(record.pid).children()
            for process in first:
                process.kill()
            psutil.wait_procs(first, timeout=30)
        self._supervisor.stop([NAME])
        self._ready.unlink(missing_ok=True)
