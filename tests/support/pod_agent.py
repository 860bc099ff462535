"""The agent of a pod whose volumes are in a directory: `python -m support.pod_agent <directory> prepare|accompany`.

Its processes are those of /proc, as in a pod; which container they belong to is told by their variable CONTAINER, since
cgroups can't be made everywhere. With NO_PIDFD it runs as in a sandbox whose kernel has none.
"""

import errno
import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sagebridge.agent.__main__ import main
from sagebridge.agent.clock import Clock
from sagebridge.agent.places import Places
from sagebridge.agent.surroundings import Surroundings
from sagebridge.agent.termination import Termination

SPEED = 20


class HastyClock(Clock):
    """A clock that runs SPEED times as fast."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._start = datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._since) * SPEED

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(seconds / SPEED)


def places(root: Path, *, proc: Path) -> Places:
    """The volumes below a directory."""
    return Places(
        ml=root / "ml",
        run=root / "run",
        job=root / "job.json",
        model=root / "model" / "model.json",
        annotations=root / "annotations",
        termination_log=root / "termination-log",
        proc=proc,
    )


def container(proc: Path, pid: int | str) -> str:
    """Which container a process belongs to."""
    variables = (proc / str(pid) / "environ").read_bytes().split(b"\0")
    return next((each.decode() for each in variables if each.startswith(b"CONTAINER=")), "")


def _no_pidfd(_pid: int, _flags: int = 0) -> int:
    raise OSError(errno.ENOSYS, "no pidfds here")


if __name__ == "__main__":
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    if "NO_PIDFD" in os.environ:
        os.pidfd_open = _no_pidfd
    _clock = HastyClock()
    _surroundings = Surroundings(clock=_clock, termination=Termination(_clock), cgroup=container)
    _places = places(Path(sys.argv[1]), proc=Path("/proc"))
    sys.exit(main(sys.argv[2:], environment=os.environ, places=_places, surroundings=_surroundings))
