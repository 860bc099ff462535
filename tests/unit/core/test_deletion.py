"""How long a deletion may be held up, whoever works at it and however often the operator starts anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sagebridge.core.conditions import State, Verdict, build
from sagebridge.core.deletion import Deletion
from sagebridge.core.job import Job
from sagebridge.core.reasons import Reason

ASKED = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def job(state: State, reason: Reason) -> Job:
    verdict = Verdict(state=state, reason=reason, message="m")
    said = build(verdict, previous=(), generation=1, now="2026-01-02T03:00:00Z")
    return Job.parse({"metadata": {"uid": "u"}, "status": {"conditions": said}})


def begun(after: timedelta, state: State = State.PROGRESSING, reason: Reason = Reason.IN_PROGRESS) -> Deletion:
    return Deletion.begun(job(state, reason), requested_at=ASKED, now=ASKED + after, deadline=HOUR)


LAST = begun(SECOND).retaining().denied(ASKED + HOUR + 2 * SECOND)


@pytest.mark.parametrize(
    ("reason", "after", "said", "ends_at", "is_found_late"),
    [
        ("it begins at once", SECOND, (State.PROGRESSING, Reason.IN_PROGRESS), ASKED + SECOND + HOUR, False),
        ("nobody was there", 5 * HOUR, (State.PROGRESSING, Reason.IN_PROGRESS), ASKED + 6 * HOUR, True),
        ("another process was refused", 5 * HOUR, (State.PROGRESSING, Reason.DELETION_BLOCKED), ASKED + HOUR, False),
        ("another process has waited", 5 * HOUR, (State.PROGRESSING, Reason.DELETING), ASKED + HOUR, False),
        ("it was paused in its deletion", 5 * HOUR, (State.PROGRESSING, Reason.PAUSED), ASKED + HOUR, False),
        ("it was paused before that", 5 * HOUR, (State.PAUSED, Reason.PAUSED), ASKED + 6 * HOUR, True),
        ("nothing was said yet", SECOND, (State.UNSEEN, Reason.ACCEPTED), ASKED + SECOND + HOUR, False),
    ],
)
def test_its_time_counts_from_when_somebody_worked_at_it(
    reason: str, after: timedelta, said: tuple[State, Reason], ends_at: datetime, is_found_late: bool
) -> None:
    deletion = begun(after, *said)

    assert (deletion.ends_at, deletion.is_found_late) == (ends_at, is_found_late), reason


def test_what_is_found_late_is_known_to_the_next_process() -> None:
    found = begun(5 * HOUR)
    assert found.late_verdict.message.endswith("while nobody worked at it. It has until 2026-01-02T09:00:00Z.")

    after = begun(5 * HOUR + 2 * SECOND, found.late_verdict.state, found.late_verdict.reason)

    assert after.is_over(ASKED + 5 * HOUR + 2 * SECOND)


@pytest.mark.parametrize(
    ("reason", "deletion", "now", "want"),
    [
        ("in time", begun(SECOND).refused(), HOUR, False),
        ("late, and refused", begun(SECOND).refused(), HOUR + 2 * SECOND, True),
        ("late, and not refused yet", begun(SECOND), HOUR + 2 * SECOND, False),
        ("late, and nothing comes of it", begun(SECOND), HOUR + timedelta(minutes=2), True),
        (
            "another process was refused, this one not yet",
            begun(5 * HOUR, reason=Reason.DELETION_BLOCKED),
            5 * HOUR,
            False,
        ),
        (
            "each of them was refused",
            begun(5 * HOUR, reason=Reason.DELETION_BLOCKED).refused(),
            5 * HOUR + SECOND,
            True,
        ),
        ("found late, and refused at once", begun(5 * HOUR).refused(), 5 * HOUR + SECOND, False),
        ("to be retained, and denied", begun(SECOND).retaining().denied(ASKED), HOUR + 2 * SECOND, True),
        ("to be retained, and failed", begun(SECOND).retaining().refused(), 9 * HOUR, False),
        (
            "to be retained, and failed after it was denied",
            begun(SECOND).retaining().denied(ASKED).refused(),
            9 * HOUR,
            False,
        ),
        ("to be retained, and not tried yet", begun(SECOND).retaining(), 9 * HOUR, False),
        ("to be retained, and denied at the last moment", LAST, HOUR + timedelta(seconds=62), False),
        ("to be retained, and denied since then", LAST.denied(ASKED + 2 * HOUR), HOUR + timedelta(seconds=63), True),
        (
            "to be retained: another process was denied for long, this one a moment ago",
            begun(5 * HOUR, reason=Reason.DELETION_BLOCKED).retaining().denied(ASKED + 5 * HOUR),
            6 * HOUR,
            False,
        ),
        (
            "to be retained, and each of them was denied until the end",
            begun(5 * HOUR, reason=Reason.DELETION_BLOCKED).retaining().denied(ASKED + 5 * HOUR),
            6 * HOUR + SECOND,
            True,
        ),
    ],
)
def test_nothing_is_given_up_without_a_try(reason: str, deletion: Deletion, now: timedelta, want: bool) -> None:
    assert deletion.is_given_up(ASKED + now) is want, reason


@pytest.mark.parametrize(("now", "want"), [(timedelta(), 3601.0), (HOUR - SECOND, 2.0), (5 * HOUR, 1.0)])
def test_it_is_looked_at_again_when_its_time_is_over(now: timedelta, want: float) -> None:
    assert begun(timedelta()).seconds_left(ASKED + now) == want


@pytest.mark.parametrize(
    ("reason", "wanted", "now", "want"),
    [
        ("it says when", 15.0, timedelta(), 15.0),
        ("it does not", None, timedelta(), 10.0),
        ("what only a person can mend is tried often: somebody waits", 600.0, timedelta(), 30.0),
        ("not all the time", 0.1, timedelta(), 1.0),
        ("its time is over before", 30.0, HOUR - 5 * SECOND, 6.0),
        ("its time is over", 600.0, 5 * HOUR, 1.0),
    ],
)
def test_what_was_refused_is_tried_again(reason: str, wanted: float | None, now: timedelta, want: float) -> None:
    assert begun(timedelta()).pause(ASKED + now, wanted=wanted) == want, reason


def test_operators_that_die_again_and_again_do_not_keep_it() -> None:
    """Each finds it, says so, is refused once, and dies: the object goes as soon as one has been refused in vain."""
    said: tuple[Any, Any] = (State.PROGRESSING, Reason.IN_PROGRESS)
    outcomes = []
    for start in range(3):
        now = 5 * HOUR + start * timedelta(minutes=1)
        deletion = begun(now, *said)
        if deletion.is_found_late:
            said = (deletion.late_verdict.state, deletion.late_verdict.reason)
        outcomes.append(deletion.refused().is_given_up(ASKED + now + SECOND))

    assert outcomes == [False, True, True]
