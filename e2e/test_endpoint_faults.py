"""Endpoints while SageMaker answers badly or not at all, and while the operator is killed at random."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from faults.boundaries import Fault, Plan
from faults.cluster import Body
from faults.lane import Lane
from faults.scenario import Actor, cast, play
from faults.serving import misses
from faults.trials import check, undisturbed
from scenarios.endpoints import CREATE, DELETE, LIFE, SPEC, UPDATE, models, stands, variant
from scenarios.reached import condition, gone

_BODIES = (
    "<html><body>502 Bad Gateway</body></html>",
    "{}",
    '{"EndpointArn": "arn:aws:sagem',
    '{"EndpointArn": null, "EndpointStatus": null, "Endpoints": null, "Tags": null, "ModelArn": null}',
    '{"EndpointStatus": [1], "Endpoints": "x", "LastModifiedTime": {}, "Tags": 7}',
    "[]",
)
_BACKING_OFF = (
    *("CreateModel", "CreateEndpointConfig", CREATE, "DescribeEndpoint", "ListTags"),
    *("DeleteModel", "DeleteEndpointConfig", DELETE),
)
_KILLS, _OBJECTS = 8, 4
_LONGEST_LIFE_SECONDS = 3.0
_QUICK = {"seconds": 0.5, "scale_seconds": 0.5, "delete_seconds": 0.5}


def _made(lane: Lane, namespace: str) -> Actor:
    """An endpoint that is in service."""
    (actor,) = cast(lane, LIFE, namespace=namespace)
    play(lane, LIFE, [actor], steps=LIFE.steps[:2])
    return actor


def _blocked(body: Body | None) -> str:
    """Why its deletion does not go on; empty if it does."""
    ready = condition(body, "Ready")
    return str(ready["message"]) if ready.get("reason") == "DeletionBlocked" else ""


def test_malformed_replies_are_asked_for_again(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    reference = undisturbed(lane, LIFE, namespace=namespace)
    for body in _BODIES:
        lane.aws.fault("malformed", body=body, probability=0.5, count=1)
    (actor,) = cast(lane, LIFE, namespace=namespace)
    play(lane, LIFE, [actor])
    hits = [fault["hits"] for fault in lane.aws.faults()]
    check(lane, LIFE, actor, reference=reference, title=f"malformed replies, {hits}")


def test_storms_of_server_errors_pass(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    reference = undisturbed(lane, LIFE, namespace=namespace)
    # Sweeps do not back off, so that any storm of theirs is over soon; whatever backs off meets two errors in a row.
    lane.aws.fault("server-error", operation="ListEndpoints", probability=0.4)
    for operation in _BACKING_OFF:
        lane.aws.fault("server-error", operation=operation, count=2)
    (actor,) = cast(lane, LIFE, namespace=namespace)
    play(lane, LIFE, [actor])
    hits = {fault["operation"]: fault["hits"] for fault in lane.aws.faults()}
    check(lane, LIFE, actor, reference=reference, title=f"a storm of server errors, {hits}")
    assert all(hits[operation] == 2 for operation in _BACKING_OFF), hits


def test_a_deletion_whose_permission_was_taken_away_says_so(start_lane: Callable[..., Lane], namespace: str) -> None:
    """Whichever permission it is: each is given back once its lack was told."""
    lane = start_lane()
    actor = _made(lane, namespace)
    lane.aws.endpoint_outcome("*", **_QUICK)
    deletions = (DELETE, "DeleteEndpointConfig", "DeleteModel")
    lane.aws.fault("access-denied", operation=DELETE)
    actor.delete()
    for operation, following in zip(deletions, (*deletions[1:], ""), strict=True):
        refusal = f"not authorized to perform: sagemaker:{operation} "
        actor.wait(lambda body, refusal=refusal: refusal in _blocked(body), what=refusal)  # type: ignore[misc]
        lane.aws.clear_faults()
        if following:
            lane.aws.fault("access-denied", operation=following)
        actor.annotate(**{"reconcile-at": f"after {operation}"})
    actor.wait(gone, what="the deletion")
    assert not misses(None, lane.hosting.held(actor.mark, scaled=False))


def test_the_deadline_releases_the_object_and_reports_what_is_left(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    lane = start_lane(DELETION_DEADLINE_SECONDS="3")
    actor = _made(lane, namespace)
    lane.aws_proxy.is_cut = True
    actor.delete()
    actor.wait(gone, what="the release")
    lane.wait(lambda: "Orphaned" in dict(lane.cluster.events(namespace)), what="the report")
    message = dict(lane.cluster.events(namespace))["Orphaned"]
    assert all(name in message for name in lane.hosting.held(actor.mark, scaled=False)["configs"])


def test_an_object_deleted_while_the_operator_is_down_leaves_nothing(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    """Wherever it was in making the endpoint when it died."""
    lane = start_lane()
    first = replace(LIFE, steps=LIFE.steps[:1])
    trace = undisturbed(lane, first, namespace=namespace).trace
    for at in range(1, len(trace) + 1):
        (actor,) = cast(lane, LIFE, namespace=namespace, plans=[Plan(at=at, fault=Fault.CRASH)])
        lane.aws.endpoint_outcome("*", **_QUICK)
        actor.create(SPEC)
        lane.wait_for_crash()
        actor.delete()
        lane.revive()
        actor.wait(gone, what=f"is gone, after a crash at write {at} ({trace[at - 1]})")
        left = misses(None, lane.hosting.held(actor.mark, scaled=False))
        assert not left, f"after a crash at write {at} ({trace[at - 1]}): {left}\n{lane.diagnosis()}"


def _edit(chance: random.Random, number: int) -> Mapping[str, Any]:
    """Another model, or other weights and counts, with or without scaling."""
    scaled = {"autoscaling": {"minCapacity": 1, "maxCapacity": chance.choice([2, 4]), "targetValue": 100}}
    fields = scaled if chance.random() < 0.5 else {"initialInstanceCount": chance.choice([1, 2])}
    weighed = variant("a", initialVariantWeight=chance.choice([1, 2]), **fields)
    data = str(number if chance.random() < 0.5 else number - 1)
    return {"models": models(data), "productionVariants": [weighed], "history": {"limit": chance.choice([0, 2])}}


def test_the_last_spec_serves_whatever_happens(start_lane: Callable[..., Lane], namespace: str) -> None:
    seed = int(os.environ.get("SAGEBRIDGE_E2E_SEED") or secrets.randbits(32))
    print(f"SAGEBRIDGE_E2E_SEED={seed} repeats this")
    chance = random.Random(seed)
    lane = start_lane()
    lane.aws.endpoint_outcome("*", **_QUICK)
    for operation in ("Create*", "Update*", "Describe*", "List*"):
        lane.aws.fault("lost-reply", operation=operation, probability=0.1)
        lane.aws.fault("throttle", operation=operation, probability=0.1)
    lane.aws.fault("server-error", probability=0.05)
    actors = cast(lane, replace(LIFE, prepare=lambda _: None), namespace=namespace, plans=[None] * _OBJECTS)
    for actor in actors:
        actor.create({**SPEC, **_edit(chance, 0)})
    for kill in range(_KILLS):
        # Where it strikes is random, in time.
        time.sleep(chance.uniform(0.0, _LONGEST_LIFE_SECONDS))
        lane.kill()
        lane.revive()
        for actor in actors:
            actor.patch(**_edit(chance, kill + 1))
    lane.aws.clear_faults()
    for actor in actors:
        actor.wait(stands("InService"), what="in service")
    lane.settle()
    for actor in actors:
        left = misses(actor.body, lane.hosting.held(actor.mark, scaled=True))
        assert not left, f"{left}\n{lane.diagnosis()}"
    assert not lane.aws_proxy.serving.harm
    assert lane.aws.count(CREATE, outcome="OK") == _OBJECTS
    assert lane.aws.count(UPDATE, outcome="OK") <= _OBJECTS * _KILLS
    assert lane.aws.count(DELETE) == 0
