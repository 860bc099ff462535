"""Where an object stands, as a step sees it: a pure function of the object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from sagebridge.core import conditions
from sagebridge.core.reasons import Reason

Body = Mapping[str, Any]

_AT_ONCE: Final = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.REJECTED,
        Reason.NAME_CONFLICT,
        Reason.NOT_ALLOWED,
        Reason.UPDATE_FAILED,
        Reason.ENDPOINT_FAILED,
    }
)
"""What no wait mends: the spec has to change, or a policy, whose change the operator sees at once."""


class Stage(Enum):
    """How far an object is.

    Attributes:
        OPEN: on the way, or nobody has looked at it since it was changed.
        DONE: it has ended well, or serves.
        FAILED: it has ended, and no attempt follows.
        REFUSED: it has not begun, and goes on only when its spec or a policy changes.
        STALLED: it goes on when somebody has acted, which may be soon.
    """

    OPEN = auto()
    DONE = auto()
    FAILED = auto()
    REFUSED = auto()
    STALLED = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where an object stands.

    Attributes:
        stage: how far it is.
        reason: the word of the condition that tells.
        message: what that condition says.
        secondary: a job's secondary status, empty where there is none.
    """

    stage: Stage
    reason: str
    message: str
    secondary: str = ""

    def __str__(self) -> str:
        if not self.secondary and self.message.startswith(f"{self.reason};"):
            return self.message
        detail = f" ({self.secondary})" if self.secondary else ""
        return f"{self.reason}{detail}: {self.message}" if self.message else f"{self.reason}{detail}"


def standing(body: Body, *, keeps: bool = False) -> Standing:
    """Tell where an object stands.

    Args:
        body: the whole object.
        keeps: whether it goes on for ever, so that being Ready is all there is to wait for.
    """
    status = body.get("status") or {}
    found = list(status.get("conditions") or ())
    stage = _endless_stage(body, found) if keeps else _job_stage(body, found)
    told_by = conditions.FAILED if stage is Stage.FAILED else conditions.READY
    condition = conditions.find(found, told_by) or {"reason": Reason.ACCEPTED.value, "message": ""}
    return Standing(
        stage=stage,
        reason=str(condition.get("reason", "")),
        message=str(condition.get("message", "")),
        secondary=str(status.get("secondaryStatus") or status.get("endpointStatus") or ""),
    )


def verdict(body: Body) -> tuple[Any, ...] | None:
    """What is said against an object that is stalled: the same for as long as nobody has looked at it anew.

    None where nothing is: it is under way, or ready.
    """
    status = body.get("status") or {}
    found = status.get("conditions") or ()
    if not conditions.is_true(found, conditions.STALLED):
        return None
    told = [
        (one.get("type"), one.get("status"), one.get("reason"), one.get("message"), one.get("lastTransitionTime"))
        for one in found
        if one.get("type") in (conditions.READY, conditions.STALLED)
    ]
    observed = [status.get(name) for name in ("observedGeneration", "endpointStatus", "failureReason", "lastFailure")]
    return (*told, *observed)


def is_failed(body: Body) -> bool:
    """Whether no attempt at a job can follow."""
    return conditions.is_true((body.get("status") or {}).get("conditions") or (), conditions.FAILED)


def is_ended(body: Body) -> bool:
    """Whether a job has ended, well or not."""
    found = (body.get("status") or {}).get("conditions") or ()
    return conditions.is_true(found, conditions.COMPLETE) or conditions.is_true(found, conditions.FAILED)


def is_ready(body: Body) -> bool:
    """Whether it is Ready, in whatever generation."""
    return conditions.is_true((body.get("status") or {}).get("conditions") or (), conditions.READY)


def has_served(body: Body) -> bool:
    """Whether an endpoint serves, or a version of it has served before."""
    revisions = (body.get("status") or {}).get("revisions") or ()
    return is_ready(body) or any(one.get("servedAt") for one in revisions)


def is_begun(body: Body) -> bool:
    """Whether an attempt at a job was recorded, after which its spec stays as it is."""
    return bool((body.get("status") or {}).get("attempts"))


def is_at_work(body: Body) -> bool:
    """Whether the last attempt at a job has not ended, as far as anybody knows."""
    attempts = (body.get("status") or {}).get("attempts") or []
    return bool(attempts) and not attempts[-1].get("status")


def _job_stage(body: Body, found: list[Mapping[str, Any]]) -> Stage:
    if conditions.is_true(found, conditions.COMPLETE):
        return Stage.DONE
    if conditions.is_true(found, conditions.FAILED):
        return Stage.FAILED
    return _stalled_stage(body, found)


def _endless_stage(body: Body, found: list[Mapping[str, Any]]) -> Stage:
    if conditions.is_true(found, conditions.READY) and _is_seen(body):
        return Stage.DONE
    return _stalled_stage(body, found)


def _stalled_stage(body: Body, found: list[Mapping[str, Any]]) -> Stage:
    if not _is_seen(body):
        return Stage.OPEN
    stalled = conditions.find(found, conditions.STALLED) or {}
    if stalled.get("status") != "True":
        return Stage.STALLED if _lacks_reference(found) else Stage.OPEN
    # What a job was begun with was right then: it runs, or waits for its next attempt, while somebody acts.
    is_refused = stalled.get("reason") in _AT_ONCE and not is_begun(body)
    return Stage.REFUSED if is_refused else Stage.STALLED


def _lacks_reference(found: list[Mapping[str, Any]]) -> bool:
    """Whether it waits for what is not there: somebody has to make that, which takes less than a job may."""
    ready = conditions.find(found, conditions.READY) or {}
    return bool(ready.get("reason") == Reason.WAITING_FOR_REFERENCE)


def _is_seen(body: Body) -> bool:
    """Whether what the status says is about the spec as it is now."""
    observed = (body.get("status") or {}).get("observedGeneration") or 0
    return bool(observed >= body["metadata"].get("generation", 0))
