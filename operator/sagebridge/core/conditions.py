"""Conditions as kstatus, Job and Argo CD read them (docs/conditions.md has the table)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sagebridge.core.reasons import Reason

READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
SUSPENDED = "Suspended"
COMPLETE = "Complete"
FAILED = "Failed"
TAGS_APPLIED = "TagsApplied"

MESSAGE_LIMIT = 2048


class State(StrEnum):
    """Where an object stands; each state fixes all its conditions."""

    UNSEEN = "Unseen"
    PROGRESSING = "Progressing"
    SUSPENDED = "Suspended"
    PAUSED = "Paused"
    READY = "Ready"
    SERVING = "Serving"
    STALLED = "Stalled"
    FAILED = "Failed"


_TABLE: Mapping[State, Mapping[str, str]] = {
    State.UNSEEN: {READY: "Unknown", RECONCILING: "True"},
    State.PROGRESSING: {READY: "False", RECONCILING: "True"},
    State.SUSPENDED: {READY: "False", SUSPENDED: "True"},
    State.PAUSED: {READY: "False"},
    State.READY: {READY: "True", COMPLETE: "True"},
    State.SERVING: {READY: "True"},
    State.STALLED: {READY: "False", STALLED: "True"},
    State.FAILED: {READY: "False", STALLED: "True", FAILED: "True"},
}
_PERMANENT = (COMPLETE, FAILED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What a pass concluded about an object.

    Attributes:
        state: which row of the table of conditions holds.
        reason: why, one word.
        message: what happened, and what the user can do where they can.
        is_warning: whether its Event is a Warning, though its state and reason would not make it one.
    """

    state: State
    reason: Reason
    message: str
    is_warning: bool = False


def build(
    verdict: Verdict,
    *,
    previous: Iterable[Mapping[str, Any]],
    generation: int,
    now: str,
    tags_refused: str = "",
) -> list[dict[str, Any]]:
    """The whole list of conditions for `verdict`.

    Args:
        verdict: the conclusion of this pass.
        previous: the conditions in the object's status; a transition time is kept while its status stays.
        generation: the generation the conclusion is about.
        now: RFC 3339 time of this pass.
        tags_refused: which changed tags AWS does not take, and why; empty while it has all.

    Returns:
        Conditions in a fixed order. Complete and Failed, once there, never leave. TagsApplied is there only as False.
    """
    before = {condition["type"]: condition for condition in previous}
    wanted = _TABLE[verdict.state]
    built = [
        _condition(kind, status, verdict=verdict, before=before.get(kind), generation=generation, now=now)
        for kind, status in wanted.items()
    ]
    kept = [dict(before[kind]) for kind in _PERMANENT if kind in before and kind not in wanted]
    if tags_refused:
        # What runs is as it should be, so this is no matter of Ready.
        about_tags = Verdict(state=verdict.state, reason=Reason.TAGS_REJECTED, message=tags_refused)
        tags = _condition(
            TAGS_APPLIED, "False", verdict=about_tags, before=before.get(TAGS_APPLIED), generation=generation, now=now
        )
        kept.append(tags)
    return built + kept


def _condition(
    kind: str, status: str, *, verdict: Verdict, before: Mapping[str, Any] | None, generation: int, now: str
) -> dict[str, Any]:
    since = before.get("lastTransitionTime") if before is not None and before.get("status") == status else None
    return {
        "type": kind,
        "status": status,
        "reason": verdict.reason.value,
        "message": verdict.message[:MESSAGE_LIMIT],
        "lastTransitionTime": since or now,
        "observedGeneration": generation,
    }


def find(conditions: Iterable[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    """The condition of that type, if there."""
    return next((condition for condition in conditions if condition.get("type") == kind), None)


def is_true(conditions: Iterable[Mapping[str, Any]], kind: str) -> bool:
    """Whether the condition of that type is there and True."""
    condition = find(conditions, kind)
    return condition is not None and condition.get("status") == "True"
