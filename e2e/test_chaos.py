"""The operator is killed at random points over and over, while replies get lost and calls are throttled."""

from __future__ import annotations

import json
import os
import random
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from faults.cluster import Body, Kind
from faults.lane import Lane
from faults.oracle import repeated_creates
from scenarios import batch_transforms, processing_jobs, training_jobs, tuning_jobs
from scenarios.reached import condition, status_of

KILLS, JOBS = 20, 30
_LONGEST_JOB_SECONDS = 40.0
_LONGEST_LIFE_SECONDS = 4.0


def _in_spec(spec: Mapping[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    return {**spec, "environment": environment}


def _in_definition(spec: Mapping[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """What is scripted of a tuning job is how its trials go, and what they find."""
    environment |= {"SAGEBRIDGE_LOCAL_METRICS": json.dumps({tuning_jobs.METRIC: "x"})}
    return {**spec, "trainingJobDefinition": {**spec["trainingJobDefinition"], "environment": environment}}


@dataclass(frozen=True, kw_only=True)
class Played:
    """A kind of job that takes part.

    Attributes:
        kind: what it is.
        spec: what a manifest of it says.
        creates: the operations that make something for it.
        scripted: puts the environment that scripts its jobs into a spec.
    """

    kind: Kind
    spec: Mapping[str, Any]
    creates: tuple[str, ...]
    scripted: Callable[[Mapping[str, Any], dict[str, str]], dict[str, Any]] = _in_spec


PLAYED = (
    Played(kind=training_jobs.TRAINING_JOB, spec=training_jobs.SPEC, creates=(training_jobs.CREATE,)),
    Played(kind=processing_jobs.PROCESSING_JOB, spec=processing_jobs.SPEC, creates=(processing_jobs.CREATE,)),
    Played(
        kind=batch_transforms.BATCH_TRANSFORM,
        spec=batch_transforms.SPEC,
        creates=(batch_transforms.CREATE, batch_transforms.MAKE_MODEL),
    ),
    Played(
        kind=tuning_jobs.TUNING_JOB,
        spec=tuning_jobs.SPEC,
        creates=(tuning_jobs.CREATE,),
        scripted=_in_definition,
    ),
)
"""The kinds, which take turns."""


def test_each_object_gets_one_attempt_and_one_job_whatever_happens(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    seed = int(os.environ.get("SAGEBRIDGE_E2E_SEED") or secrets.randbits(32))
    print(f"SAGEBRIDGE_E2E_SEED={seed} repeats this")
    chance = random.Random(seed)
    lane = start_lane()
    _lose_and_throttle(lane)
    names = [f"chaos-{number:02d}-{chance.randbytes(3).hex()}" for number in range(JOBS)]
    played = {name: PLAYED[number % len(PLAYED)] for number, name in enumerate(names)}
    waiting = list(names)
    for kill in range(KILLS):
        for name in [waiting.pop() for _ in range(_share(len(waiting), KILLS - kill))]:
            _create(lane, namespace, name, played=played[name], seconds=chance.uniform(0.0, _LONGEST_JOB_SECONDS))
        # Where it strikes is random, in time; some lives end before the operator has read its first object.
        time.sleep(chance.uniform(0.0, _LONGEST_LIFE_SECONDS))
        lane.kill()
        lane.revive()
    lane.aws.clear_faults()
    for name in names:
        lane.wait_for(played[name].kind, namespace=namespace, name=name, until=_is_complete, what="completed")
    for name in names:
        lane.wait_for(played[name].kind, namespace=namespace, name=name, until=_has_no_model, what="without its model")
    lane.settle()
    _check(lane, namespace, names)


def _share(left: int, rounds: int) -> int:
    return -(-left // rounds)


def _lose_and_throttle(lane: Lane) -> None:
    for operation in ("Create*", "Describe*", "List*"):
        lane.aws.fault("lost-reply", operation=operation, probability=0.2)
        lane.aws.fault("throttle", operation=operation, probability=0.2)
    lane.aws.fault("server-error", probability=0.05)


def _create(lane: Lane, namespace: str, name: str, *, played: Played, seconds: float) -> None:
    environment = {"SAGEBRIDGE_LOCAL_SECONDS": f"{seconds:.1f}"}
    spec = played.scripted(played.spec, environment)
    lane.cluster.create(played.kind, namespace=namespace, name=name, spec=spec)


def _is_complete(body: Body | None) -> bool:
    return condition(body, "Complete").get("status") == "True"


def _has_no_model(body: Body | None) -> bool:
    return "models" not in status_of(body)


def _check(lane: Lane, namespace: str, names: list[str]) -> None:
    objects: dict[str, Body] = {
        body["metadata"]["name"]: body
        for played in PLAYED
        for body in lane.cluster.objects(played.kind, namespace=namespace)
    }
    assert sorted(objects) == sorted(names)
    attempts = {name: status_of(body)["attempts"] for name, body in objects.items()}
    several = {name: found for name, found in attempts.items() if len(found) != 1}
    assert not several, f"{several}\n{lane.diagnosis()}"
    trials = tuple(f"{attempts[name][0]['name']}-" for name in names if _tunes(objects[name]))
    # The trials of a tuning job are its own, named after it: how many there are is SageMaker's affair.
    jobs: dict[str, Any] = {job["arn"]: job for job in lane.aws.jobs() if not job["name"].startswith(trials)}
    held = {found[0]["arn"] for found in attempts.values()}
    assert jobs.keys() == held, f"orphans {jobs.keys() - held}, lost {held - jobs.keys()}\n{lane.diagnosis()}"
    owners = {found[0]["arn"]: objects[name]["metadata"]["uid"] for name, found in attempts.items()}
    assert {arn: job["tags"]["sagebridge.io/uid"] for arn, job in jobs.items()} == owners
    for operation in {operation for played in PLAYED for operation in played.creates}:
        assert not repeated_creates(lane, operation), lane.diagnosis()
    left = lane.simulator.client("sagemaker").list_models()["Models"]
    assert not left, f"models without a job: {left}\n{lane.diagnosis()}"


def _tunes(body: Body) -> bool:
    return bool(body["kind"] == tuning_jobs.TUNING_JOB.name)
