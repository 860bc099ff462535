"""Whether an object is where a step should have brought it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faults.cluster import Body

Reached = Callable[[Body | None], bool]


def gone(body: Body | None) -> bool:
    """The object is no longer there."""
    return body is None


def secondary(status: str, *, attempts: int = 1) -> Reached:
    """The newest of some attempts exists in AWS, and is in this secondary status."""

    def holds(body: Body | None) -> bool:
        shown = status_of(body)
        recorded = shown.get("attempts") or []
        return len(recorded) == attempts and "arn" in recorded[-1] and shown.get("secondaryStatus") == status

    return holds


def under_way(*, attempts: int = 1) -> Reached:
    """The newest of some attempts exists in AWS, and nothing is the matter with it."""

    def holds(body: Body | None) -> bool:
        recorded = status_of(body).get("attempts") or []
        is_made = len(recorded) == attempts and "arn" in recorded[-1]
        return is_made and condition(body, "Ready").get("reason") == "InProgress"

    return holds


def reason(word: str) -> Reached:
    """Ready has this reason."""
    return lambda body: condition(body, "Ready").get("reason") == word


def tags(wanted: list[dict[str, str]]) -> Reached:
    """These tags, and no others, are in force."""
    return lambda body: status_of(body).get("tags") == wanted


def status_of(body: Body | None) -> dict[str, Any]:
    """The status; empty if there is none."""
    return (body or {}).get("status") or {}


def condition(body: Body | None, kind: str) -> dict[str, Any]:
    """The condition of a type; empty if there is none."""
    return next((item for item in status_of(body).get("conditions") or () if item["type"] == kind), {})
