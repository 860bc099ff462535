"""The steps that a plan can name. Each is idempotent; any process may die between two of them."""

from __future__ import annotations

from dataclasses import dataclass

from sagebridge.core.conditions import Verdict
from sagebridge.core.job import Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Nothing to do until something changes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Protect:
    """Put our finalizer on the object, so that nothing made for it can be forgotten."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclude:
    """Say in status how things stand, and look again after `again_after` seconds if given."""

    verdict: Verdict
    again_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Check and resolve everything the attempt needs, then record it in status. Nothing is created yet."""

    number: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Provide:
    """Create the model that the recorded attempt's job uses, or find the one that is there and ours."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """Delete the models that were made for the object: no job of its own needs them any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submit:
    """Create the recorded attempt's job, or take over the one that is there and ours."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Abandon:
    """Record that the pod of the pipeline's step that made the object is gone; without one, that this holds no longer.

    `pod` is its name and UID, `since` the RFC 3339 time since when nobody attends the object.
    """

    pod: str = ""
    since: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Describe the attempt's job."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """Stop the attempt's job. `why` is recorded first, if given, so that its end is understood."""

    attempt: Attempt
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TakeBack:
    """Look whether the attempt's job runs on though it was to be stopped, and if so, record that it is not any more."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Tag:
    """Bring the job's tags to what the spec says."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Close:
    """Record how the attempt ended. Another may follow."""

    attempt: Attempt
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Forget:
    """Take an attempt that never came to be out of status, so that the manifest can be corrected."""

    attempt: Attempt


@dataclass(frozen=True, kw_only=True, slots=True)
class Purge:
    """Delete the jobs of all attempts in AWS, then release."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settle:
    """Take away what others would run again of attempts that have ended for the object, then release."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Let the object go, and report what is left that was not to be.

    Attributes:
        orphan: the attempt that may still run.
        unsettled: attempts that have ended, and that a queue may run again.
        unpurged: attempts that have ended, and were to be deleted.
        models: the models that were to be deleted.
    """

    orphan: Attempt | None = None
    unsettled: tuple[Attempt, ...] = ()
    unpurged: tuple[Attempt, ...] = ()
    models: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Expire:
    """Delete the object: its time to live is over."""


Step = (
    Wait
    | Protect
    | Abandon
    | Conclude
    | Record
    | Provide
    | Submit
    | Look
    | Stop
    | TakeBack
    | Tag
    | Close
    | Forget
    | Withdraw
    | Purge
    | Settle
    | Release
    | Expire
)
