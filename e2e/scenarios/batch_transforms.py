"""What a BatchTransform can go through: each step that rests on the model that is made for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from faults.cluster import Body, Kind
from faults.scenario import Actor, Scenario, Step

from scenarios.jobs import DELETED, JobScenarios
from scenarios.reached import Reached, reason, status_of, under_way

BATCH_TRANSFORM = Kind(name="BatchTransform", plural="batchtransforms")
CREATE, STOP = "CreateTransformJob", "StopTransformJob"
MAKE_MODEL, REMOVE_MODEL = "CreateModel", "DeleteModel"

_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"
SPEC: dict[str, Any] = {
    "model": {"primaryContainer": {"image": _IMAGE, "modelDataUrl": "s3://models/one/model.tar.gz"}},
    "transformInput": {"dataSource": {"s3DataSource": {"s3Uri": "s3://rows/in/"}}},
    "transformOutput": {"s3OutputPath": "s3://rows/out/"},
    "transformResources": {"instanceType": "ml.m5.large"},
}
_OTHER_MODEL = {"primaryContainer": {"image": _IMAGE, "modelDataUrl": "s3://models/two/model.tar.gz"}}


def _ended(word: str) -> Reached:
    """Ready has this reason, and the model is gone."""
    reached = reason(word)

    def holds(body: Body | None) -> bool:
        return reached(body) and "models" not in status_of(body)

    return holds


_JOB = JobScenarios(
    kind=BATCH_TRANSFORM,
    title="transform: ",
    spec=SPEC,
    create=CREATE,
    effects=frozenset({CREATE, STOP, MAKE_MODEL, REMOVE_MODEL}),
    stages=("Starting", "Transforming"),
    ended=_ended,
)


def _correct(actor: Actor) -> None:
    # Every actor has been refused by now: what is refused once only would be let through after a crash.
    actor.lane.aws.clear_faults()
    actor.patch(model=_OTHER_MODEL)


_REFUSED = Step(says="is refused", act=_JOB.makes, until=reason("Rejected"))
LIFE = _JOB.scenario("a whole life", _JOB.starts(), _JOB.completes())
CORRECTION = _JOB.scenario(
    "refused, given another model and run: neither model is left",
    _REFUSED,
    Step(says="starts", act=_correct, until=under_way()),
    _JOB.completes(),
    prepare=_JOB.refuse,
)
REFUSED_AND_DELETED = _JOB.scenario(
    "refused and deleted: its model is not left", _REFUSED, DELETED, prepare=_JOB.refuse, familiar=1
)
# For tests of their own, since each of its steps is in one of the others.
RECREATION = _JOB.recreation()

SCENARIOS: Sequence[Scenario] = (
    LIFE,
    _JOB.failure("AlgorithmError: See job logs for more information"),
    _JOB.retry(),
    _JOB.suspension(),
    _JOB.changed_tags(),
    CORRECTION,
    REFUSED_AND_DELETED,
    _JOB.deletion_stop(),
    _JOB.deletion_retain(),
    _JOB.deletion_purge(),
)
