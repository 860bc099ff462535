"""What running trials have logged decides who is stopped, and what is decided is written on them."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from sagebridge.core.cluster.tuning.checks import check
from sagebridge.core.cluster.tuning.early import Decision, decide
from sagebridge.core.cluster.tuning.observation import describe
from sagebridge.core.cluster.tuning.plan import draw, plan
from sagebridge.core.cluster.tuning.series import ANNOTATION_SERIES, MOST_RESOURCE, MOST_VALUES, Series, series_of
from sagebridge.core.cluster.tuning.trials import ANNOTATION_RUNGS, ANNOTATION_STOPPED_EARLY, read
from sagebridge.core.search.hyperband import hyperband

from .searches import START, Body, ended, limited, suspended, told_to_stop, trial

AUTO = limited(9, 4, trainingJobEarlyStoppingType="Auto")
BANDS = limited(
    40, 9, strategy="Hyperband", strategyConfig={"hyperbandStrategyConfig": {"minResource": 1, "maxResource": 3}}
)
AT = "2026-01-01T00:10:00Z"


def logged(body: Body, *values: float, is_whole: bool = False) -> Body:
    """The trial, with a series."""
    changed = copy.deepcopy(body)
    changed["metadata"]["annotations"] |= Series(pods="a", values=values, is_whole=is_whole).annotation()
    return changed


def carried_out(decision: Decision, body: Body) -> Body:
    """The trial, as the API server has it once a decision was carried out."""
    changed = copy.deepcopy(body)
    changed["metadata"]["annotations"] |= decision.annotations(at=AT)
    changed["spec"]["runPolicy"] |= decision.run_policy
    return changed


def good(*numbers: int) -> list[Body]:
    return [logged(ended(trial(AUTO, number), value=0.9), 0.7, 0.8, 0.9, is_whole=True) for number in numbers]


def decided(*bodies: Body, record: Any = AUTO) -> list[Decision]:
    return decide(record, read(bodies, record))


def test_a_trial_that_falls_behind_is_stopped_and_says_why() -> None:
    bad = logged(trial(AUTO, 3), 0.5, 0.1)
    [decision] = decided(*good(1, 2), bad)
    assert decision.trial.number == 3
    stopped = carried_out(decision, bad)
    assert stopped["spec"]["runPolicy"]["suspend"] is True
    said = json.loads(stopped["metadata"]["annotations"][ANNOTATION_STOPPED_EARLY])
    assert said == {"at": AT, "by": "MedianRule", "step": 2, "value": 0.1}
    assert ANNOTATION_RUNGS not in stopped["metadata"]["annotations"]
    assert decided(*good(1, 2), stopped) == []


@pytest.mark.parametrize(
    ("reason", "body"),
    [
        ("as good as the others", logged(trial(AUTO, 3), 0.7, 0.8)),
        ("nothing logged", trial(AUTO, 3)),
        ("told to stop already", told_to_stop(logged(trial(AUTO, 3), 0.1))),
        ("its training has ended: it uploads", logged(trial(AUTO, 3), 0.1, is_whole=True)),
        ("it has ended", ended(logged(trial(AUTO, 3), 0.1), value=0.1)),
        ("it has failed", ended(logged(trial(AUTO, 3), 0.1), "Failed")),
    ],
)
def test_others_go_on(reason: str, body: Body) -> None:
    assert decided(*good(1, 2), body) == [], reason


def test_another_operator_decides_the_same_of_what_is_written() -> None:
    bodies = [*good(1, 2), logged(trial(AUTO, 3), 0.5, 0.1), logged(trial(AUTO, 4), 0.9, 0.9)]
    first, second = ([one.trial.number for one in decided(*copy.deepcopy(bodies))] for _ in range(2))
    assert first == second == [3]


def test_a_trial_that_was_stopped_early_counts_as_stopped_and_keeps_its_last_value() -> None:
    bad = logged(trial(AUTO, 3), 0.5, 0.1)
    [decision] = decided(*good(1, 2), bad)
    stopped = carried_out(decision, bad)
    stopped["status"] = suspended(trial(AUTO, 3))["status"]
    described = describe(AUTO, read([*good(1, 2), stopped], AUTO), arn="arn")
    assert described.reply["TrainingJobStatusCounters"]["Stopped"] == 1
    assert described.reply["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    assert described.best[-1]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.1
    assert described.best[-1]["TrainingJobStatus"] == "Stopped"


def test_a_trial_that_was_stopped_with_the_search_has_only_what_its_log_said_in_the_end() -> None:
    stopped = logged(suspended(trial(AUTO, 3)), 0.5)
    [known] = read([stopped], AUTO)
    assert (known.status, known.value) == ("Stopped", None)


def test_the_search_learns_from_what_was_stopped_and_draws_the_same_again() -> None:
    bodies = [*good(1, 2), logged(suspended(trial(AUTO, 3), 0.1), 0.5, 0.1)]
    drawn = []
    for _ in range(2):
        trials = read(copy.deepcopy(bodies), AUTO)
        drawn.append(draw(AUTO, trials, plan(AUTO, trials, now=START).start))
    assert drawn[0] == drawn[1]
    assert len({one["x"] for one in drawn[0]}) == 4


def test_hyperband_writes_down_who_has_passed_a_rung() -> None:
    trials = {one.number: one for one in read([trial(BANDS, number) for number in range(1, 41)], BANDS)}
    bracket = hyperband(BANDS.config, BANDS.definitions[0]).bracket
    numbers = [number for number in trials if bracket(number) == 0][:4]
    bodies = [logged(trial(BANDS, number), 0.9 - number / 100) for number in numbers]
    decisions = {one.trial.number: one for one in decided(*bodies, record=BANDS)}
    assert decisions[numbers[0]].judgement.rungs == 1
    assert {number for number in numbers if decisions[number].judgement.stopped_by} == set(numbers[1:])
    after = [carried_out(decisions[number], body) for number, body in zip(numbers, bodies, strict=True)]
    assert after[0]["metadata"]["annotations"][ANNOTATION_RUNGS] == "1"
    assert after[0]["spec"]["runPolicy"].get("suspend") is None
    assert decided(*after, record=BANDS) == []


def test_no_trial_goes_on_beyond_the_greatest_max_resource_there_may_be() -> None:
    most = {"hyperbandStrategyConfig": {"minResource": MOST_RESOURCE, "maxResource": MOST_RESOURCE}}
    record = limited(4, 1, strategy="Hyperband", strategyConfig=most)
    check(record)
    at_the_end = Series(pods="a").extended([(AT, 0.5)] * MOST_RESOURCE, read={}, is_whole=False)
    beyond = at_the_end.extended([(AT, 0.5)] * 9, read={}, is_whole=False)
    bodies = [trial(record, 1), trial(record, 2)]
    for body, series in zip(bodies, (at_the_end, beyond), strict=True):
        body["metadata"]["annotations"] |= series.annotation()
    assert [(one.trial.number, one.judgement.stopped_by) for one in decided(*bodies, record=record)] == [
        (2, "Hyperband")
    ]


@pytest.mark.parametrize(
    "spoilt",
    ["", "{", "[]", "1", '{"values": 1}', '{"values": ["a"]}', '{"values": [1], "read": 1}', '{"values": [NaN]}'],
)
def test_a_series_that_somebody_has_spoilt_is_read_anew(spoilt: str) -> None:
    assert series_of({"metadata": {"annotations": {ANNOTATION_SERIES: spoilt}}}) == Series()


def test_a_series_is_what_was_written() -> None:
    series = Series(pods="a", read={"0": AT}, values=(0.1, 1e-9), is_whole=True)
    assert series_of({"metadata": {"annotations": series.annotation()}}) == series


def test_values_of_several_hosts_are_in_the_order_of_their_times_and_no_more_than_are_kept() -> None:
    found = [("2026-01-01T00:00:02Z", 2.0), ("2026-01-01T02:00:01+02:00", 1.0), ("2026-01-01T00:00:02.5Z", 3.0)]
    series = Series(pods="a", read={"0": "x"}).extended(found, read={"1": "y"}, is_whole=False)
    assert series.values == (1.0, 2.0, 3.0)
    assert series.read == {"0": "x", "1": "y"}
    many = series.extended([(AT, 1.0)] * MOST_VALUES, read={}, is_whole=True)
    assert len(many.values) == MOST_VALUES
