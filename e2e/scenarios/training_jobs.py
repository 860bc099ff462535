"""What a TrainingJob can go through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faults.cluster import Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.jobs import DELETED, RETRY_POLICY, STOPPED_MEANWHILE, Code, JobScenarios
from scenarios.reached import gone, reason, secondary

TRAINING_JOB = Kind(name="TrainingJob", plural="trainingjobs")
CREATE, STOP, DELETE = "CreateTrainingJob", "StopTrainingJob", "DeleteTrainingJob"

STAGES = ("Starting", "Downloading", "Training", "Uploading")

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
SPEC: dict[str, Any] = {
    "algorithmSpecification": {"trainingImage": IMAGE},
    "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
    "stoppingCondition": {"maxRuntimeInSeconds": 86400},
}
_JOB = JobScenarios(
    kind=TRAINING_JOB,
    title="",
    spec=SPEC,
    create=CREATE,
    effects=frozenset({CREATE, STOP, DELETE}),
    stages=STAGES,
    measured=frozenset({"trainingTimeInSeconds", "billableTimeInSeconds", "duration"}),
    begun=lambda attempts: secondary("Starting", attempts=attempts),
    stopping=secondary("Stopping"),
)
_CODE = Code(
    instead_of="algorithmSpecification",
    framework={"name": "pytorch", "version": "2.3", "pythonVersion": "py311"},
    entry_point="train.py",
)

LIFE = _JOB.scenario(
    "a whole life",
    _JOB.starts(),
    *(Step(says=f"is {stage}", advance=STAGE_SECONDS, until=secondary(stage)) for stage in STAGES[1:]),
    Step(says="completes", advance=STAGE_SECONDS, until=reason("Completed")),
)
SUSPENSION = _JOB.suspension()
TAGS = _JOB.changed_tags()


def _create_with_its_base(actor: Actor) -> None:
    """Make an object whose model this one goes on from, and this one as soon as the other's job runs."""
    base = f"{actor.mark}-base"
    where = {"namespace": actor.namespace, "name": base}
    actor.lane.cluster.create(TRAINING_JOB, **where, spec=SPEC)
    actor.lane.wait_for(TRAINING_JOB, **where, until=secondary("Starting"), what="the base starts")
    actor.create({**SPEC, "modelRef": {"kind": "TrainingJob", "name": base}})


REFERENCE = _JOB.scenario(
    "goes on from another's model",
    Step(says="waits for the other", act=_create_with_its_base, until=reason("ReferenceNotReady")),
    Step(says="starts", advance=_JOB.run_seconds, until=secondary("Starting")),
    _JOB.completes(),
)
NAMED = _JOB.scenario(
    "a given name, retried",
    Step(
        says="starts",
        act=lambda actor: actor.create({**SPEC, "trainingJobName": actor.mark, "runPolicy": RETRY_POLICY}),
        until=secondary("Starting"),
    ),
    Step(says="tries again", advance=STAGE_SECONDS, until=secondary("Starting", attempts=2)),
    DELETED,
    STOPPED_MEANWHILE,
    prepare=_JOB.lacks_capacity_once,
)


def _correct(actor: Actor) -> None:
    # Every actor has been refused by now: what is refused once only would be let through after a crash.
    actor.lane.aws.clear_faults()
    actor.patch(stoppingCondition={"maxRuntimeInSeconds": 43200})


CORRECTION = _JOB.scenario(
    "refused, corrected and run",
    Step(says="is refused", act=_JOB.makes, until=reason("Rejected")),
    Step(says="starts", act=_correct, until=secondary("Starting")),
    _JOB.completes(),
    prepare=_JOB.refuse,
)
PAUSE = _JOB.scenario(
    "paused and let go",
    Step(
        says="is paused",
        act=lambda actor: actor.create(SPEC, annotations={"sagebridge.io/paused": "true"}),
        until=reason("Paused"),
    ),
    Step(says="starts", act=lambda actor: actor.annotate(paused=None), until=secondary("Starting")),
    Step(says="is told to wait", act=lambda actor: actor.annotate(paused="true"), until=secondary("Starting")),
    Step(says="completes all the same", advance=_JOB.run_seconds, until=reason("Completed")),
)
DELETION_PURGE = _JOB.deletion_purge()
PURGE_FINISHED = _JOB.scenario(
    "deleted when finished, policy Purge",
    _JOB.starts(runPolicy={"deletionPolicy": "Purge"}),
    _JOB.completes(),
    DELETED,
    familiar=2,
)
EXPIRY = _JOB.scenario(
    "time to live",
    Step(
        says="is gone",
        act=lambda actor: _JOB.makes(actor, runPolicy={"ttlSecondsAfterFinished": 0}),
        until=gone,
    ),
    script={"seconds": 0.0, "stages": None},
)
RECREATION = _JOB.recreation()

SCENARIOS: Sequence[Scenario] = (
    LIFE,
    _JOB.failure("AlgorithmError: no such file"),
    _JOB.retry(),
    SUSPENSION,
    TAGS,
    _JOB.source(_CODE),
    REFERENCE,
    NAMED,
    CORRECTION,
    PAUSE,
    _JOB.deletion_stop(),
    _JOB.deletion_retain(),
    DELETION_PURGE,
    PURGE_FINISHED,
    EXPIRY,
    RECREATION,
)
