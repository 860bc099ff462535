"""Deleting ends, whatever AWS does; and while it does not, the object says why."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

import kubernetes
import pytest
from faults.boundaries import Fault, Plan
from faults.lane import Lane
from faults.scenario import Actor, cast, play
from faults.trials import undisturbed
from scenarios.reached import condition, gone, reason
from scenarios.training_jobs import LIFE, SPEC, STOP, TRAINING_JOB

_MANY = 50


def _running(lane: Lane, namespace: str) -> Actor:
    (actor,) = cast(lane, LIFE, namespace=namespace)
    play(lane, LIFE, [actor], steps=LIFE.steps[:1])
    return actor


def _ready(actor: Actor) -> dict[str, str]:
    return condition(actor.body, "Ready")


def test_a_namespace_full_of_running_jobs_can_be_deleted(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    lane.aws.outcome("*", **LIFE.script)
    for number in range(_MANY):
        lane.cluster.create(TRAINING_JOB, namespace=namespace, name=f"job-{number}", spec=SPEC)
    lane.wait(lambda: len(lane.aws.jobs()) == _MANY, what="all jobs to run")
    lane.cluster.core.delete_namespace(namespace)
    lane.wait(lambda: not _namespace_exists(lane, namespace), what="the namespace to go")
    assert {job["status"] for job in lane.aws.jobs()} == {"Stopping"}
    assert lane.aws.count(STOP, outcome="OK") == _MANY


def test_a_deletion_that_aws_holds_up_says_why_and_ends_once_aws_is_back(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    lane = start_lane()
    actor = _running(lane, namespace)
    lane.aws_proxy.is_cut = True
    actor.delete()
    actor.wait(reason("DeletionBlocked"), what="a reason")
    assert "Deletion waits for AWS" in _ready(actor)["message"]
    lane.wait(lambda: "DeletionBlocked" in dict(lane.cluster.events(namespace, name=actor.mark)), what="its Event")
    assert lane.aws.jobs()[0]["status"] == "InProgress"
    lane.aws_proxy.is_cut = False
    actor.wait(gone, what="the deletion")
    assert lane.aws.jobs()[0]["status"] == "Stopping"


def test_a_deletion_whose_permission_was_taken_away_says_so(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    actor = _running(lane, namespace)
    lane.aws.fault("access-denied", operation=STOP)
    actor.delete()
    actor.wait(reason("DeletionBlocked"), what="a reason")
    assert "not authorized to perform: sagemaker:StopTrainingJob" in _ready(actor)["message"]
    lane.aws.clear_faults()
    actor.wait(gone, what="the deletion")


def test_the_deadline_releases_the_object_and_reports_the_orphan(
    start_lane: Callable[..., Lane], namespace: str
) -> None:
    lane = start_lane(DELETION_DEADLINE_SECONDS="3")
    actor = _running(lane, namespace)
    lane.aws_proxy.is_cut = True
    actor.delete()
    actor.wait(gone, what="the release")
    lane.wait(lambda: "Orphaned" in dict(lane.cluster.events(namespace)), what="the report")
    message = dict(lane.cluster.events(namespace))["Orphaned"]
    assert lane.aws.jobs()[0]["name"] in message
    assert "may still run" in message


@pytest.mark.parametrize(
    ("policy", "left"), [("Stop", {"Stopping"}), ("Retain", {"InProgress"}), ("Purge", set[str]())]
)
def test_an_object_deleted_while_the_operator_is_down_takes_its_job_along(
    start_lane: Callable[..., Lane], namespace: str, policy: str, left: set[str]
) -> None:
    """Wherever it was in making the job when it died."""
    lane = start_lane()
    trace = undisturbed(lane, replace(LIFE, steps=LIFE.steps[:1]), namespace=namespace).trace
    for at in range(1, len(trace) + 1):
        lane.clear()
        lane.aws.outcome("*", seconds=1e6, stop_seconds=0 if policy == "Purge" else 1e6)
        (actor,) = cast(lane, LIFE, namespace=namespace, plans=[Plan(at=at, fault=Fault.CRASH)])
        actor.create({**SPEC, "runPolicy": {"deletionPolicy": policy}})
        lane.wait_for_crash()
        created = len(lane.aws.jobs())
        actor.delete()
        lane.revive()
        actor.wait(gone, what=f"is gone, after a crash at write {at} ({trace[at - 1]})")
        assert {job["status"] for job in lane.aws.jobs()} == (left if created else set()), lane.diagnosis()


def test_a_new_namespace_of_the_same_name_starts_afresh(start_lane: Callable[..., Lane]) -> None:
    lane = start_lane()
    namespace = f"again-{secrets.token_hex(3)}"
    lane.cluster.make_namespace(namespace)
    first = _running(lane, namespace)
    lane.cluster.core.delete_namespace(namespace)
    lane.wait(lambda: not _namespace_exists(lane, namespace), what="the namespace to go")
    lane.cluster.make_namespace(namespace)
    second = Actor(lane=lane, kind=first.kind, namespace=namespace, mark=first.mark)
    play(lane, LIFE, [second])
    assert sorted(job["status"] for job in lane.aws.jobs()) == ["Completed", "Stopped"]


def _namespace_exists(lane: Lane, name: str) -> bool:
    try:
        lane.cluster.core.read_namespace(name)
    except kubernetes.client.ApiException as error:
        if error.status == 404:
            return False
        raise
    return True
