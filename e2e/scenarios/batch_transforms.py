"""What a BatchTransform can go through: each step that rests on the model that is made for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faults.cluster import Body, Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.reached import gone, reason, status_of, tags, under_way

BATCH_TRANSFORM = Kind(name="BatchTransform", plural="batchtransforms")
CREATE, STOP = "CreateTransformJob", "StopTransformJob"
MAKE_MODEL, REMOVE_MODEL = "CreateModel", "DeleteModel"

STAGES = ("Starting", "Transforming")
_SCRIPT = {"stages": dict.fromkeys(STAGES, STAGE_SECONDS), "stop_seconds": STAGE_SECONDS}
_WHOLE_RUN = STAGE_SECONDS * len(STAGES)

_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
SPEC: dict[str, Any] = {
    "model": {"primaryContainer": {"image": _IMAGE, "modelDataUrl": "s3://models/one/model.tar.gz"}},
    "transformInput": {"dataSource": {"s3DataSource": {"s3Uri": "s3://rows/in/"}}},
    "transformOutput": {"s3OutputPath": "s3://rows/out/"},
    "transformResources": {"instanceType": "ml.m5.large"},
}
_OTHER_MODEL = {"primaryContainer": {"image": _IMAGE, "modelDataUrl": "s3://models/two/model.tar.gz"}}
_RETRY_POLICY = {"retry": {"limit": 1, "errors": ["CapacityError"]}}
_OLD_TAGS = [{"key": "team", "value": "red"}]
_NEW_TAGS = [{"key": "team", "value": "blue"}]


def _patches(**fields: Any) -> Callable[[Actor], None]:
    return lambda actor: actor.patch(**fields)


def _scenario(name: str, *steps: Step, script: dict[str, Any] = _SCRIPT, **facts: Any) -> Scenario:
    return Scenario(
        name=f"transform: {name}",
        kind=BATCH_TRANSFORM,
        steps=steps,
        script=script,
        effects=frozenset({CREATE, STOP, MAKE_MODEL, REMOVE_MODEL}),
        measured=frozenset({"duration"}),
        **facts,
    )


def _ended(word: str) -> Callable[[Body | None], bool]:
    """Ready has this reason, and the model is gone."""
    reached = reason(word)
    return lambda body: reached(body) and "models" not in status_of(body)


def _starts(**fields: Any) -> Step:
    return Step(says="starts", act=lambda actor: actor.create({**SPEC, **fields}), until=under_way())


_COMPLETES = Step(says="completes, and its model is gone", advance=_WHOLE_RUN, until=_ended("Completed"))
_DELETED = Step(says="is gone", act=Actor.delete, until=gone)
_STOPPED_MEANWHILE = Step(says="stays gone", advance=STAGE_SECONDS, until=gone)

LIFE = _scenario("a whole life", _starts(), _COMPLETES)
FAILURE = _scenario(
    "a failure",
    _starts(),
    Step(says="has failed, and its model is gone", advance=_WHOLE_RUN, until=_ended("JobFailed")),
    script=_SCRIPT | {"outcome": "Failed", "failure_reason": "AlgorithmError: See job logs for more information"},
)


def _lack_capacity_once(actor: Actor) -> None:
    actor.lane.aws.settings(capacity_wait_seconds=STAGE_SECONDS)
    actor.lane.aws.fault("capacity", operation=CREATE, name=f"*{actor.mark}*", count=1)


RETRY = _scenario(
    "a failure that is retried with the same model",
    _starts(runPolicy=_RETRY_POLICY),
    Step(says="tries again", advance=STAGE_SECONDS, until=under_way(attempts=2)),
    _COMPLETES,
    prepare=_lack_capacity_once,
)
SUSPENSION = _scenario(
    "suspended and resumed",
    _starts(),
    Step(says="is being stopped", act=_patches(runPolicy={"suspend": True}), until=reason("Stopping")),
    Step(says="is suspended", advance=STAGE_SECONDS, until=reason("Suspended")),
    Step(says="runs again", act=_patches(runPolicy={"suspend": False}), until=under_way(attempts=2)),
    _COMPLETES,
)
TAGS = _scenario(
    "changed tags",
    _starts(tags=_OLD_TAGS),
    Step(says="has new tags", act=_patches(tags=_NEW_TAGS), until=tags(_NEW_TAGS)),
    _COMPLETES,
)


def _refuse(actor: Actor) -> None:
    refusal = {"code": "ValidationException", "message": "Could not access the subnet"}
    actor.lane.aws.fault("error", operation=CREATE, name=f"*{actor.mark}*", **refusal)


def _correct(actor: Actor) -> None:
    # Every actor has been refused by now: what is refused once only would be let through after a crash.
    actor.lane.aws.clear_faults()
    actor.patch(model=_OTHER_MODEL)


CORRECTION = _scenario(
    "refused, given another model and run: neither model is left",
    Step(says="is refused", act=lambda actor: actor.create(SPEC), until=reason("Rejected")),
    Step(says="starts", act=_correct, until=under_way()),
    _COMPLETES,
    prepare=_refuse,
)
REFUSED_AND_DELETED = _scenario(
    "refused and deleted: its model is not left",
    Step(says="is refused", act=lambda actor: actor.create(SPEC), until=reason("Rejected")),
    _DELETED,
    prepare=_refuse,
)
DELETION_STOP = _scenario("deleted while running, policy Stop", _starts(), _DELETED, _STOPPED_MEANWHILE)
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
# For tests of their own, since each of its steps is in one of the others.
RECREATION = _scenario("deleted and made again", _starts(), _DELETED, _starts(), _COMPLETES)

SCENARIOS: Sequence[Scenario] = (
    LIFE,
    FAILURE,
    RETRY,
    SUSPENSION,
    TAGS,
    CORRECTION,
    REFUSED_AND_DELETED,
    DELETION_STOP,
    DELETION_RETAIN,
    DELETION_PURGE,
)
