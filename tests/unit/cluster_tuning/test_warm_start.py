"""What a search learns from earlier ones on the cluster, and which it may not learn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sagebridge.core.cluster.tuning import record as records
from sagebridge.core.cluster.tuning.observation import describe
from sagebridge.core.cluster.tuning.plan import draw, plan
from sagebridge.core.cluster.tuning.record import Inherited, Record
from sagebridge.core.cluster.tuning.trials import read
from sagebridge.core.cluster.tuning.warm_start import inherit, parents_of
from sagebridge.core.errors import SpecError
from support.cluster_tuning import cluster_spec
from support.tuning_jobs import definition

from .searches import CREATED, OWNER, START, Body, ended, limited, record_of, trial

PARENT = "team-parent-abcdefghij"
NAMED = "spec.warmStartConfig.parentHyperParameterTuningJobs[0]"
STATIC = "spec.trainingJobDefinition.staticHyperParameters"


def warm(kind: str = "TransferLearning", *parents: str, **changes: Any) -> Record:
    """A search that learns from others."""
    named = [{"hyperParameterTuningJobName": name} for name in parents or (PARENT,)]
    config = {"warmStartType": kind, "parentHyperParameterTuningJobs": named}
    return record_of(cluster_spec(warmStartConfig=config, **changes))


def parent(*values: float, name: str = PARENT, record: Record | None = None, most: int | None = None) -> Any:
    """A search that has ended, and its trials with x of a thousandth of their numbers."""
    found = replace(record or limited(most or len(values), 1), name=name)
    bodies = [ended(trial(found, number), value=value) for number, value in enumerate(values, 1)]
    return found, read(bodies, found)


def test_a_search_without_parents_inherits_nothing() -> None:
    assert parents_of(limited(4, 1)) == []
    assert inherit(limited(4, 1), {}) == Inherited()


@pytest.mark.parametrize(
    ("reason", "record", "parents", "field", "message"),
    [
        ("it is not there", warm(), {}, NAMED, "there is no tuning job team-parent"),
        ("it has not ended", warm(), {PARENT: parent(0.1, most=2)}, NAMED, "has not ended yet"),
        (
            "another objective",
            warm(),
            {PARENT: parent(0.1, record=limited(1, 1, hyperParameterTuningJobObjective={
                "type": "Minimize", "metricName": "validation:score"}))},
            "spec.hyperParameterTuningJobConfig.hyperParameterTuningJobObjective",
            "same objective metric and type",
        ),
        (
            "identical, but for its data",
            warm("IdenticalDataAndAlgorithm"),
            {PARENT: parent(0.1, record=record_of(cluster_spec(
                config={"resourceLimits": {"maxNumberOfTrainingJobs": 1, "maxParallelTrainingJobs": 1}},
                trainingJobDefinition=definition(inputDataConfig=[{
                    "channelName": "train", "dataSource": {"s3DataSource": {"s3Uri": "s3://bucket/other"}}}]))))},
            "spec.trainingJobDefinition.inputDataConfig",
            "input data and the algorithm",
        ),
        (
            "identical, but for a hyperparameter",
            warm("IdenticalDataAndAlgorithm"),
            {PARENT: parent(0.1, record=record_of(cluster_spec(
                config={"resourceLimits": {"maxNumberOfTrainingJobs": 1, "maxParallelTrainingJobs": 1}},
                trainingJobDefinition=definition(staticHyperParameters={"other": "1"}))))},
            STATIC,
            "same hyperparameters",
        ),
        (
            "one hyperparameter less",
            warm(),
            {PARENT: parent(0.1, record=record_of(cluster_spec(
                config={"resourceLimits": {"maxNumberOfTrainingJobs": 1, "maxParallelTrainingJobs": 1}},
                trainingJobDefinition=definition(staticHyperParameters={"epochs": 3, "other": "1"}))))},
            STATIC,
            "as many hyperparameters",
        ),
        (
            "more trials than there may be, with those of the parent",
            warm(config={"resourceLimits": {"maxNumberOfTrainingJobs": 749, "maxParallelTrainingJobs": 1}}),
            {PARENT: parent(0.1, 0.2)},
            "spec.hyperParameterTuningJobConfig.resourceLimits.maxNumberOfTrainingJobs",
            "must not be greater than 748: the 2 trials of the parents count",
        ),
    ],
)  # fmt: skip
def test_parents_that_do_not_fit(
    reason: str, record: Record, parents: Mapping[str, Any], field: str, message: str
) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        inherit(record, parents)
    assert caught.value.field == field, reason


def test_parents_that_have_too_much() -> None:
    found, _ = parent(0.1)
    bodies = [ended(trial(found, 1, tuned={"x": "0." + "1" * 500_000}), value=0.5)]
    with pytest.raises(SpecError, match="too many to be kept"):
        inherit(warm(), {PARENT: (found, read(bodies, found))})


def test_trials_of_parents_are_inherited_and_not_what_these_had_inherited() -> None:
    older = Inherited(trials=(({"x": "0.9"}, 0.7),), best={"FinalHyperParameterTuningJobObjectiveMetric": {"Value": 1}})
    found, trials = parent(0.1, 0.2)
    inherited = inherit(warm(), {PARENT: (replace(found, inherited=older), trials)})
    assert inherited.trials == (({"x": "0.001"}, 0.1), ({"x": "0.002"}, 0.2))
    assert inherited.best is not None
    assert inherited.best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.2


def test_trials_that_lack_what_is_searched_for_are_not_inherited() -> None:
    found, _ = parent(0.1)
    bodies = [
        ended(trial(found, 1, tuned={"x": "0.1", "y": "1"}), value=0.1),
        ended(trial(found, 2, tuned={"y": "1"}), value=0.2),
    ]
    assert inherit(warm(), {PARENT: (found, read(bodies, found))}).trials == (({"x": "0.1"}, 0.1),)


def test_what_was_inherited_is_recorded_and_goes_on_though_the_parents_are_gone() -> None:
    record = warm()
    record = replace(record, inherited=inherit(record, {PARENT: parent(0.1, 0.2)}))
    body = records.manifest(record)
    body["metadata"] |= {"uid": "r", "creationTimestamp": CREATED}
    again = records.parse(body, owner=OWNER, attempt=1)
    assert again is not None
    assert again.inherited == record.inherited


def test_a_search_goes_by_what_it_has_inherited() -> None:
    """Thirty trials of the parent say that much of x is good: hardly any is drawn elsewhere."""
    record = warm()
    rows = tuple(({"x": str(number / 60)}, number / 60) for number in range(30))
    learned = replace(record, inherited=Inherited(trials=rows))
    starts = plan(learned, [], now=START).start
    drawn = [float(one["x"]) for one in draw(learned, [], starts)]
    assert min(drawn) > 0.3
    assert [float(one["x"]) for one in draw(record, [], starts)] != drawn


def bodies(*values: float, record: Record) -> list[Body]:
    return [ended(trial(record, number), value=value) for number, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("kind", "own", "best"),
    [
        ("IdenticalDataAndAlgorithm", (0.3,), PARENT),
        ("IdenticalDataAndAlgorithm", (0.9,), "team-tune-abcdefghij"),
        ("IdenticalDataAndAlgorithm", (), PARENT),
        ("TransferLearning", (0.3,), None),
    ],
)
def test_the_overall_best_is_told_where_results_can_be_compared(
    kind: str, own: tuple[float, ...], best: str | None
) -> None:
    record = warm(kind)
    record = replace(record, inherited=inherit(record, {PARENT: parent(0.1, 0.7)}))
    reply = describe(record, read(bodies(*own, record=record), record), arn="arn").reply
    overall = reply.get("OverallBestTrainingJob")
    assert (overall and overall["TuningJobName"]) == best
