"""At every write of every scenario: the operator dies right after it, its reply is lost, its reply is late."""

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
    start_lane: Callable[..., Lane], namespace: str, scenario: Scenario
) -> None:
    lane = start_lane(**scenario.environment)
    reference = undisturbed(lane, scenario, namespace=namespace)
    crash_at_each(lane, scenario, reference, namespace=namespace)


@each_scenario
def test_a_lost_reply_to_each_write_changes_nothing(
    start_lane: Callable[..., Lane], namespace: str, scenario: Scenario
) -> None:
    lane = start_lane(**scenario.environment)
    reference = undisturbed(lane, scenario, namespace=namespace)
    strike_each(lane, scenario, reference, fault=Fault.LOST_REPLY, namespace=namespace)


@each_scenario
def test_a_late_reply_to_each_write_changes_nothing(
    start_lane: Callable[..., Lane], namespace: str, scenario: Scenario
) -> None:
    lane = start_lane(**scenario.environment)
    reference = undisturbed(lane, scenario, namespace=namespace)
    strike_each(lane, scenario, reference, fault=Fault.LATE_REPLY, namespace=namespace)
