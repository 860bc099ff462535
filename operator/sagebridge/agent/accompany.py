"""The container beside training: checkpoints while it runs, its end, and the results after it."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sagebridge.agent import processes
from sagebridge.agent.failures import failure_reason, tell
from sagebridge.agent.message import Message, StopReason
from sagebridge.agent.notes import Notes
from sagebridge.agent.periodic import Periodic
from sagebridge.agent.results import Results
from sagebridge.agent.retries import Retries
from sagebridge.agent.training import Limits, training
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sagebridge.agent.clock import Clock
    from sagebridge.agent.host import Host
    from sagebridge.agent.termination import Termination
    from sagebridge.runtime.checkpoints import CheckpointSync

_SIGN_SECONDS: Final = 60.0
_SIGNS_IN_TIME: Final = 4

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is around the agent, and other in tests.

    Attributes:
        clock: The time.
        termination: Whether the pod ends.
        cgroup: Reads a process's cgroup.
    """

    clock: Clock
    termination: Termination
    cgroup: Callable[[Path, int | str], str] = processes.read_cgroup


def accompany(host: Host, surroundings: Surroundings) -> Message:
    """Stay beside training until its results are in S3. Blocks.

    Returns:
        How it went; with a failure reason when something that was to be uploaded is not in S3.
    """
    notes = Notes(host.places.run)
    started = notes.start() or surroundings.clock.now()
    message = Message(stopped="", training_start_time=started)
    try:
        companion = _Companion(host, surroundings, notes=notes)
        reason = companion.train(
            Limits(
                started=started,
                max_runtime_seconds=host.document.max_runtime_seconds,
                stop_grace_seconds=host.document.stop_grace_seconds,
            )
        )
        failure = companion.results.failure()
        now = surroundings.clock.now()
        message = replace(message, stopped=str(reason or ""), failure=failure, upload_start_time=now)
        message = replace(message, model=companion.finish(reason))
    except Exception as error:  # noqa: BLE001 - the owner of the job must read it, whatever it is
        tell(error)
        reason_of_failure = failure_reason(error, doing="upload", document=host.document)
        message = replace(message, failure_reason=reason_of_failure)
    return replace(message, training_end_time=surroundings.clock.now())


class _Companion:
    def __init__(self, host: Host, surroundings: Surroundings, *, notes: Notes) -> None:
        document, clock, termination = host.document, surroundings.clock, surroundings.termination
        self._host = host
        self._surroundings = surroundings
        self._notes = notes
        self._checkpoints: CheckpointSync | None = None
        self._making = threading.Lock()
        self._retries = Retries(
            clock=clock,
            termination=termination,
            seconds=document.upload_seconds,
            grace_seconds=document.stop_grace_seconds,
        )
        self.results = Results(host, retries=self._retries, clock=clock)

    def train(self, limits: Limits) -> StopReason | None:
        """Wait for the end of training, and keep its checkpoints in S3; returns why it was ended early."""
        watched = training(
            self._host.places.proc,
            limits=limits,
            sidecars=self._notes.sidecars(),
            annotations=self._host.places.annotations,
            clock=self._surroundings.clock,
            termination=self._surroundings.termination,
            cgroup=self._surroundings.cgroup,
        )
        with ExitStack() as stack:
            for periodic in self._beside():
                stack.enter_context(periodic)
            return watched.wait()

    def finish(self, reason: StopReason | None) -> str | None:
        """Upload what is left to upload; returns where the model is."""
        model: str | None = None
        try:
            model = self._finish(reason)
        finally:
            if model is None and self._surroundings.termination.since is not None:
                # A later run of this host is another training: it must not merge what belongs to this one.
                self.results.forget_parts()
        return model

    def _finish(self, reason: StopReason | None) -> str | None:
        with ExitStack() as stack:
            if self.results.is_part:
                stack.enter_context(self._signs())
            problem = self._last_checkpoints()
            model = self._upload_results(reason, problem)
        if problem is not None:
            raise problem
        return model

    def _last_checkpoints(self) -> Exception | None:
        """Upload them; returns why that failed, for the results may go to a place that works."""
        if self._host.document.checkpoint_uri is None:
            return None
        try:
            self._retries.call(lambda: self._sync().sync(), what="The upload of the last checkpoints")
        except (RunFailedError, OSError) as error:
            _logger.warning("The last checkpoints are not in S3: %s", error)
            return error
        _logger.info("All checkpoints are in S3")
        return None

    def _upload_results(self, reason: StopReason | None, problem: Exception | None) -> str | None:
        """Upload the model and the output; what fails after another problem is for the log."""
        if reason is StopReason.TERMINATED:
            return None
        try:
            return self.results.upload()
        except (RunFailedError, OSError) as error:
            if problem is None:
                raise
            _logger.warning("The results are not in S3 either: %s", error)
            return None

    def _beside(self) -> list[Periodic]:
        found = [self._signs()] if self.results.is_part else []
        if self._host.document.checkpoint_uri is not None:
            seconds = self._host.document.checkpoint_sync_seconds
            found.append(self._periodic(lambda: self._sync().sync(), seconds=seconds, what="The upload of checkpoints"))
        return found

    def _signs(self) -> Periodic:
        seconds = min(_SIGN_SECONDS, self._host.document.upload_seconds / _SIGNS_IN_TIME)
        return self._periodic(self.results.give_sign, seconds=seconds, what="This host's sign of life")

    def _periodic(self, work: Callable[[], object], *, seconds: float, what: str) -> Periodic:
        return Periodic(work, seconds=seconds, what=what, clock=self._surroundings.clock)

    def _sync(self) -> CheckpointSync:
        """The one synchroniser: it remembers what is in S3."""
        with self._making:
            if self._checkpoints is None:
                self._checkpoints = self._host.checkpoints(known=self._notes.checkpoints())
        assert self._checkpoints is not None  # callers have looked for the URI
        return self._checkpoints
