"""The container beside the user's: what is done while that runs, its end, and the results after it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sagebridge.agent.failures import failure_reason, tell
from sagebridge.agent.message import WorkMessage
from sagebridge.agent.notes import Notes
from sagebridge.agent.retries import Retries
from sagebridge.agent.work import Limits, work

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sagebridge.agent.host import WorkHost
    from sagebridge.agent.message import StopReason
    from sagebridge.agent.periodic import Periodic
    from sagebridge.agent.surroundings import Surroundings

M = TypeVar("M", bound=WorkMessage)


class Companion(ABC, Generic[M]):
    """What the agent does for one kind of work."""

    @abstractmethod
    def meanwhile(self) -> Sequence[Periodic]:
        """What is done again and again beside the work."""

    def judge(self, reason: StopReason | None) -> StopReason | None:
        """Why the work that has just ended was ended early; None when it was not. What is done meanwhile goes on."""
        return reason

    def listen(self, message: M) -> M:
        """Add what the container has left to say."""
        return message

    @abstractmethod
    def finish(self, reason: StopReason | None, message: M) -> M:
        """Upload what is left to upload, and add what is to be told of it.

        Raises:
            Exception: it is not all in S3.
        """


def accompany(
    host: WorkHost[Any], surroundings: Surroundings, *, companion: Callable[[], Companion[M]], message: M
) -> M:
    """Stay beside the user's container until its results are in S3. Blocks.

    Args:
        host: Who this is.
        surroundings: The time, and whether the pod ends.
        companion: Makes what knows this kind of work.
        message: One without anything in it.

    Returns:
        How it went; with a failure reason when something that was to be uploaded is not in S3.
    """
    notes = Notes(host.places.run)
    message = replace(message, stopped="", start_time=notes.start() or surroundings.clock.now())
    try:
        beside = companion()
        reason = _watch(host, surroundings, beside, limits=_limits(host, message))
        message = replace(message, stopped=str(reason or ""), failure=host.failure())
        message = replace(beside.listen(message), upload_start_time=surroundings.clock.now())
        message = beside.finish(reason, message)
    except Exception as error:  # noqa: BLE001 - the owner of the job must read it, whatever it is
        tell(error)
        reason_of_failure = failure_reason(error, doing="upload", document=host.document)
        message = replace(message, failure_reason=reason_of_failure)
    return replace(message, end_time=surroundings.clock.now())


def retries(host: WorkHost[Any], surroundings: Surroundings) -> Retries:
    """How long what is left to upload is tried again."""
    return Retries(
        clock=surroundings.clock,
        termination=surroundings.termination,
        seconds=host.document.upload_seconds,
        grace_seconds=host.document.stop_grace_seconds,
    )


def _limits(host: WorkHost[Any], message: WorkMessage) -> Limits:
    assert message.start_time is not None  # it has just been set
    return Limits(
        started=message.start_time,
        max_runtime_seconds=host.document.max_runtime_seconds,
        stop_grace_seconds=host.document.stop_grace_seconds,
    )


def _watch(
    host: WorkHost[Any], surroundings: Surroundings, beside: Companion[Any], *, limits: Limits
) -> StopReason | None:
    """Wait for the end of the container; returns why it was ended early."""
    watched = work(
        host.places.proc,
        limits=limits,
        sidecars=Notes(host.places.run).sidecars(),
        annotations=host.places.annotations,
        clock=surroundings.clock,
        termination=surroundings.termination,
        cgroup=surroundings.cgroup,
    )
    with ExitStack() as stack:
        for periodic in beside.meanwhile():
            stack.enter_context(periodic)
        return beside.judge(watched.wait())
