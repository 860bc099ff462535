"""What went wrong in a pass, as a verdict and the time to try again: the classes of errors of the API's design."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sagebridge.core.clock import parse_time
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.endpoint.steps import CreateModel
from sagebridge.core.errors import AwsError, ErrorClass, NotAllowedError, SpecError
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason
from sagebridge.core.steps import Conclude
from sagebridge.targets.protocol import NameConflictError, NotGoneError, NotOwnedError

# The end may have been cut off.
_LONG_LIST = re.compile(r"\[([^\[\]]{200,})(?:\]|$)")
_MOST_VALUES = 5
_FAST_RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0)
_SLOW_RETRY_SECONDS = (30.0, 60.0, 120.0, 300.0)
# Manifests that are applied together come within moments; a model may take days.
_REFERENCE_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_TELLING = ("config_name", "key", "name", "part")
"""Fields of steps that tell which of several things they are about."""


class WaitingError(Exception):
    """Something the spec refers to is not there yet: somebody has to make it.

    Attributes:
        reason: what the object says meanwhile.
    """

    reason = Reason.WAITING_FOR_REFERENCE


class NotReadyError(WaitingError):
    """Something the spec refers to is there, and not ready yet."""

    reason = Reason.REFERENCE_NOT_READY


EXPECTED = (
    AwsError,
    SpecError,
    NotAllowedError,
    NameConflictError,
    NotGoneError,
    NotOwnedError,
    NotReadyError,
    WaitingError,
)


@dataclass(kw_only=True, slots=True)
class FailureCounts:
    """How often each step has failed in a row: one that succeeds, or fails, says nothing about the others.

    Steps are the same if they do the same to the same thing: a second model may be refused again and again while the
    first is made, or found, each time.
    """

    _by_step: Counter[tuple[Hashable, ...]] = field(default_factory=Counter)

    def failed(self, step: object) -> int:
        """Count a failure; how many there were in a row, this one included."""
        self._by_step[_identity(step)] += 1
        return self.of(step)

    def of(self, step: object) -> int:
        """How many failures of this step there were in a row."""
        return self._by_step[_identity(step)]

    def succeeded(self, step: object) -> None:
        """Forget the failures of this step."""
        self._by_step.pop(_identity(step), None)

    def forget(self) -> None:
        """Forget all of them."""
        self._by_step.clear()


def _identity(step: object) -> tuple[Hashable, ...]:
    """What a step does, and to which of several things."""
    if isinstance(step, CreateModel):
        return (CreateModel, step.model.name)
    return (type(step), *(getattr(step, name) for name in _TELLING if hasattr(step, name)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long to wait for what.

    Attributes:
        recheck_seconds: pause while the user has to act.
        quota_grace: how long an exhausted quota counts as waiting.
        jitter: gives a factor for pauses, around 1.
    """

    recheck_seconds: float = 600.0
    quota_grace: timedelta = timedelta(minutes=30)
    jitter: Callable[[], float] = lambda: random.uniform(0.75, 1.25)  # noqa: S311


def conclude(
    error: Exception,
    *,
    job: Job,
    failures: int,
    now: datetime,
    patience: Patience,
    since: datetime | None = None,
) -> Conclude:
    """The verdict on a pass that `error` ended.

    Args:
        error: one of `EXPECTED`.
        job: the object.
        failures: how often this step has failed in a row, this time included; pauses grow with it.
        now: the time of the pass.
        patience: pauses and deadlines.
        since: when what is wanted was first tried, if not with the last attempt.
    """
    if isinstance(error, SpecError):
        return _stalled(Reason.INVALID_SPEC, str(error), again_after=patience.recheck_seconds)
    if isinstance(error, NotAllowedError):
        return _stalled(Reason.NOT_ALLOWED, str(error), again_after=patience.recheck_seconds)
    if isinstance(error, NameConflictError | NotOwnedError):
        return _stalled(Reason.NAME_CONFLICT, str(error), again_after=patience.recheck_seconds)
    if isinstance(error, WaitingError | NotGoneError):
        reason = error.reason if isinstance(error, WaitingError) else Reason.WAITING_FOR_REMOVAL
        verdict = Verdict(state=State.PROGRESSING, reason=reason, message=str(error))
        return Conclude(verdict=verdict, again_after=_pause(_REFERENCE_SECONDS, failures))
    if isinstance(error, AwsError):
        waited = now - since if since else _waited(job, now)
        return _conclude_aws(error, waited=waited, failures=failures, patience=patience)
    raise error


def _conclude_aws(error: AwsError, *, waited: timedelta, failures: int, patience: Patience) -> Conclude:
    message = f"{error.operation}: {_without_long_lists(error.message)} ({error.code})"
    message += f". {error.advice}" if error.advice else ""
    if error.error_class is ErrorClass.USER_ACTION:
        reason = Reason.ACCESS_DENIED if error.is_of_rights else Reason.REJECTED
        return _stalled(reason, message, again_after=patience.recheck_seconds)
    if error.error_class is ErrorClass.SLOW_RETRY:
        pause = _pause(_SLOW_RETRY_SECONDS, failures) * patience.jitter()
        if waited > patience.quota_grace:
            return _stalled(Reason.QUOTA_EXCEEDED, message, again_after=pause)
        verdict = Verdict(state=State.PROGRESSING, reason=Reason.QUOTA_EXCEEDED, message=message)
        return Conclude(verdict=verdict, again_after=pause)
    reason = Reason.THROTTLED if error.is_throttle else Reason.SERVICE_UNAVAILABLE
    verdict = Verdict(state=State.PROGRESSING, reason=reason, message=f"{message}; trying again.")
    return Conclude(verdict=verdict, again_after=_pause(_FAST_RETRY_SECONDS, failures) * patience.jitter())


def _without_long_lists(text: str) -> str:
    """SageMaker's words without all values that an enumeration may have, among which the point would be lost."""
    return _LONG_LIST.sub(lambda found: f"[{', '.join(found[1].split(', ')[:_MOST_VALUES])}, …]", text)


def _stalled(reason: Reason, message: str, *, again_after: float) -> Conclude:
    return Conclude(verdict=Verdict(state=State.STALLED, reason=reason, message=message), again_after=again_after)


def _pause(steps: tuple[float, ...], failures: int) -> float:
    return steps[min(max(failures, 1), len(steps)) - 1]


def _waited(job: Job, now: datetime) -> timedelta:
    attempt = job.last_attempt
    return now - parse_time(attempt.recorded_at) if attempt else timedelta()
