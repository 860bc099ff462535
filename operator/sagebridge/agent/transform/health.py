"""Waits for the model server, and knows when that is in vain: before the log of a container can be read from here."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from sagebridge.agent import processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.transform.server import ModelServer

TICK_SECONDS: Final = 0.5
MOST_EXITS: Final = 3
"""The kubelet starts a container again and again, later each time; nobody should wait for one that never works."""
ABSENT_SECONDS: Final = 15.0
"""Longer than the kubelet's first pause between two starts, which is ten seconds.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
"""
RETURN_SECONDS: Final = 120.0
"""For a server that has served, and has ended: three of the kubelet's pauses."""

_logger = logging.getLogger(__name__)

Container = tuple[str, int, int]
"""The cgroup, number and start of a container's first process."""


class UnhealthyError(Exception):
    """The model server does not answer /ping, and there is no use in waiting for it."""


class Health:
    """Whether the model server is there."""

    def __init__(self, server: ModelServer, *, containers: Callable[[], frozenset[Container]], clock: Clock) -> None:
        """Prepare; nobody is asked yet.

        Args:
            server: The server.
            containers: The pod's other containers that run now.
            clock: The time.
        """
        self._server = server
        self._containers = containers
        self._clock = clock
        self._turn = threading.Lock()
        self._running: frozenset[Container] = frozenset()
        self._is_given_up = False

    def wait(self, seconds: float, *, absent_seconds: float = ABSENT_SECONDS, most_exits: int = MOST_EXITS) -> None:
        """Wait until /ping answers 200. Blocks.

        Args:
            seconds: For how long at most.
            absent_seconds: How long nothing of it may run.
            most_exits: How often it may end.

        Raises:
            UnhealthyError: in vain.
        """
        with self._turn:
            if self._is_given_up:  # while another thread waited: not each of a hundred waits anew
                raise UnhealthyError
            began = seen = self._clock.monotonic()
            exits = 0
            while not self._server.ping():
                now = self._clock.monotonic()
                running = self._containers()
                exits += len(self._running - running)
                seen = now if running else seen
                self._running = running
                if exits >= most_exits or now - seen >= absent_seconds or now - began >= seconds:
                    _logger.info("The model server is not there: ended %d times, %.0f s waited", exits, now - began)
                    self._is_given_up = True
                    raise UnhealthyError
                self._clock.sleep(TICK_SECONDS)

    def wait_again(self, seconds: float) -> None:
        """Wait for a server that has served; what is started again brings the model into memory anew. Blocks.

        Args:
            seconds: For how long at most while it runs; nothing of it may be there for two minutes.

        Raises:
            UnhealthyError: in vain.
        """
        self.wait(seconds, absent_seconds=RETURN_SECONDS)


def containers(proc: Path, *, cgroup: Callable[[Path, int | str], str] = processes.read_cgroup) -> frozenset[Container]:
    """The pod's other containers by their first processes; what `kubectl exec` starts came later than those."""
    first: dict[str, processes.Candidate] = {}
    for each in sorted(processes.others(proc, cgroup=cgroup), key=lambda one: (one.started, one.pid)):
        first.setdefault(each.cgroup, each)
    return frozenset((each.cgroup, each.pid, each.started) for each in first.values())
