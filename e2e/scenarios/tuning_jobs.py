"""What an HPTuningJob can go through. What every kind of job does alike is in `training_jobs`; here is what rests on
this kind's declaration: its trials, its results, what it learns from, and what is purged with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faults.cluster import Kind
from faults.scenario import Actor, Scenario, Step

from scenarios.jobs import DELETED, JobScenarios
from scenarios.reached import Reached, reason, status_of, under_way

TUNING_JOB = Kind(name="HPTuningJob", plural="hptuningjobs")
CREATE, STOP, DELETE = (f"{verb}HyperParameterTuningJob" for verb in ("Create", "Stop", "Delete"))

METRIC = "validation:score"

SPEC: dict[str, Any] = {
    "hyperParameterTuningJobConfig": {
        "hyperParameterTuningJobObjective": {"type": "Maximize", "metricName": METRIC},
        "resourceLimits": {"maxNumberOfTrainingJobs": 2, "maxParallelTrainingJobs": 1},
        "parameterRanges": {"continuousParameterRanges": [{"name": "x", "minValue": 0, "maxValue": 1}]},
        "randomSeed": 1,
    },
    "trainingJobDefinition": {
        "algorithmSpecification": {
            "trainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1",
            "metricDefinitions": [{"name": METRIC, "regex": "score=([0-9.]+)"}],
        },
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
    },
}


def _searching(attempts: int) -> Reached:
    """Under way, and its counters were written: the last write of a start."""
    is_made = under_way(attempts=attempts)
    return lambda body: is_made(body) and "trainingJobStatusCounters" in status_of(body)


def _has_found(trials: int) -> Reached:
    return lambda body: len(status_of(body).get("bestTrials") or ()) == trials


_JOB = JobScenarios(
    kind=TUNING_JOB,
    title="tuning: ",
    spec=SPEC,
    create=CREATE,
    effects=frozenset({CREATE, STOP, DELETE, "DeleteTrainingJob"}),
    stages=("Starting", "Downloading", "Training", "Uploading"),
    runs=2,
    # Of a generated one, 32 characters leave little of the object's name.
    name_field="hyperParameterTuningJobName",
    measured=frozenset({"duration", "consumedResources"}),
    script={"metrics": {METRIC: "x"}},
    begun=_searching,
)
_FINDS = Step(says="shows its first trial", advance=_JOB.run_seconds / 2, until=_has_found(1))
_FINDS_THE_LAST = Step(says="completes", advance=_JOB.run_seconds / 2, until=reason("Completed"))


def _create_with_its_parent(actor: Actor) -> None:
    """Make an object that learns from another, and that other one as soon as this one waits."""
    parent = f"{actor.mark}-parent"
    warm_start = {"parentHyperParameterTuningJobs": [{"ref": {"name": parent}}], "warmStartType": "TransferLearning"}
    actor.lane.cluster.create(
        TUNING_JOB,
        namespace=actor.namespace,
        name=parent,
        spec={**SPEC, "hyperParameterTuningJobName": parent},
    )
    actor.lane.wait_for(
        TUNING_JOB, namespace=actor.namespace, name=parent, until=_searching(1), what="the parent starts"
    )
    _JOB.makes(actor, warmStartConfig=warm_start)


WARM_START = _JOB.scenario(
    "learns from another",
    Step(says="waits for the other", act=_create_with_its_parent, until=reason("ReferenceNotReady")),
    Step(says="starts", advance=_JOB.run_seconds, until=_searching(1)),
    _JOB.completes(),
)
PURGE_FINISHED = _JOB.scenario(
    "deleted when finished, policy Purge",
    _JOB.starts(runPolicy={"deletionPolicy": "Purge"}),
    _FINDS,
    _FINDS_THE_LAST,
    DELETED,
    familiar=3,
)

SCENARIOS: Sequence[Scenario] = (
    _JOB.scenario("a whole life", _JOB.starts(), _FINDS, _FINDS_THE_LAST),
    _JOB.failure("AlgorithmError: no such file"),
    _JOB.suspension(),
    WARM_START,
    _JOB.deletion_stop(),
    _JOB.deletion_purge(),
    PURGE_FINISHED,
)
