"""What comes next for a search is a function of its record, its trials and the time: an operator may end anywhere."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sagebridge.core.cluster.tuning.plan import draw, is_over
from sagebridge.core.cluster.tuning.trials import read

from .searches import START, carried_out, ended, ending, limited, planned, suspended, told_to_stop, trial

NINE = {"categoricalParameterRanges": [{"name": "x", "values": [1, 2, 3]}, {"name": "y", "values": [1, 2, 3]}]}
WIDE = {"categoricalParameterRanges": [{"name": f"p{number}", "values": list(range(30))} for number in range(30)]}
SEARCHES = {
    "one after the other": limited(6, 1),
    "three at once": limited(7, 3),
    "at random": limited(7, 3, strategy="Random"),
    "a grid": limited(9, 2, strategy="Grid", parameterRanges=NINE),
    "a grid, not counted": limited(None, 4, strategy="Grid", parameterRanges=NINE),
}


def drawn(trials):
    return {one.number: dict(one.tuned) for one in trials}


@pytest.mark.parametrize("name", SEARCHES)
@settings(deadline=None, max_examples=20)
@given(crashes=st.lists(st.integers(0, 3), max_size=12))
def test_wherever_the_operator_ends_the_trials_are_the_same(name, crashes):
    record = SEARCHES[name]
    assert drawn(carried_out(record, crashes=crashes)) == drawn(carried_out(record))


@pytest.mark.parametrize("name", SEARCHES)
def test_from_any_prefix_of_its_trials_a_search_comes_to_the_same(name):
    record = SEARCHES[name]
    whole = carried_out(record)
    for count in range(len(whole)):
        before = [one.job.body for one in whole[:count]]
        assert len(carried_out(record, before=before)) == len(whole)
        if record.config["ResourceLimits"]["MaxParallelTrainingJobs"] == 1 or record.config["Strategy"] != "Bayesian":
            assert drawn(carried_out(record, before=before)) == drawn(whole)


@pytest.mark.parametrize("name", ["a grid", "a grid, not counted"])
def test_a_grid_is_tried_whole_and_nothing_twice(name):
    tried = [tuple(one.tuned.values()) for one in carried_out(SEARCHES[name])]
    assert len(tried) == len(set(tried)) == 9


def test_a_search_learns_from_its_trials():
    record = limited(30, 1)
    found = [float(one.tuned["x"]) for one in carried_out(record)]
    assert sum(found[20:]) / 10 > sum(found[:10]) / 10


def test_what_is_drawn_depends_on_the_seed():
    seeds = [limited(3, 3, randomSeed=seed) for seed in (1, 2)]
    first, second = (drawn(carried_out(record)) for record in seeds)
    assert first != second


RECORD = limited(4, 2)
FIVE = limited(9, 2)
ONE, TWO, THREE, FOUR = (trial(RECORD, number) for number in (1, 2, 3, 4))
STOPPING = ending(RECORD, "Stopped")


@pytest.mark.parametrize(
    ("reason", "record", "bodies", "started"),
    [
        ("nothing is there", RECORD, [], [1, 2]),
        ("one was made before the operator ended", RECORD, [ONE], [2]),
        ("as many run as may", RECORD, [ONE, TWO], []),
        ("one has ended", RECORD, [ended(ONE, value=1.0), TWO], [3]),
        ("one has failed", RECORD, [ended(ONE, "Failed"), TWO], [3]),
        ("a user has suspended one", RECORD, [suspended(ONE), TWO], [3]),
        ("one that is told to stop still runs", RECORD, [told_to_stop(ONE), TWO], []),
        ("the first was deleted", RECORD, [TWO], [3]),
        ("all were made", RECORD, [ended(ONE, value=1.0), ended(TWO, value=1.0), THREE, FOUR], []),
        ("all but one were made", RECORD, [ended(ONE, value=1.0), ended(TWO, value=1.0), ended(THREE, value=1.0)], [4]),
        ("it is being ended", STOPPING, [ended(ONE, value=1.0)], []),
    ],
)
def test_which_trials_are_made(reason, record, bodies, started):
    assert [one.number for one in planned(record, *bodies).start] == started, reason


@pytest.mark.parametrize(
    ("reason", "record", "bodies", "started"),
    [
        ("the only trial was deleted", replace(RECORD, used=1), [], [2, 3]),
        ("the last of several was deleted", replace(RECORD, used=3), [ended(ONE, value=1.0)], [4]),
        ("all were made, and the last was deleted", replace(RECORD, used=4), [ended(ONE, value=1.0)], []),
        ("a trial is there that was not recorded yet", replace(RECORD, used=1), [ONE, TWO], []),
    ],
)
def test_a_number_is_used_once(reason, record, bodies, started):
    assert [one.number for one in planned(record, *bodies).start] == started, reason


def test_a_search_whose_last_trial_was_deleted_is_over():
    record = replace(RECORD, used=4)
    assert is_over(record, read([ended(ONE, value=1.0)], record))


TWO_VALUES = {"categoricalParameterRanges": [{"name": "x", "values": [1, 2]}]}


@pytest.mark.parametrize(
    ("reason", "record", "count"),
    [
        ("as many as may run", limited(7, 3), 3),
        ("no more than there are to be", limited(2, 2), 2),
        ("what an older version has admitted", limited(2**31 - 1, 2**31 - 1), 100),
        ("a grid that nobody could list", limited(None, 2, strategy="Grid", parameterRanges=WIDE), 2),
        ("no more than there are combinations", limited(9, 9, strategy="Random", parameterRanges=TWO_VALUES), 2),
    ],
)
def test_only_what_may_start_is_planned(reason, record, count):
    assert len(planned(record).start) == count, reason


def test_a_grid_that_nobody_could_list_is_drawn_from():
    record = limited(None, 2, strategy="Grid", parameterRanges=WIDE)
    first, second = draw(record, [], planned(record).start)
    assert first != second
    assert set(first) == {f"p{number}" for number in range(30)}


TIMED = limited(None, 1, resourceLimits={"maxParallelTrainingJobs": 1, "maxRuntimeInSeconds": 600})


@pytest.mark.parametrize(("made", "over"), [(749, False), (750, True)])
def test_a_search_without_a_maximum_has_no_more_trials_than_one_on_sagemaker(made, over):
    assert is_over(replace(TIMED, used=made), []) is over


def failures(count):
    return [ended(trial(FIVE, number), "Failed") for number in range(1, count + 1)]


def target(value):
    return limited(4, 2, tuningJobCompletionCriteria={"targetObjectiveMetricValue": value})


@pytest.mark.parametrize(
    ("reason", "record", "bodies", "now", "status"),
    [
        ("it goes on", RECORD, [ended(ONE, value=1.0), TWO], START, None),
        ("the target is reached", target(0.5), [ended(ONE, value=0.6), TWO], START, "Completed"),
        ("the target is not reached", target(0.5), [ended(ONE, value=0.4), TWO], START, None),
        ("four have failed", FIVE, failures(4), START, None),
        ("five have failed", FIVE, [*failures(5), trial(FIVE, 6)], START, "Failed"),
        (
            "its time is up",
            limited(9, 2, resourceLimits={"maxParallelTrainingJobs": 2, "maxRuntimeInSeconds": 600}),
            [ONE, TWO],
            START + 600,
            "Completed",
        ),
        (
            "its time is nearly up",
            limited(9, 2, resourceLimits={"maxParallelTrainingJobs": 2, "maxRuntimeInSeconds": 600}),
            [ONE, TWO],
            START + 599,
            None,
        ),
        ("what was decided is not decided again", STOPPING, [ended(ONE, value=1.0), TWO], START, None),
        (
            "it is over by itself",
            limited(1, 1, tuningJobCompletionCriteria={"targetObjectiveMetricValue": 0.5}),
            [ended(ONE, value=0.6)],
            START,
            None,
        ),
    ],
)
def test_when_a_search_is_ended(reason, record, bodies, now, status):
    decided = planned(record, *bodies, now=now).ending
    assert (decided.status if decided else None) == status, reason


def test_ending_stops_what_runs_and_was_not_told():
    todo = planned(STOPPING, ended(ONE, value=1.0), told_to_stop(TWO), THREE)
    assert [one.number for one in todo.stop] == [3]
    assert todo.start == ()


@pytest.mark.parametrize(
    ("reason", "record", "bodies", "over"),
    [
        ("nothing was made", RECORD, [], False),
        ("trials are left", RECORD, [ended(ONE, value=1.0)], False),
        ("one runs", ending(RECORD, "Completed"), [ended(ONE, value=1.0), TWO], False),
        ("one is stopping", ending(RECORD, "Completed"), [told_to_stop(ONE)], False),
        ("all that ran have stopped", ending(RECORD, "Completed"), [suspended(ONE)], True),
        ("it was stopped before the first trial", STOPPING, [], True),
        ("all have ended", RECORD, [ended(one, value=1.0) for one in (ONE, TWO, THREE, FOUR)], True),
    ],
)
def test_when_a_search_is_over(reason, record, bodies, over):
    assert is_over(record, read(bodies, record)) is over, reason


def test_several_at_once_are_drawn_as_one_after_the_other():
    """The others have no results yet, and the second is drawn by an operator that was started anew."""
    todo = planned(RECORD)
    first, second = draw(RECORD, [], todo.start)
    trials = read([trial(RECORD, 1, tuned=first)], RECORD)
    assert draw(RECORD, trials, todo.start[1:]) == [second]


def test_trials_of_a_grid_with_one_parameter_have_different_values():
    record = limited(
        3, 3, strategy="Grid", parameterRanges={"categoricalParameterRanges": [{"name": "x", "values": [1, 2, 3]}]}
    )
    assert sorted(one["x"] for one in draw(record, [], planned(record).start)) == ["1", "2", "3"]
