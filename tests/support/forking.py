"""Processes that are forked from one that has imported their program: a start without the second of imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from sagebridge_local.stack.processes import Child, Component, Spawn, environment_of, open_log, record_of
from sagebridge_local.stack.state import Record

_SERVER = Path(__file__).with_name("fork_server.py")
OPERATOR = "sagebridge.app"
SIMULATOR = (
    "sagebridge_local.sagemaker.__main__",
    "moto.moto_server.werkzeug_app",
    *(f"moto.{service}.responses" for service in ("applicationautoscaling", "cloudwatch", "s3")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forked:
    """A process whose parent, the server, sees to its end."""

    pid: int

    def poll(self) -> int | None:
        """See `Child.poll`; nobody here is told the status."""
        return None if psutil.pid_exists(self.pid) else 0


class ForkServer:
    """Starts components that are all one Python program; see `sagebridge_local.stack.processes.Spawn`.

    All have the server's string hashes, so the same order of sets, and another server's have others. None outlives it.

    Args:
        module: the program, whose `main` reads its command line from `sys.argv`.
        others: what the program imports once it runs.
    """

    def __init__(self, module: str, *others: str) -> None:
        self._modules = (module, *others)
        self._process: subprocess.Popen[str]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            (sys.executable, "-P", "-u", str(_SERVER), *self._modules),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "random"},
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def __call__(self, component: Component, /, *, mark: Path, log: Path) -> tuple[Record, Child]:
        """Start a component.

        Raises:
            OSError: the server has ended.
        """
        open_log(log).close()
        _, _, _, *arguments = component.command  # python -m MODULE
        request = {
            "arguments": arguments,
            "directory": str(component.directory),
            "environment": environment_of(component, mark=mark),
            "log": str(log),
        }
        pid = self._ask(json.dumps(request))
        return record_of(component, pid=pid), Forked(pid=pid)

    def _ask(self, request: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise OSError(f"the fork server of {self._modules[0]} has ended")
        return int(answer)


class InTurns:
    """Starts components by one way after the other: what is started again differs from what was there before."""

    def __init__(self, *ways: Spawn) -> None:
        self._ways = cycle(ways)

    def __call__(self, component: Component, /, *, mark: Path, log: Path) -> tuple[Record, Child]:
        """Start a component.

        Raises:
            OSError: it can't be started.
        """
        return next(self._ways)(component, mark=mark, log=log)


@dataclass(frozen=True, kw_only=True, slots=True)
class Programs:
    """What a lane starts.

    Attributes:
        operator: the operator; after a restart, it has sets in another order.
        simulator: the local SageMaker.
    """

    operator: Spawn
    simulator: Spawn

    @classmethod
    @contextmanager
    def imported(cls) -> Iterator[Self]:
        """Import them; they can be started until the end."""
        with ExitStack() as servers:
            operators = [servers.enter_context(ForkServer(OPERATOR)) for _ in range(2)]
            simulator = servers.enter_context(ForkServer(*SIMULATOR))
            yield cls(operator=InTurns(*operators), simulator=simulator)
