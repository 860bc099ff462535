"""What is done beside training, and after it: checkpoints while it runs, and then its results."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sagebridge.agent.accompany import Companion, retries
from sagebridge.agent.message import Message, StopReason
from sagebridge.agent.notes import Notes
from sagebridge.agent.periodic import Periodic
from sagebridge.agent.results import Results
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge.agent.host import Host
    from sagebridge.agent.surroundings import Surroundings
    from sagebridge.runtime.checkpoints import CheckpointSync

_SIGN_SECONDS: Final = 60.0
_SIGNS_IN_TIME: Final = 4

_logger = logging.getLogger(__name__)


class TrainingCompanion(Companion[Message]):
    """Keeps a training job's checkpoints in S3, and takes its model and output there."""

    def __init__(self, host: Host, surroundings: Surroundings) -> None:
        """Prepare; nothing happens yet.

        Raises:
            RunFailedError: S3OutputPath is no s3:// URI.
        """
        self._host = host
        self._surroundings = surroundings
        self._checkpoints: CheckpointSync | None = None
        self._making = threading.Lock()
        self._retries = retries(host, surroundings)
        self._results = Results(host, retries=self._retries, clock=surroundings.clock)

    def meanwhile(self) -> list[Periodic]:
        """The upload of checkpoints, and this host's sign of life to another that merges their results."""
        found = [self._signs()] if self._results.is_part else []
        if self._host.document.checkpoint_uri is not None:
            seconds = self._host.document.checkpoint_sync_seconds
            found.append(self._periodic(lambda: self._sync().sync(), seconds=seconds, what="The upload of checkpoints"))
        return found

    def finish(self, reason: StopReason | None, message: Message) -> Message:
        """Upload the last checkpoints and the results, and tell where the model is."""
        model: str | None = None
        try:
            model = self._finish(reason)
        finally:
            if model is None and self._surroundings.termination.since is not None:
                # A later run of this host is another training: it must not merge what belongs to this one.
                self._results.forget_parts()
        return replace(message, model=model)

    def _finish(self, reason: StopReason | None) -> str | None:
        with ExitStack() as stack:
            if self._results.is_part:
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
            return self._results.upload()
        except (RunFailedError, OSError) as error:
            if problem is None:
                raise
            _logger.warning("The results are not in S3 either: %s", error)
            return None

    def _signs(self) -> Periodic:
        seconds = min(_SIGN_SECONDS, self._host.document.upload_seconds / _SIGNS_IN_TIME)
        return self._periodic(self._results.give_sign, seconds=seconds, what="This host's sign of life")

    def _periodic(self, work: Callable[[], object], *, seconds: float, what: str) -> Periodic:
        return Periodic(work, seconds=seconds, what=what, clock=self._surroundings.clock)

    def _sync(self) -> CheckpointSync:
        """The one synchroniser: it remembers what is in S3."""
        with self._making:
            if self._checkpoints is None:
                known = Notes(self._host.places.run).checkpoints()
                self._checkpoints = self._host.checkpoints(known=known)
        assert self._checkpoints is not None  # callers have looked for the URI
        return self._checkpoints
