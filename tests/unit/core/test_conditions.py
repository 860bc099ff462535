"""The table of conditions, row by row."""

from __future__ import annotations

import pytest
from sagebridge.core import conditions
from sagebridge.core.conditions import State, Verdict
from sagebridge.core.reasons import Reason

EARLIER, LATER = "2026-01-02T03:04:05Z", "2026-01-02T04:04:05Z"


def build(state: State, previous: list[dict[str, object]] | None = None, now: str = EARLIER) -> list[dict[str, object]]:
    verdict = Verdict(state=state, reason=Reason.IN_PROGRESS, message="m")
    return conditions.build(verdict, previous=previous or [], generation=3, now=now)


@pytest.mark.parametrize(
    ("state", "want"),
    [
        (State.UNSEEN, {"Ready": "Unknown", "Reconciling": "True"}),
        (State.PROGRESSING, {"Ready": "False", "Reconciling": "True"}),
        (State.SUSPENDED, {"Ready": "False", "Suspended": "True"}),
        (State.PAUSED, {"Ready": "False"}),
        (State.READY, {"Ready": "True", "Complete": "True"}),
        (State.STALLED, {"Ready": "False", "Stalled": "True"}),
        (State.FAILED, {"Ready": "False", "Stalled": "True", "Failed": "True"}),
    ],
)
def test_each_state_fixes_all_conditions(state: State, want: dict[str, str]) -> None:
    assert {item["type"]: item["status"] for item in build(state)} == want


def test_every_state_is_in_the_table() -> None:
    for state in State:
        assert build(state)


@pytest.mark.parametrize("state", list(State))
def test_complete_and_failed_never_leave(state: State) -> None:
    for final, kind in ((State.READY, "Complete"), (State.FAILED, "Failed")):
        assert conditions.is_true(build(state, previous=build(final)), kind)


def test_a_transition_time_changes_only_with_the_status() -> None:
    first = build(State.PROGRESSING)
    same = build(State.PROGRESSING, previous=first, now=LATER)
    assert {item["lastTransitionTime"] for item in same} == {EARLIER}
    ready = {item["type"]: item for item in build(State.READY, previous=first, now=LATER)}
    assert ready["Ready"]["lastTransitionTime"] == LATER


def test_reconciling_goes_when_stalled_comes() -> None:
    stalled = build(State.STALLED, previous=build(State.PROGRESSING))
    assert conditions.find(stalled, "Reconciling") is None


def test_a_long_message_is_cut() -> None:
    verdict = Verdict(state=State.STALLED, reason=Reason.REJECTED, message="x" * 10_000)
    built = conditions.build(verdict, previous=[], generation=1, now=EARLIER)
    assert len(built[0]["message"]) == conditions.MESSAGE_LIMIT
