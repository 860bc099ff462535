"""The first process of the user's container, found and ended from another container of the same pod.

In a PID namespace that all containers share, the first process of each has no parent (0), and so has what
`kubectl exec` starts: https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/. What tells
containers apart is the cgroup, with a cgroup namespace (where others' paths begin with /../) as without.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from sagebridge.agent.clock import Clock

PAUSE: Final = 1
"""The container that holds the pod's namespaces has their first process."""

_PARENT_FIELD: Final = 1
_START_FIELD: Final = 19
_POLL_SECONDS: Final = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A process without a parent.

    Attributes:
        pid: Its number in the pod.
        started: When it was started, in clock ticks since the node was.
        cgroup: Of its container.
    """

    pid: int
    started: int
    cgroup: str


class Process(Protocol):
    """A process that is not ours."""

    @property
    def pid(self) -> int:
        """Its number."""
        ...

    def wait(self, seconds: float) -> bool:
        """Wait at most so long for its end; returns whether it has ended."""
        ...

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        ...


def read_cgroup(proc: Path, pid: int | str) -> str:
    """What /proc says of a process's cgroup: one line for each hierarchy of version 1, one line for version 2.

    Raises:
        OSError: the process is gone, or hidden.
    """
    return (proc / str(pid) / "cgroup").read_text(encoding="utf-8", errors="replace").strip()


def find(
    proc: Path, *, sidecars: Collection[str] = (), cgroup: Callable[[Path, int | str], str] = read_cgroup
) -> Candidate | None:
    """The first process of another container, None while there is none; exec sessions came later than that.

    Args:
        proc: /proc.
        sidecars: Cgroups of containers that were there before the user's container was.
        cgroup: Reads a process's cgroup.
    """
    found = [candidate for candidate in others(proc, cgroup=cgroup) if candidate.cgroup not in sidecars]
    return min(found, key=lambda candidate: (candidate.started, candidate.pid), default=None)


def others(proc: Path, *, cgroup: Callable[[Path, int | str], str] = read_cgroup) -> list[Candidate]:
    """What runs in other containers of the pod and has no parent."""
    try:
        ours = cgroup(proc, "self")
    except OSError:
        return []
    return [each for each in _orphans(proc, cgroup=cgroup) if each.pid != PAUSE and each.cgroup != ours]


def attach(proc: Path, candidate: Candidate, *, clock: Clock) -> Process | None:
    """Get hold of a process that was found; None when it has ended meanwhile."""
    try:
        descriptor = os.pidfd_open(candidate.pid)
    except ProcessLookupError:
        return None
    except OSError:  # a sandbox without pidfds
        return _ByNumber(proc, candidate, clock=clock)
    # The number may have become another's between the two looks.
    if _look(proc, candidate.pid) != (0, candidate.started):
        os.close(descriptor)
        return None
    return _ByDescriptor(candidate.pid, descriptor)


class _ByDescriptor:
    """A process by its pidfd, which never becomes another's."""

    def __init__(self, pid: int, descriptor: int) -> None:
        self.pid = pid
        self._descriptor = descriptor

    def wait(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)


class _ByNumber:
    """A process by its number and the time of its start."""

    def __init__(self, proc: Path, candidate: Candidate, *, clock: Clock) -> None:
        self._proc = proc
        self._started = candidate.started
        self._clock = clock
        self.pid = candidate.pid

    def wait(self, seconds: float) -> bool:
        until = self._clock.monotonic() + seconds
        while not self._has_ended() and self._clock.monotonic() < until:
            self._clock.sleep(_POLL_SECONDS)
        return self._has_ended()

    def signal(self, number: signal.Signals) -> None:
        if not self._has_ended():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _has_ended(self) -> bool:
        return _look(self._proc, self.pid) != (0, self._started)


def _orphans(proc: Path, *, cgroup: Callable[[Path, int | str], str]) -> Iterator[Candidate]:
    for entry in os.scandir(proc):
        if not entry.name.isdecimal():
            continue
        seen = _look(proc, int(entry.name))
        if seen is not None and seen[0] == 0:
            with contextlib.suppress(OSError):  # it went away while we looked
                pid = int(entry.name)
                yield Candidate(pid=pid, started=seen[1], cgroup=cgroup(proc, pid))


def _look(proc: Path, pid: int) -> tuple[int, int] | None:
    """A process's parent and time of start; None when it has ended, or is hidden."""
    try:
        text = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name, in parentheses, may itself hold parentheses and spaces.
    fields = text.rpartition(b")")[2].split()
    if len(fields) <= _START_FIELD or fields[0] in {b"Z", b"X"}:
        return None
    return int(fields[_PARENT_FIELD]), int(fields[_START_FIELD])
