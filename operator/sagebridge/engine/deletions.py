"""What is remembered of an object's deletion from when this process first works at it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta

from sagebridge.core.conditions import State, Verdict
from sagebridge.core.deletion import Deletion
from sagebridge.core.reasons import Reason
from sagebridge.engine.store import Memory
from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.kube.lease import LeadershipLostError
from sagebridge.targets.denials import DENIED

logger = logging.getLogger(__name__)

Report = Callable[[Verdict], Awaitable[None]]

_NO_TRY = (ConflictError, NotFoundError, LeadershipLostError)
"""What says nothing about the deletion: the object has changed, is gone, or is another replica's."""


def of(memory: Memory, *, now: datetime, deadline: timedelta) -> Deletion | None:
    """The object's deletion; None while it is to live."""
    requested_at = memory.job.deletion_requested_at
    if requested_at is not None and memory.deletion is None:
        memory.deletion = Deletion.begun(memory.job, requested_at=requested_at, now=now, deadline=deadline)
    return memory.deletion


async def take_up(
    memory: Memory,
    *,
    now: datetime,
    deadline: timedelta,
    report: Report,
    goes_at_once: Callable[[], bool] = lambda: False,
) -> None:
    """Begin to work at a deletion, if there is one; one that is found late is told first.

    Where the API server does not accept that, it may never do so, and no deletion is held up for a word. Nor is any
    said where the object goes at once: of those there may be thousands, that had ended long before they were deleted.

    Raises:
        sagebridge.kube.errors.KubeError: that could not be told now.
    """
    if memory.deletion is not None or not memory.job.is_finalized:
        return
    deletion = of(memory, now=now, deadline=deadline)
    if deletion is None or not deletion.is_found_late or goes_at_once():
        return
    memory.deletion = None
    try:
        await report(deletion.late_verdict)
    except RefusedError as error:
        logger.warning("%s/%s: its deletion begins untold: %s", memory.job.namespace, memory.job.name, error)
    memory.deletion = deletion


@contextlib.asynccontextmanager
async def trying(memory: Memory, *, now: Callable[[], datetime], report: Report) -> AsyncIterator[None]:
    """Note that a step was tried, and failed, should it belong to a deletion.

    That the API server fails is no verdict of its own; where a deletion waits for it again, that is told.
    """
    try:
        yield
    except _NO_TRY:
        raise
    except Exception as error:
        if (deletion := memory.deletion) is not None:
            memory.deletion = deletion.denied(now()) if isinstance(error, DENIED) else deletion.refused()
            if deletion.was_refused and isinstance(error, KubeError):
                await report(_blocked(error))
        raise


def _blocked(error: KubeError) -> Verdict:
    message = f"Deletion waits for the cluster: {error}"
    return Verdict(state=State.PROGRESSING, reason=Reason.DELETION_BLOCKED, message=message)
