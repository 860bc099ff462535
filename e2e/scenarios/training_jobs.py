"""What a TrainingJob can go through."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faults.cluster import Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.reached import gone, reason, secondary, tags

TRAINING_JOB = Kind(name="TrainingJob", plural="trainingjobs")
CREATE, STOP, DELETE = "CreateTrainingJob", "StopTrainingJob", "DeleteTrainingJob"

STAGES = ("Starting", "Downloading", "Training", "Uploading")
_SCRIPT = {"stages": dict.fromkeys(STAGES, STAGE_SECONDS), "stop_seconds": STAGE_SECONDS}
_AT_ONCE = {"seconds": 0.0, "stages": None}
_WHOLE_RUN = STAGE_SECONDS * len(STAGES)
_MEASURED = frozenset({"trainingTimeInSeconds", "billableTimeInSeconds", "duration"})

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
SPEC: dict[str, Any] = {
    "algorithmSpecification": {"trainingImage": IMAGE},
    "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
    "stoppingCondition": {"maxRuntimeInSeconds": 86400},
}
_RETRY_POLICY = {"retry": {"limit": 1, "errors": ["CapacityError"]}}
_OLD_TAGS = [{"key": "team", "value": "red"}, {"key": "stage", "value": "test"}]
_NEW_TAGS = [{"key": "team", "value": "blue"}, {"key": "owner", "value": "me"}]


def _creates(**fields: Any) -> Callable[[Actor], None]:
    return lambda actor: actor.create({**SPEC, **fields})


def _patches(**fields: Any) -> Callable[[Actor], None]:
    return lambda actor: actor.patch(**fields)


def _scenario(name: str, *steps: Step, script: dict[str, Any] = _SCRIPT, **facts: Any) -> Scenario:
    return Scenario(
        name=name,
        kind=TRAINING_JOB,
        steps=steps,
        script=script,
        effects=frozenset({CREATE, STOP, DELETE}),
        measured=_MEASURED,
        **facts,
    )


def _starts(**fields: Any) -> Step:
    return Step(says="starts", act=_creates(**fields), until=secondary("Starting"))


def _completes(**facts: Any) -> Step:
    return Step(says="completes", advance=_WHOLE_RUN, until=reason("Completed"), **facts)


_DELETED = Step(says="is gone", act=Actor.delete, until=gone)
_STOPPED_MEANWHILE = Step(says="stays gone", advance=STAGE_SECONDS, until=gone)

LIFE = _scenario(
    "a whole life",
    _starts(),
    *(Step(says=f"is {stage}", advance=STAGE_SECONDS, until=secondary(stage)) for stage in STAGES[1:]),
    Step(says="completes", advance=STAGE_SECONDS, until=reason("Completed")),
)
FAILURE = _scenario(
    "a failure",
    _starts(),
    Step(says="has failed", advance=_WHOLE_RUN, until=reason("JobFailed")),
    script=_SCRIPT | {"outcome": "Failed", "failure_reason": "AlgorithmError: no such file"},
)


def _lack_capacity_once(actor: Actor) -> None:
    actor.lane.aws.settings(capacity_wait_seconds=STAGE_SECONDS)
    actor.lane.aws.fault("capacity", operation=CREATE, name=f"*{actor.mark}*", count=1)


RETRY = _scenario(
    "a failure that is retried",
    _starts(runPolicy=_RETRY_POLICY),
    Step(says="tries again", advance=STAGE_SECONDS, until=secondary("Starting", attempts=2)),
    _completes(),
    prepare=_lack_capacity_once,
)
SUSPENSION = _scenario(
    "suspended and resumed",
    _starts(),
    Step(says="is being stopped", act=_patches(runPolicy={"suspend": True}), until=secondary("Stopping")),
    Step(says="is suspended", advance=STAGE_SECONDS, until=reason("Suspended")),
    Step(
        says="runs again",
        act=_patches(runPolicy={"suspend": False}),
        until=secondary("Starting", attempts=2),
    ),
    _completes(),
)
TAGS = _scenario(
    "changed tags",
    _starts(tags=_OLD_TAGS),
    Step(says="has new tags", act=_patches(tags=_NEW_TAGS), until=tags(_NEW_TAGS)),
    _completes(),
)


def _write_code(actor: Actor) -> None:
    body = {"metadata": {"name": f"{actor.mark}-code"}, "data": {"train.py": "print('training')\n"}}
    actor.lane.cluster.core.create_namespaced_config_map(actor.namespace, body)


def _create_from_code(actor: Actor) -> None:
    fields = {key: value for key, value in SPEC.items() if key != "algorithmSpecification"}
    framework = {"name": "pytorch", "version": "2.3", "pythonVersion": "py311"}
    source = {"entryPoint": "train.py", "configMap": {"name": f"{actor.mark}-code"}}
    actor.create({**fields, "framework": framework, "source": source})


SOURCE = _scenario(
    "code from a ConfigMap",
    Step(says="starts", act=_create_from_code, until=secondary("Starting")),
    _completes(),
    prepare=_write_code,
)


def _create_with_its_base(actor: Actor) -> None:
    """Make an object whose model this one goes on from, and this one as soon as the other's job runs."""
    base = f"{actor.mark}-base"
    where = {"namespace": actor.namespace, "name": base}
    actor.lane.cluster.create(TRAINING_JOB, **where, spec=SPEC)
    actor.lane.wait_for(TRAINING_JOB, **where, until=secondary("Starting"), what="the base starts")
    actor.create({**SPEC, "modelRef": {"kind": "TrainingJob", "name": base}})


REFERENCE = _scenario(
    "goes on from another's model",
    Step(says="waits for the other", act=_create_with_its_base, until=reason("WaitingForReference")),
    Step(says="starts", advance=_WHOLE_RUN, until=secondary("Starting")),
    _completes(),
)
NAMED = _scenario(
    "a given name, retried",
    Step(
        says="starts",
        act=lambda actor: actor.create({**SPEC, "trainingJobName": actor.mark, "runPolicy": _RETRY_POLICY}),
        until=secondary("Starting"),
    ),
    Step(says="tries again", advance=STAGE_SECONDS, until=secondary("Starting", attempts=2)),
    _DELETED,
    _STOPPED_MEANWHILE,
    prepare=_lack_capacity_once,
)


def _refuse(actor: Actor) -> None:
    refusal = {"code": "ValidationException", "message": "Could not access the subnet"}
    actor.lane.aws.fault("error", operation=CREATE, name=f"*{actor.mark}*", **refusal)


def _correct(actor: Actor) -> None:
    # Every actor has been refused by now: what is refused once only would be let through after a crash.
    actor.lane.aws.clear_faults()
    actor.patch(stoppingCondition={"maxRuntimeInSeconds": 43200})


CORRECTION = _scenario(
    "refused, corrected and run",
    Step(says="is refused", act=_creates(), until=reason("Rejected")),
    Step(says="starts", act=_correct, until=secondary("Starting")),
    _completes(),
    prepare=_refuse,
)
PAUSE = _scenario(
    "paused and let go",
    Step(
        says="is paused",
        act=lambda actor: actor.create(SPEC, annotations={"sagebridge.io/paused": "true"}),
        until=reason("Paused"),
    ),
    Step(says="starts", act=lambda actor: actor.annotate(paused=None), until=secondary("Starting")),
    Step(says="is told to wait", act=lambda actor: actor.annotate(paused="true"), until=secondary("Starting")),
    Step(says="completes all the same", advance=_WHOLE_RUN, until=reason("Completed")),
)
DELETION_STOP = _scenario(
    "deleted while running, policy Stop",
    _starts(),
    _DELETED,
    _STOPPED_MEANWHILE,
)
DELETION_RETAIN = _scenario(
    "deleted while running, policy Retain",
    _starts(runPolicy={"deletionPolicy": "Retain"}),
    _DELETED,
    _STOPPED_MEANWHILE,
    leaves_jobs=True,
)
DELETION_PURGE = _scenario(
    "deleted while running, policy Purge",
    _starts(runPolicy={"deletionPolicy": "Purge"}),
    Step(says="waits for the job to stop", act=Actor.delete, until=reason("Deleting")),
    Step(says="is gone", advance=STAGE_SECONDS, until=gone),
)
PURGE_FINISHED = _scenario(
    "deleted when finished, policy Purge",
    _starts(runPolicy={"deletionPolicy": "Purge"}),
    _completes(),
    _DELETED,
)
EXPIRY = _scenario(
    "time to live",
    Step(says="is gone", act=_creates(runPolicy={"ttlSecondsAfterFinished": 0}), until=gone),
    script=_AT_ONCE,
)
RECREATION = _scenario(
    "deleted and made again",
    _starts(),
    _DELETED,
    _starts(),
    _completes(),
)

SCENARIOS: Sequence[Scenario] = (
    LIFE,
    FAILURE,
    RETRY,
    SUSPENSION,
    TAGS,
    SOURCE,
    REFERENCE,
    NAMED,
    CORRECTION,
    PAUSE,
    DELETION_STOP,
    DELETION_RETAIN,
    DELETION_PURGE,
    PURGE_FINISHED,
    EXPIRY,
    RECREATION,
)
