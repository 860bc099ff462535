"""At every write of every scenario: the operator dies right after it, its reply is lost, or late."""

from __future__ import annotations

from collections.abc import Callable

from faults.boundaries import Fault
from faults.trials import Rehearsal, crash_at_each, strike_each
from scenarios import each_scenario


@each_scenario
def test_a_crash_after_each_write_changes_nothing(
    rehearsal: Rehearsal, namespace: str, note: Callable[[str], None]
) -> None:
    note(rehearsal.reference.summary(rehearsal.scenario))
    crash_at_each(rehearsal, namespace=namespace)


@each_scenario
def test_a_lost_or_late_reply_to_each_write_changes_nothing(rehearsal: Rehearsal, namespace: str) -> None:
    strike_each(rehearsal, faults=[Fault.LOST_REPLY, Fault.LATE_REPLY], namespace=namespace)
