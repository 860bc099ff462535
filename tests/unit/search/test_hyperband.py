"""Hyperband, by what trials have logged: who is sorted out, who never is, and that what was decided holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.search.hyperband import Hyperband, ResourceError, hyperband

from .trials import LESS, MORE, Trial

BAND = Hyperband(least=1, most=27)


def number_in(bracket: int, nth: int = 0) -> int:
    """The number of the nth trial in a bracket."""
    return [number for number in range(1, 500) if BAND.bracket(number) == bracket][nth]


def first_bracket(*series: list[float], definition: Any = MORE) -> list[Trial]:
    """Trials of the bracket that sorts out most, each with what it has logged."""
    return [Trial(number=number_in(0, nth), series=one, definition=definition) for nth, one in enumerate(series)]


@pytest.mark.parametrize(
    ("reason", "config", "static", "message"),
    [
        ("nobody says how many", {}, {}, "MaxResource must be given"),
        ("what is no number", {}, {"epochs": "many"}, "MaxResource must be given"),
        ("none at all", {}, {"epochs": "0"}, "MaxResource must be given"),
        ("the wrong way round", {"MinResource": 9, "MaxResource": 3}, {}, "MinResource must not be greater"),
        ("less than the least", {"MinResource": 9}, {"epochs": "3"}, "MinResource must not be greater"),
        ("more than AWS takes", {"MaxResource": 20_001}, {}, "must not be greater than 20000"),
    ],
)
def test_resources_by_which_nothing_can_be_decided(
    reason: str, config: dict[str, int], static: dict[str, str], message: str
) -> None:
    definition = replace(MORE, request={"StaticHyperParameters": static})
    with pytest.raises(ResourceError, match=message):
        hyperband({"StrategyConfig": {"HyperbandStrategyConfig": config}}, definition)


@pytest.mark.parametrize(
    ("config", "static", "most"),
    [
        ({"MaxResource": 27}, {"epochs": "9"}, 27),
        ({}, {"epochs": "9"}, 9),
        ({}, {"epochs": '"9"'}, 9),
        ({}, {"num_epochs": "5", "other": "7"}, 5),
        ({}, {"n-epochs": "5", "numepochs": "4"}, 4),
    ],
)
def test_max_resource_is_given_or_inferred(config: dict[str, int], static: dict[str, str], most: int) -> None:
    definition = replace(MORE, request={"StaticHyperParameters": static})
    found = hyperband({"StrategyConfig": {"HyperbandStrategyConfig": config}}, definition)
    assert (found.least, found.most) == (1, most)


@pytest.mark.parametrize(("least", "most", "brackets"), [(1, 1, 1), (1, 2, 1), (1, 3, 2), (1, 27, 4), (2, 53, 3)])
def test_brackets(least: int, most: int, brackets: int) -> None:
    assert Hyperband(least=least, most=most).brackets == brackets


def test_trials_are_spread_over_the_brackets_and_most_are_where_most_are_sorted_out() -> None:
    counted = Counter(BAND.bracket(number) for number in range(1, 1001))
    assert sorted(counted) == [0, 1, 2, 3]
    assert counted[0] == max(counted.values())


def test_the_worst_of_four_is_sorted_out_at_the_first_rung() -> None:
    trials = first_bracket([0.4], [0.3], [0.2], [0.1])
    assert BAND.judge(trials[3], trials) == (0, True)
    assert BAND.judge(trials[0], trials) == (1, False)


def test_less_is_better_where_the_objective_is_minimized() -> None:
    trials = first_bracket([0.4], [0.3], [0.2], [0.1], definition=LESS)
    assert BAND.judge(trials[0], trials) == (0, True)
    assert BAND.judge(trials[3], trials) == (1, False)


def test_before_the_first_rung_nothing_is_decided() -> None:
    band = Hyperband(least=3, most=27)
    good, bad = (Trial(number=number, series=[value] * 2) for number, value in zip((1, 2), (0.9, 0.1), strict=True))
    assert band.judge(bad, [good, bad]) == (0, False)


def test_a_trial_alone_goes_on() -> None:
    [trial] = first_bracket([0.1] * 27)
    assert BAND.judge(trial, [trial]) == (3, False)


def test_one_that_logs_more_than_the_most_is_stopped() -> None:
    [trial] = first_bracket([0.1] * 28)
    assert BAND.judge(trial, [trial]) == (3, True)


def test_what_was_decided_at_a_rung_holds_whoever_comes_there_later() -> None:
    first, *others = first_bracket([0.1], [0.9], [0.8], [0.7])
    first.rungs, _ = BAND.judge(first, [first])
    assert first.rungs == 1
    assert BAND.judge(first, [first, *others]) == (1, False)


def test_a_late_look_decides_at_each_rung_by_the_value_there() -> None:
    """Nine values came at once: what counts at the rung of three is the third."""
    falling = [0.9, 0.9, 0.9] + [0.1] * 6
    steady = [0.5] * 9
    trials = first_bracket(falling, steady, steady, steady)
    assert BAND.judge(trials[0], trials) == (2, True)


def test_brackets_and_definitions_do_not_compete() -> None:
    bad = Trial(number=number_in(0), series=[0.1])
    elsewhere = Trial(number=number_in(1), series=[0.9])
    another = Trial(number=number_in(0, 1), series=[0.9], definition=replace(MORE, name="b"))
    assert BAND.judge(bad, [bad, elsewhere, another]) == (1, False)


def test_in_the_last_bracket_no_trial_is_stopped_before_the_end() -> None:
    good, bad = (Trial(number=number_in(3, nth), series=[value] * 27) for nth, value in enumerate((0.9, 0.1)))
    assert BAND.judge(bad, [good, bad]) == (0, False)
