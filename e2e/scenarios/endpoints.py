"""What an Endpoint can go through: it is made, changed, rolled back, scaled, and deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from faults.cluster import Body, Kind
from faults.scenario import STAGE_SECONDS, Actor, Scenario, Step

from scenarios.reached import Reached, condition, gone, status_of

ENDPOINT = Kind(name="Endpoint", plural="sagemakerendpoints")
CREATE, UPDATE, DELETE = "CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint"
_EFFECTS = frozenset(
    {"CreateModel", "CreateEndpointConfig", CREATE, UPDATE, "UpdateEndpointWeightsAndCapacities"}
    | {"DeleteModel", "DeleteEndpointConfig", DELETE}
)
# Parts of hashes, which the object's name goes into.
_MEASURED = frozenset({"key", "template"})

_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/serve:1"
_CANARY: dict[str, Any] = {
    "blueGreenUpdatePolicy": {
        "trafficRoutingConfiguration": {
            "type": "CANARY",
            "waitIntervalInSeconds": 60,
            "canarySize": {"type": "CAPACITY_PERCENT", "value": 50},
        }
    }
}
_SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}
_WHOLE_UPDATE = 2 * STAGE_SECONDS


def variant(name: str = "a", **fields: Any) -> dict[str, Any]:
    """A production variant."""
    return {"variantName": name, "modelName": "m", "instanceType": "ml.m5.large", **fields}


def models(data: str) -> list[dict[str, Any]]:
    """The one model, whose artifact is `data`."""
    return [{"name": "m", "image": _IMAGE, "modelDataUrl": f"s3://models/{data}/model.tar.gz"}]


SPEC: dict[str, Any] = {"models": models("1"), "productionVariants": [variant()]}


# --- where it stands ---------------------------------------------------------------------------------------------


def stands(word: str) -> Reached:
    """Ready has this reason, as far as the newest spec goes."""

    def holds(body: Body | None) -> bool:
        ready = condition(body, "Ready")
        is_newest = body is not None and ready.get("observedGeneration") == body["metadata"]["generation"]
        return is_newest and ready.get("reason") == word

    return holds


def _updating(revision: int) -> Reached:
    """SageMaker is at work on the endpoint, which still runs this revision."""
    is_updating = stands("Updating")

    def holds(body: Body | None) -> bool:
        status = status_of(body)
        numbers = {one["endpointConfigName"]: one["revision"] for one in status.get("revisions") or ()}
        runs = numbers.get(status.get("endpointConfigName"))
        return is_updating(body) and runs == revision and status.get("endpointStatus") == "Updating"

    return holds


def _has_weight(weight: float) -> Reached:
    """The first variant has this weight, and SageMaker is at work on something else."""
    is_updating = _updating(1)

    def holds(body: Body | None) -> bool:
        variants = status_of(body).get("variants") or [{}]
        return is_updating(body) and variants[0].get("currentWeight") == weight

    return holds


def _going(body: Body | None) -> bool:
    """SageMaker is deleting the endpoint."""
    return status_of(body).get("endpointStatus") == "Deleting"


# --- what happens ------------------------------------------------------------------------------------------------


def follow(actor: Actor, **script: Any) -> None:
    """Let the object's endpoint go on with SageMaker's clock only."""
    paces = dict.fromkeys(("seconds", "scale_seconds", "delete_seconds"), STAGE_SECONDS)
    actor.lane.aws.endpoint_outcome(f"*{actor.mark}*", **paces, **script)


def _fail(actor: Actor) -> None:
    follow(actor, outcome="Failed", failure_reason="The container did not answer /ping.")


def _creates(**fields: Any) -> Step:
    return Step(says="is being made", act=lambda actor: actor.create({**SPEC, **fields}), until=stands("Creating"))


def _patches(**fields: Any) -> Callable[[Actor], None]:
    return lambda actor: actor.patch(**fields)


def _all(*acts: Callable[[Actor], None]) -> Callable[[Actor], None]:
    def act(actor: Actor) -> None:
        for one in acts:
            one(actor)

    return act


_SERVES = Step(says="serves", advance=STAGE_SECONDS, until=stands("InService"))
_UPDATED = Step(says="serves the new version", advance=_WHOLE_UPDATE, until=stands("InService"))
_ROLLED_BACK = Step(says="is rolled back", advance=_WHOLE_UPDATE, until=stands("UpdateFailed"))
_DELETED = Step(says="is being deleted", act=Actor.delete, until=_going)
_GONE = Step(says="is gone", advance=STAGE_SECONDS, until=gone)


def _scenario(name: str, *steps: Step, prepare: Callable[[Actor], None] = follow, **facts: Any) -> Scenario:
    return Scenario(
        name=f"endpoint: {name}",
        kind=ENDPOINT,
        steps=steps,
        script={},
        effects=_EFFECTS,
        measured=_MEASURED,
        prepare=prepare,
        **facts,
    )


LIFE = _scenario("a whole life", _creates(), _SERVES, _DELETED, _GONE)
FAILED_CREATION = _scenario(
    "one that can not be made, corrected",
    _creates(history={"limit": 0}),
    Step(says="has failed", advance=STAGE_SECONDS, until=stands("EndpointFailed")),
    Step(says="is deleted", act=_all(follow, _patches(models=models("good"))), until=_going),
    Step(says="is made anew", advance=STAGE_SECONDS, until=stands("Creating")),
    _SERVES,
    prepare=_fail,
    familiar=1,
)
QUEUE = _scenario(
    "updated by canary, edited meanwhile: the last edit wins, and nothing else is kept",
    _creates(deploymentConfig=_CANARY, productionVariants=[variant(initialInstanceCount=2)], history={"limit": 0}),
    _SERVES,
    Step(says="is updated", act=_patches(models=models("2")), until=_updating(1)),
    Step(says="takes note of an edit", act=_patches(models=models("3")), until=_updating(1)),
    Step(says="takes note of another", act=_patches(models=models("4")), until=_updating(1)),
    Step(says="is updated to the last", advance=_WHOLE_UPDATE, until=_updating(2)),
    _UPDATED,
    familiar=3,
)
ROLLED_BACK = _scenario(
    "an update that fails, and is reverted",
    _creates(history={"limit": 0}),
    _SERVES,
    Step(says="is updated", act=_all(_fail, _patches(models=models("bad"))), until=_updating(1)),
    _ROLLED_BACK,
    Step(says="serves as before", act=_all(follow, _patches(models=models("1"))), until=stands("InService")),
    familiar=2,
)


def _alarm(actor: Actor) -> str:
    return f"{actor.mark}-errors"


def _watch_for_errors(actor: Actor) -> None:
    follow(actor)
    watched = {"MetricName": "Errors", "Namespace": "tests", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    actor.lane.hosting.alarms.put_metric_alarm(
        AlarmName=_alarm(actor), Threshold=1, ComparisonOperator="GreaterThanThreshold", **watched
    )


def _sets_alarm(state: str) -> Callable[[Actor], None]:
    def act(actor: Actor) -> None:
        actor.lane.hosting.alarms.set_alarm_state(AlarmName=_alarm(actor), StateValue=state, StateReason="a test")

    return act


def _create_watched(actor: Actor) -> None:
    rollback = {"autoRollbackConfiguration": {"alarms": [{"alarmName": _alarm(actor)}]}}
    two = [variant(initialInstanceCount=2)]
    actor.create({**SPEC, "productionVariants": two, "deploymentConfig": {**_CANARY, **rollback}})


ALARM = _scenario(
    "a canary that an alarm rolls back, and another version",
    Step(says="is being made", act=_create_watched, until=stands("Creating")),
    _SERVES,
    Step(says="is updated", act=_patches(models=models("bad")), until=_updating(1)),
    Step(says="is rolled back", act=_sets_alarm("ALARM"), advance=_WHOLE_UPDATE, until=stands("UpdateFailed")),
    Step(says="is updated again", act=_all(_sets_alarm("OK"), _patches(models=models("good"))), until=_updating(1)),
    _UPDATED,
    prepare=_watch_for_errors,
    familiar=3,
)
WEIGHTS = _scenario(
    "other weights and counts",
    _creates(productionVariants=[variant("a"), variant("b")]),
    _SERVES,
    Step(
        says="is being changed",
        act=_patches(productionVariants=[variant("a", initialVariantWeight=9), variant("b", initialInstanceCount=3)]),
        until=_updating(1),
    ),
    Step(says="has the weights, and is given the counts", advance=STAGE_SECONDS, until=_has_weight(9)),
    Step(says="has both", advance=STAGE_SECONDS, until=stands("InService")),
    familiar=2,
)
SCALING = _scenario(
    "scaled, moved to other instances, scaled no more",
    _creates(productionVariants=[variant(autoscaling=_SCALING)]),
    _SERVES,
    Step(
        says="is moved",
        act=_patches(productionVariants=[variant(autoscaling=_SCALING, instanceType="ml.m5.xlarge")]),
        until=_updating(1),
    ),
    _UPDATED,
    Step(
        says="is not scaled",
        act=_patches(productionVariants=[variant(instanceType="ml.m5.xlarge")]),
        until=stands("InService"),
    ),
    familiar=1,
)
RETAIN = _scenario(
    "deleted, policy Retain",
    _creates(runPolicy={"deletionPolicy": "Retain"}),
    _SERVES,
    Step(says="is gone", act=Actor.delete, until=gone),
    familiar=2,
    leaves_jobs=True,
)
PURGE = _scenario(
    "deleted while it is updated, policy Purge",
    _creates(productionVariants=[variant(autoscaling=_SCALING)], runPolicy={"deletionPolicy": "Purge"}),
    _SERVES,
    Step(says="is updated", act=_patches(models=models("2")), until=_updating(1)),
    Step(says="waits for the update", act=Actor.delete, until=lambda body: _reason(body) == "Deleting"),
    Step(says="is being deleted", advance=_WHOLE_UPDATE, until=_going),
    _GONE,
    familiar=3,
)


def _reason(body: Body | None) -> str:
    return str(condition(body, "Ready").get("reason"))


SCENARIOS: Sequence[Scenario] = (
    LIFE,
    FAILED_CREATION,
    QUEUE,
    ROLLED_BACK,
    ALARM,
    WEIGHTS,
    SCALING,
    RETAIN,
    PURGE,
)
