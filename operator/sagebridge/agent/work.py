"""Waits for the end of the user's container, and ends it when it must."""

from __future__ import annotations

import logging
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sagebridge.agent import notices, processes
from sagebridge.agent.message import StopReason

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.processes import Candidate, Process
    from sagebridge.agent.termination import Termination

TICK_SECONDS: Final = 1.0
SETTLE_SECONDS: Final = 1.0
"""Between the SIGTERMs that the containers of a pod get when it is ended, at most."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """When a container's work must end.

    Attributes:
        started: When the host began with the job.
        max_runtime_seconds: How long it may take from then on.
        stop_grace_seconds: From SIGTERM to SIGKILL.
    """

    started: datetime
    max_runtime_seconds: float
    stop_grace_seconds: float


class Work:
    """What the user's container of this pod does."""

    def __init__(
        self,
        *,
        limits: Limits,
        find: Callable[[], Candidate | None],
        attach: Callable[[Candidate], Process | None],
        annotations: Path,
        clock: Clock,
        termination: Termination,
    ) -> None:
        """Prepare to wait.

        Args:
            limits: When it must end.
            find: Looks for its first process.
            attach: Gets hold of that.
            annotations: The file with the pod's notices.
            clock: The time.
            termination: Whether the pod itself ends.
        """
        self._limits = limits
        self._find = find
        self._attach = attach
        self._annotations = annotations
        self._clock = clock
        self._termination = termination
        self._process: Process | None = None
        self._reason: StopReason | None = None
        self._ending_since: float | None = None
        self._asked = False
        self._killed = False

    def wait(self) -> StopReason | None:
        """Wait until it has ended, for whatever reason. Blocks.

        Returns:
            Why it was ended early; None when it was not.
        """
        _logger.info("Waiting for the container")
        while not self._pass():
            pass
        self._settle()
        return self._reason

    def _pass(self) -> bool:
        """Look once, do what is due, and wait a moment; returns whether it has ended."""
        said = notices.read(self._annotations)
        if notices.has_ended(said):
            if self._process is None:  # it never ran, perhaps: a stop that came meanwhile is why
                self._decide(notices.stop_reason(said))
            _logger.info("The container has ended with the exit code %s", said[notices.ENDED])
            return True
        gone = self._look()
        self._decide(notices.stop_reason(said))
        if gone or self._never_came():
            return True
        self._end_it()
        if self._process is None:
            self._clock.sleep(TICK_SECONDS)
            return False
        return self._process.wait(TICK_SECONDS) and self._has_gone()

    def _look(self) -> bool:
        """Find the process; returns whether it was found only to end at once."""
        if self._process is not None:
            return False
        candidate = self._find()
        if candidate is None:
            return False
        self._process = self._attach(candidate)
        if self._process is None:
            return self._has_gone()
        _logger.info("The container runs as process %d", self._process.pid)
        return False

    def _has_gone(self) -> bool:
        _logger.info("The container has ended")
        return True

    def _decide(self, asked: StopReason | None) -> None:
        """Whether it must end; the first reason stays, and its time."""
        reason = asked or self._out_of_time()
        if self._termination.since is not None:
            reason = StopReason.TERMINATED
        if reason is not None and self._reason is None:
            _logger.info("It is ended early: %s", reason)
            self._reason = reason
            self._ending_since = self._clock.monotonic()

    def _out_of_time(self) -> StopReason | None:
        elapsed = (self._clock.now() - self._limits.started).total_seconds()
        return StopReason.MAX_RUNTIME if elapsed >= self._limits.max_runtime_seconds else None

    def _end_it(self) -> None:
        if self._process is None or self._reason is None:
            return
        if self._is_grace_over():
            if not self._killed:
                _logger.info("SIGKILL to process %d, %g s later", self._process.pid, self._limits.stop_grace_seconds)
            self._killed = True
            self._process.signal(signal.SIGKILL)
        elif not self._asked and self._reason is not StopReason.TERMINATED:  # then the kubelet has sent it
            _logger.info("SIGTERM to process %d", self._process.pid)
            self._asked = True
            self._process.signal(signal.SIGTERM)

    def _never_came(self) -> bool:
        """Whether it shall end, but no process was ever seen: the image can't be pulled, perhaps."""
        if self._process is not None or self._reason is None:
            return False
        # Once its pod is being ended, the kubelet starts no container any more.
        never = self._reason is StopReason.TERMINATED or self._is_grace_over()
        if never:
            _logger.info("No process of the container was seen")
        return never

    def _is_grace_over(self) -> bool:
        since = self._ending_since
        return since is not None and self._clock.monotonic() - since >= self._limits.stop_grace_seconds

    def _settle(self) -> None:
        if self._reason is None and self._termination.since is None:
            self._clock.sleep(SETTLE_SECONDS)
        if self._reason is None and self._termination.since is not None:
            self._reason = StopReason.TERMINATED


def work(
    proc: Path,
    *,
    limits: Limits,
    sidecars: frozenset[str],
    annotations: Path,
    clock: Clock,
    termination: Termination,
    cgroup: Callable[[Path, int | str], str] = processes.read_cgroup,
) -> Work:
    """The user's container among the processes of the pod."""
    return Work(
        limits=limits,
        find=lambda: processes.find(proc, sidecars=sidecars, cgroup=cgroup),
        attach=lambda candidate: processes.attach(proc, candidate, clock=clock),
        annotations=annotations,
        clock=clock,
        termination=termination,
    )
