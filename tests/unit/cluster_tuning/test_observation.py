"""What status says of a search follows from its record and its trials."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sagebridge.core.cluster.tuning.observation import describe
from sagebridge.core.cluster.tuning.trials import read
from sagebridge.core.observation import Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.search.ending import converged_at, has_converged
from support.tuning_jobs import METRIC

from .searches import ended, ending, limited, suspended, trial

RECORD = limited(3, 2)
ONE, TWO, THREE = (trial(RECORD, number) for number in (1, 2, 3))


def look(record, *bodies):
    return describe(record, read(bodies, record), arn="arn:x")


def with_ready(body, reason, *, stalled):
    conditions = [{"type": "Ready", "status": "False", "reason": reason, "message": "It says why."}]
    return body | {
        "status": body["status"] | {"conditions": [*conditions, *([{"type": "Stalled", "status": "True"}] * stalled)]}
    }


@pytest.mark.parametrize(
    ("reason", "record", "bodies", "phase", "status"),
    [
        ("nothing is there yet", RECORD, [], Phase.OPEN, "InProgress"),
        ("trials run", RECORD, [ONE, TWO], Phase.OPEN, "InProgress"),
        ("trials are left", RECORD, [ended(ONE, value=1.0), ended(TWO, value=1.0)], Phase.OPEN, "InProgress"),
        ("a stop was asked for", ending(RECORD, "Stopped"), [ONE], Phase.STOPPING, "Stopping"),
        (
            "enough is found, one still runs",
            ending(RECORD, "Completed"),
            [ended(ONE, value=1.0), TWO],
            Phase.OPEN,
            "InProgress",
        ),
        ("stopped", ending(RECORD, "Stopped"), [suspended(ONE)], Phase.STOPPED, "Stopped"),
        ("enough was found", ending(RECORD, "Completed"), [ended(ONE, value=1.0)], Phase.SUCCEEDED, "Completed"),
        ("its time was up, and nothing found", ending(RECORD, "Completed"), [suspended(ONE)], Phase.FAILED, "Failed"),
        (
            "all have ended, one with a value",
            RECORD,
            [ended(ONE, "Failed"), ended(TWO, value=1.0), ended(THREE, "Failed")],
            Phase.SUCCEEDED,
            "Completed",
        ),
        ("none had a value", RECORD, [ended(one) for one in (ONE, TWO, THREE)], Phase.FAILED, "Failed"),
    ],
)
def test_where_a_search_stands(reason, record, bodies, phase, status):
    found = look(record, *bodies)
    assert (found.phase, found.reply["HyperParameterTuningJobStatus"]) == (phase, status), reason


def test_a_failure_says_why():
    failed = [ended(one, "Failed") for one in (ONE, TWO, THREE)]
    assert look(RECORD, *failed).reply["FailureReason"].startswith("No training job succeeded after 3 attempts")
    without = [ended(one) for one in (ONE, TWO, THREE)]
    assert look(RECORD, *without).reply["FailureReason"].startswith("No value of the objective metric was found")


def test_the_best_come_first_and_the_earlier_of_two_equals():
    found = look(RECORD, ended(ONE, value=0.2), ended(TWO, value=0.7), ended(THREE, value=0.7))
    assert found.reply["BestTrainingJob"]["TrainingJobName"] == TWO["metadata"]["name"]
    assert [one["TrainingJobName"] for one in found.best] == [one["metadata"]["name"] for one in (TWO, THREE, ONE)]


def test_the_least_is_best_where_it_is_asked_for():
    objective = {"type": "Minimize", "metricName": "validation:score"}
    record = limited(2, 2, hyperParameterTuningJobObjective=objective)
    found = look(record, ended(ONE, value=0.2), ended(TWO, value=0.7))
    assert found.reply["BestTrainingJob"]["TrainingJobName"] == ONE["metadata"]["name"]
    assert [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in found.best] == [0.2, 0.7]


def test_trials_are_counted_by_how_they_ended():
    retryable = ended(TWO, "Failed")
    retryable["status"]["failureReason"] = "InternalServerError: x"
    found = look(limited(9, 4), ended(ONE, value=1.0), retryable, suspended(THREE), trial(RECORD, 4)).reply
    assert found["TrainingJobStatusCounters"] == {
        "Completed": 1,
        "InProgress": 1,
        "RetryableError": 1,
        "NonRetryableError": 0,
        "Stopped": 1,
    }
    assert found["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 1, "Failed": 2}


def test_times_and_the_model_are_told_at_the_end_only():
    done = ended(ONE, value=1.0)
    done["status"]["modelArtifacts"] = {"s3ModelArtifacts": "s3://bucket/model.tar.gz"}
    running = look(RECORD, done)
    assert running.model == ""
    assert "HyperParameterTuningEndTime" not in running.reply
    over = look(ending(RECORD, "Completed", at="2026-01-01T00:02:00Z"), done)
    assert over.model == "s3://bucket/model.tar.gz"
    assert over.reply["ConsumedResources"] == {"RuntimeInSeconds": 120}


def test_convergence_is_told_with_the_time_at_which_it_came():
    record = limited(20, 1)
    flat = [ended(trial(record, number), value=0.5) for number in range(1, 13)]
    details = look(record, *flat).reply["TuningJobCompletionDetails"]
    assert details["ConvergenceDetectedTime"] == read(flat, record)[9].ended_at
    assert details["NumberOfTrainingJobsObjectiveNotImproving"] == 11
    assert "ConvergenceDetectedTime" not in look(record, *flat[:9]).reply["TuningJobCompletionDetails"]


@pytest.mark.parametrize(
    ("reason", "bodies", "told"),
    [
        ("one runs", [with_ready(ONE, "Queued", stalled=False), TWO], None),
        ("all wait in a queue", [with_ready(one, "Queued", stalled=False) for one in (ONE, TWO)], Reason.QUEUED),
        ("the only one is refused", [with_ready(ONE, "InvalidSpec", stalled=True)], Reason.INVALID_SPEC),
        ("those that have ended don't count", [ended(ONE, value=1.0), TWO], None),
        ("none runs", [ended(ONE, value=1.0)], None),
    ],
)
def test_what_all_running_trials_wait_for_is_told(reason, bodies, told):
    waiting = look(RECORD, *bodies).waiting
    assert (waiting.reason if waiting else None) == told, reason
    if waiting is not None:
        assert waiting.message == f"{bodies[0]['metadata']['name']}: It says why."


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 5).map(float)), max_size=30),
    st.sampled_from(["Maximize", "Minimize"]),
)
def test_it_had_converged_with_the_first_trials_that_show_it(values, kind):
    objective = {"type": kind, "metricName": METRIC}
    record = limited(30, 30, hyperParameterTuningJobObjective=objective)
    bodies = [ended(trial(record, number), value=value) for number, value in enumerate(values, start=1)]
    trials = read(bodies, record)
    prefixes = (trials[:count] for count in range(len(trials) + 1))
    first = next((before[-1].ended_at for before in prefixes if has_converged(before)), None)
    assert converged_at(trials) == first
