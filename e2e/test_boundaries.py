"""At every write of every scenario: the operator dies right after it, its reply is lost, or late."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from faults.boundaries import Fault
from faults.lane import Lane
from faults.scenario import Scenario
from faults.trials import crash_at_each, strike_each, undisturbed
from scenarios import SCENARIOS

each_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=str)


@each_scenario
def test_a_crash_after_each_write_changes_nothing(
    start_lane: Callable[..., Lane], namespace: str, scenario: Scenario, note: Callable[[str], None]
) -> None:
    lane = start_lane(**scenario.environment)
    reference = undisturbed(lane, scenario, namespace=namespace)
    note(reference.summary(scenario))
    crash_at_each(lane, scenario, reference, namespace=namespace)


@each_scenario
def test_a_lost_or_late_reply_to_each_write_changes_nothing(
    start_lane: Callable[..., Lane], namespace: str, scenario: Scenario, note: Callable[[str], None]
) -> None:
    lane = start_lane(**scenario.environment)
    reference = undisturbed(lane, scenario, namespace=namespace)
    note(reference.summary(scenario))
    strike_each(lane, scenario, reference, faults=[Fault.LOST_REPLY, Fault.LATE_REPLY], namespace=namespace)
