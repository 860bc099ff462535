"""What is done beside the container of a processing job, and after it: its outputs, as SageMaker takes them."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sagebridge.agent import notices
from sagebridge.agent.accompany import Companion, retries
from sagebridge.agent.message import StopReason
from sagebridge.agent.periodic import Periodic
from sagebridge.agent.processing.message import ProcessingMessage
from sagebridge.runtime import last_words
from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sagebridge.agent.processing.host import ProcessingHost
    from sagebridge.agent.surroundings import Surroundings
    from sagebridge.runtime.processing import Output

TICK_SECONDS: Final = 1.0

_logger = logging.getLogger(__name__)


class ProcessingCompanion(Companion[ProcessingMessage]):
    """Keeps Continuous outputs in S3 in any case, and takes the others there after an end that was a good one."""

    def __init__(self, host: ProcessingHost, surroundings: Surroundings) -> None:
        """Prepare; nothing happens yet.

        Raises:
            RunFailedError: boto3 finds no credentials.
        """
        self._host = host
        self._surroundings = surroundings
        self._retries = retries(host, surroundings)
        outputs = host.outputs()
        self._continuous = [output for output in outputs if output.is_continuous]
        self._at_the_end = [output for output in outputs if not output.is_continuous]
        self._has_failed = False
        self._problem: Exception | None = None

    def meanwhile(self) -> list[Periodic]:
        """The upload of each Continuous output: one that is refused, or large, does not hold up the others."""
        return [
            Periodic(
                output.upload,
                seconds=self._host.document.sync_seconds,
                what=f"The upload of the output {output.name}",
                clock=self._surroundings.clock,
            )
            for output in self._continuous
        ]

    def judge(self, reason: StopReason | None) -> StopReason | None:
        """See whether the container has failed, which another container of its pod is not told by the kernel.

        What is to be uploaded at the end waits for the operator to say so. Where nobody does for long, it is uploaded:
        the Job fails or not by the container's own exit code, and a job that completed must have its outputs. When the
        pod is ended before, the agent's own exit code is that of a host that has not done its part.
        """
        if reason is not None or not self._at_the_end:
            return reason
        since = self._surroundings.clock.monotonic()
        while not notices.has_ended(said := notices.read(self._host.places.annotations)):
            if self._surroundings.termination.since is not None:
                return StopReason.TERMINATED
            if self._retries.left(since) <= 0:
                _logger.warning("Nobody says how the container has ended; its outputs are uploaded")
                return None
            self._surroundings.clock.sleep(TICK_SECONDS)
        self._has_failed = notices.has_failed(said)
        return None

    def listen(self, message: ProcessingMessage) -> ProcessingMessage:
        """Add the container's message; one that is no text fails a job that was not stopped."""
        try:
            said = last_words.message(Path(self._host.layout.message))
        except RunFailedError as error:
            self._problem = None if message.stopped else error
            return message
        return replace(message, exit_message=said)

    def finish(self, reason: StopReason | None, message: ProcessingMessage) -> ProcessingMessage:
        """Upload what is new of Continuous outputs, and the others, if the container has ended well by itself.

        Raises:
            RunFailedError: an output is not in S3, or the container's message is no text.
            OSError: a file can't be read.
        """
        is_whole = reason is None and not self._has_failed and self._problem is None
        problems = [*self._upload([*self._continuous, *(self._at_the_end if is_whole else ())])]
        if problem := self._problem or next(iter(problems), None):
            raise problem
        return message

    def _upload(self, outputs: Iterable[Output]) -> Iterator[Exception]:
        """Upload them; gives why one is not in S3, for others may go to a place that works."""
        for output in outputs:
            try:
                self._retries.call(output.upload, what=f"The upload of the output {output.name}")
            except (RunFailedError, OSError) as error:
                _logger.warning("The output %s is not in S3: %s", output.name, error)
                yield error
            else:
                _logger.info("The output %s is in S3", output.name)
