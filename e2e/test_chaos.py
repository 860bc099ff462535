"""The operator is killed at random points over and over, while replies get lost and calls are throttled."""

from __future__ import annotations

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
from scenarios import processing_jobs, training_jobs
from scenarios.reached import condition, status_of

KILLS, JOBS = 20, 30
_LONGEST_JOB_SECONDS = 40.0
_LONGEST_LIFE_SECONDS = 4.0


@dataclass(frozen=True, kw_only=True)
class Played:
    """A kind of job that takes part: what a manifest of it says, and the operation that makes its jobs."""

    kind: Kind
    spec: Mapping[str, Any]
    create: str


PLAYED = (
    Played(kind=training_jobs.TRAINING_JOB, spec=training_jobs.SPEC, create=training_jobs.CREATE),
    Played(kind=processing_jobs.PROCESSING_JOB, spec=processing_jobs.SPEC, create=processing_jobs.CREATE),
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
    spec = {**played.spec, "environment": environment}
    lane.cluster.create(played.kind, namespace=namespace, name=name, spec=spec)


def _is_complete(body: Body | None) -> bool:
    return condition(body, "Complete").get("status") == "True"


def _check(lane: Lane, namespace: str, names: list[str]) -> None:
    objects: dict[str, Body] = {
        body["metadata"]["name"]: body
        for played in PLAYED
        for body in lane.cluster.objects(played.kind, namespace=namespace)
    }
    assert sorted(objects) == sorted(names)
    jobs: dict[str, Any] = {job["arn"]: job for job in lane.aws.jobs()}
    attempts = {name: status_of(body)["attempts"] for name, body in objects.items()}
    several = {name: found for name, found in attempts.items() if len(found) != 1}
    assert not several, f"{several}\n{lane.diagnosis()}"
    held = {found[0]["arn"] for found in attempts.values()}
    assert jobs.keys() == held, f"orphans {jobs.keys() - held}, lost {held - jobs.keys()}\n{lane.diagnosis()}"
    owners = {found[0]["arn"]: objects[name]["metadata"]["uid"] for name, found in attempts.items()}
    assert {arn: job["tags"]["sagebridge.io/uid"] for arn, job in jobs.items()} == owners
    for played in PLAYED:
        assert not repeated_creates(lane, played.create), lane.diagnosis()
