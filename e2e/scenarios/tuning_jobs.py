"""What an HPTuningJob can go through. What every kind of job does alike is in `training_jobs`; here is what rests on
this kind's declaration: its trials, its results, what it learns from, and what is purged with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faults.cluster import Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.reached import Reached, gone, reason, status_of, under_way

TUNING_JOB = Kind(name="HPTuningJob", plural="hptuningjobs")
CREATE, STOP, DELETE = (f"{verb}HyperParameterTuningJob" for verb in ("Create", "Stop", "Delete"))

METRIC = "validation:score"
_STAGES = ("Starting", "Downloading", "Training", "Uploading")
_SCRIPT = {
    "stages": dict.fromkeys(_STAGES, STAGE_SECONDS),
    "stop_seconds": STAGE_SECONDS,
    "metrics": {METRIC: "x"},
}
_WHOLE_RUN = STAGE_SECONDS * len(_STAGES)

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


def _scenario(name: str, *steps: Step, script: dict[str, Any] = _SCRIPT, **facts: Any) -> Scenario:
    return Scenario(
        name=f"tuning: {name}",
        kind=TUNING_JOB,
        steps=steps,
        script=script,
        effects=frozenset({CREATE, STOP, DELETE, "DeleteTrainingJob"}),
        measured=frozenset({"duration", "consumedResources"}),
        **facts,
    )


def _create(actor: Actor, **fields: Any) -> None:
    # A name of our own: of a generated one, 32 characters leave little of the object's name.
    actor.create({**SPEC, "hyperParameterTuningJobName": actor.mark, **fields})


def _searching(*, attempts: int = 1) -> Reached:
    """Under way, and its counters were written: the last write of a start."""
    is_made = under_way(attempts=attempts)
    return lambda body: is_made(body) and "trainingJobStatusCounters" in status_of(body)


def _starts(**fields: Any) -> Step:
    return Step(says="starts", act=lambda actor: _create(actor, **fields), until=_searching())


def _patches(**fields: Any) -> Callable[[Actor], None]:
    return lambda actor: actor.patch(**fields)


def _has_found(trials: int) -> Callable[[Any], bool]:
    return lambda body: len(status_of(body).get("bestTrials") or ()) == trials


_FINDS = Step(says="shows its first trial", advance=_WHOLE_RUN, until=_has_found(1))
_COMPLETES = Step(says="completes", advance=_WHOLE_RUN, until=reason("Completed"))
_DELETED = Step(says="is gone", act=Actor.delete, until=gone)

LIFE = _scenario("a whole life", _starts(), _FINDS, _COMPLETES)
FAILURE = _scenario(
    "a failure",
    _starts(),
    Step(says="has failed", advance=2 * _WHOLE_RUN, until=reason("JobFailed")),
    script=_SCRIPT | {"outcome": "Failed", "failure_reason": "AlgorithmError: no such file"},
)
SUSPENSION = _scenario(
    "suspended and resumed",
    _starts(),
    Step(says="is being stopped", act=_patches(runPolicy={"suspend": True}), until=reason("Stopping")),
    Step(says="is suspended", advance=STAGE_SECONDS, until=reason("Suspended")),
    Step(says="runs again", act=_patches(runPolicy={"suspend": False}), until=_searching(attempts=2)),
    Step(says="completes", advance=2 * _WHOLE_RUN, until=reason("Completed")),
)


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
        TUNING_JOB, namespace=actor.namespace, name=parent, until=_searching(), what="the parent starts"
    )
    _create(actor, warmStartConfig=warm_start)


WARM_START = _scenario(
    "learns from another",
    Step(says="waits for the other", act=_create_with_its_parent, until=reason("WaitingForReference")),
    Step(says="starts", advance=2 * _WHOLE_RUN, until=_searching()),
    Step(says="completes", advance=2 * _WHOLE_RUN, until=reason("Completed")),
)
DELETION_STOP = _scenario(
    "deleted while running, policy Stop",
    _starts(),
    _DELETED,
    Step(says="stays gone", advance=STAGE_SECONDS, until=gone),
)
DELETION_PURGE = _scenario(
    "deleted while running, policy Purge",
    _starts(runPolicy={"deletionPolicy": "Purge"}),
    Step(says="waits for the trials to stop", act=Actor.delete, until=reason("Deleting")),
    Step(says="is gone", advance=STAGE_SECONDS, until=gone),
)
PURGE_FINISHED = _scenario(
    "deleted when finished, policy Purge",
    _starts(runPolicy={"deletionPolicy": "Purge"}),
    _FINDS,
    _COMPLETES,
    _DELETED,
)

SCENARIOS: Sequence[Scenario] = (
    LIFE,
    FAILURE,
    SUSPENSION,
    WARM_START,
    DELETION_STOP,
    DELETION_PURGE,
    PURGE_FINISHED,
)
