"""Which running trials a search stops, by whichever rule it has."""

from __future__ import annotations

from typing import Any

import pytest
from sagebridge.core.search.early_stopping import MEDIAN, judge, looks_at_running
from sagebridge.core.search.trial import COMPLETED, STOPPED

from .trials import LESS, MORE, Trial

AUTO = {"Strategy": "Bayesian", "TrainingJobEarlyStoppingType": "Auto"}
OFF = {"Strategy": "Bayesian", "TrainingJobEarlyStoppingType": "Off"}
BANDS = {"Strategy": "Hyperband", "StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 3}}}


@pytest.mark.parametrize(
    ("config", "looks"), [(AUTO, True), (OFF, False), ({"Strategy": "Random"}, False), (BANDS, True)]
)
def test_logs_of_running_trials_are_looked_at_only_where_that_can_end_them(config: dict[str, Any], looks: bool) -> None:
    assert looks_at_running(config) is looks


def ended(*series: list[float], definition: Any = MORE, status: str = COMPLETED) -> list[Trial]:
    return [Trial(series=one, definition=definition, status=status) for one in series]


@pytest.mark.parametrize(
    ("reason", "series", "others", "config", "stopped_by"),
    [
        ("worse than the median so far", [0.5, 0.1], ended([0.5, 0.7], [0.5, 0.6]), AUTO, MEDIAN),
        ("as good", [0.5, 0.6], ended([0.5, 0.7], [0.5, 0.6]), AUTO, ""),
        ("nothing logged yet", [], ended([0.5], [0.6]), AUTO, ""),
        ("only one to compare with", [0.1], ended([0.9]), AUTO, ""),
        ("the others were shorter", [0.1, 0.1], ended([0.9], [0.9]), AUTO, ""),
        ("the others still run", [0.1], ended([0.9], [0.9], status="InProgress"), AUTO, ""),
        ("those that were stopped count, too", [0.1], ended([0.9], [0.9], status=STOPPED), AUTO, MEDIAN),
        ("of another definition", [0.1], ended([0.9], [0.9], definition=LESS), AUTO, ""),
        ("only the start of the others counts", [0.4], ended([0.3, 0.9], [0.3, 0.9]), AUTO, ""),
        ("switched off", [0.1], ended([0.9], [0.9]), OFF, ""),
        ("Hyperband's most", [0.1] * 4, [], BANDS, "Hyperband"),
    ],
)
def test_rules(reason: str, series: list[float], others: list[Trial], config: dict[str, Any], stopped_by: str) -> None:
    trial = Trial(series=series)
    assert judge(trial, [trial, *others], config).stopped_by == stopped_by, reason


def test_less_is_better_where_the_objective_is_minimized() -> None:
    good, bad = Trial(series=[0.1], definition=LESS), Trial(series=[0.9], definition=LESS)
    others = ended([0.5], [0.5], definition=LESS)
    assert judge(good, [good, *others], AUTO).stopped_by == ""
    assert judge(bad, [bad, *others], AUTO).stopped_by == MEDIAN
