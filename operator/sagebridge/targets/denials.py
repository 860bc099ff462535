"""What was denied of several things, beside what has failed and may pass."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import Final

from sagebridge.core.errors import NotAllowedError, SpecError
from sagebridge.kube.errors import KubeError, RefusedError

DENIED: Final = (RefusedError, NotAllowedError, SpecError)
"""What does not pass by itself."""


async def outcome(trial: Awaitable[None]) -> Exception | None:
    """What one of several has failed with; None if it has not."""
    try:
        await trial
    except (KubeError, NotAllowedError, SpecError) as error:
        return error
    return None


def raise_gravest(outcomes: Iterable[Exception | None]) -> None:
    """Raise one of what several have failed with, if any has.

    What may pass comes first: it is waited for, where a denial may cost what is left.
    """
    failed = [error for error in outcomes if error is not None]
    if failed:
        raise next((error for error in failed if not isinstance(error, DENIED)), failed[0])
