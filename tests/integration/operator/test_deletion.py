"""What deleting an object does at AWS: the three policies, an AWS that is away, the deadline, and the time to live."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.jobs import attempts, ready, spec, statuses

from .world import World

AWAY = ("drop", "server-error", "throttle", "malformed")


def running(world: World, policy: str) -> None:
    """Have a job under way."""
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits", spec(runPolicy={"deletionPolicy": policy}))
    world.jobs.wait_reason("digits", "InProgress")


# --- policies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "stops", "deletes"), [("Stop", 1, 0), ("Retain", 0, 0), ("Purge", 1, 1)], ids=["Stop", "Retain", "Purge"]
)
def test_a_running_job(world: World, policy: str, stops: int, deletes: int) -> None:
    running(world, policy)
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert (world.count("StopTrainingJob"), world.count("DeleteTrainingJob")) == (stops, deletes)
    assert len(world.made()) == 1 - deletes


@pytest.mark.parametrize(
    ("policy", "deletes"), [("Stop", 0), ("Retain", 0), ("Purge", 1)], ids=["Stop", "Retain", "Purge"]
)
def test_a_finished_job(world: World, policy: str, deletes: int) -> None:
    world.script(seconds=0)
    world.jobs.create("digits", spec(runPolicy={"deletionPolicy": policy}))
    world.jobs.wait_reason("digits", "Completed")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert (world.count("StopTrainingJob"), world.count("DeleteTrainingJob")) == (0, deletes)


def test_the_default_is_to_stop(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made_one()["status"] == "Stopped"


def test_purge_deletes_every_attempt(world: World) -> None:
    running(world, "Purge")
    for suspend, reason in ((True, "Suspended"), (False, "InProgress")):
        world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": suspend}}})
        world.jobs.wait_reason("digits", reason)
    assert len(world.made()) == 2
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made() == []


def test_purge_waits_for_the_job_to_stop(alone: Callable[..., World]) -> None:
    world = alone()
    world.script(seconds=600, stop_seconds=600)
    world.jobs.create("digits", spec(runPolicy={"deletionPolicy": "Purge"}))
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.delete("digits")
    deleting = world.jobs.wait_reason("digits", "Deleting")
    assert statuses(deleting) == {"Ready": "False", "Reconciling": "True"}
    world.aws.advance(700)
    world.jobs.wait_gone("digits")
    assert world.made() == []


def test_the_policy_may_change_while_it_runs(world: World) -> None:
    running(world, "Stop")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"deletionPolicy": "Retain"}}})
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made_one()["status"] == "InProgress"


def test_users_objects_on_s3_stay(world: World) -> None:
    place = {"Bucket": "sagebridge-local", "Key": f"{world.namespace}/digits/model.tar.gz"}
    world.simulator.client("s3").put_object(**place, Body=b"model")
    running(world, "Purge")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.simulator.client("s3").head_object(**place)


def test_an_object_that_made_nothing_goes_at_once(world: World) -> None:
    world.jobs.create("digits", spec(algorithmSpecification=None, algorithm={"name": "xgbost"}))
    world.jobs.wait_reason("digits", "InvalidSpec")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made() == []


def test_a_job_that_was_stopped_meanwhile_is_no_hindrance(world: World) -> None:
    running(world, "Purge")
    world.aws.fault("server-error", operation="ListTrainingJobs")
    world.simulator.client("sagemaker").stop_training_job(TrainingJobName=world.made_one()["name"])
    world.eventually(lambda: world.made_one()["status"] == "Stopped", "stopped")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made() == []


def test_a_job_that_is_gone_is_no_hindrance(world: World) -> None:
    running(world, "Purge")
    world.aws.fault("server-error", operation="ListTrainingJobs")
    name, sagemaker = world.made_one()["name"], world.simulator.client("sagemaker")
    sagemaker.stop_training_job(TrainingJobName=name)
    world.eventually(lambda: world.made_one()["status"] == "Stopped", "stopped")
    sagemaker.delete_training_job(TrainingJobName=name)
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")


def test_a_whole_namespace(world: World) -> None:
    running(world, "Stop")
    world.script(seconds=600, stop_seconds=0)
    for number in range(5):
        world.jobs.create(f"more-{number}", spec(runPolicy={"deletionPolicy": "Purge" if number % 2 else "Stop"}))
        world.jobs.wait_reason(f"more-{number}", "InProgress")
    world.cluster.core.delete_namespace(world.namespace)
    for job in ("digits", *(f"more-{number}" for number in range(5))):
        world.jobs.wait_gone(job)
    assert {job["status"] for job in world.made()} == {"Stopped"}


# --- AWS is away -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", AWAY)
def test_what_holds_a_deletion_up_is_said(world: World, kind: str) -> None:
    running(world, "Stop")
    for operation in ("ListTags", "StopTrainingJob", "DescribeTrainingJob"):
        world.fault(kind, operation)
    world.jobs.delete("digits")
    blocked = world.jobs.wait_reason("digits", "DeletionBlocked")
    assert statuses(blocked) == {"Ready": "False", "Reconciling": "True"}
    assert "ListTags" in ready(blocked)["message"]
    assert "released all the same" in ready(blocked)["message"]
    assert "Deletion waits for AWS" in world.jobs.wait_event("digits", "DeletionBlocked")
    world.aws.clear_faults()
    world.jobs.annotate("digits", reconcile_at="now")
    world.jobs.wait_gone("digits")
    assert world.made_one()["status"] == "Stopped"


def test_a_deletion_goes_on_by_itself(world: World) -> None:
    running(world, "Stop")
    world.fault("drop", "StopTrainingJob", count=2)
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made_one()["status"] == "Stopped"


def test_a_refused_purge_says_why(world: World) -> None:
    world.script(seconds=0)
    world.fault("access-denied", "DeleteTrainingJob")
    world.jobs.create("digits", spec(runPolicy={"deletionPolicy": "Purge"}))
    world.jobs.wait_reason("digits", "Completed")
    world.jobs.delete("digits")
    blocked = world.jobs.wait_reason("digits", "DeletionBlocked")
    assert "not authorized to perform: sagemaker:DeleteTrainingJob" in ready(blocked)["message"]
    assert statuses(blocked)["Complete"] == "True"
    world.jobs.patch("digits", {"spec": {"runPolicy": {"deletionPolicy": "Retain"}}})
    world.jobs.wait_gone("digits")


def test_after_the_deadline_the_orphan_is_reported(hasty: World) -> None:
    running(hasty, "Stop")
    name = hasty.made_one()["name"]
    hasty.fault("access-denied", "StopTrainingJob")
    before = hasty.metric("sagebridge_orphaned_total", kind="TrainingJob")
    hasty.jobs.delete("digits")
    hasty.jobs.wait_gone("digits")
    assert hasty.made_one()["status"] == "InProgress"
    assert name in hasty.jobs.wait_event(hasty.namespace, "Orphaned")
    assert hasty.metric("sagebridge_orphaned_total", kind="TrainingJob") == before + 1
    assert f"{hasty.namespace}/digits" in hasty.operator.log.read_text()


# --- the time to live --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("outcome", "reason"), [("Completed", "Completed"), ("Failed", "JobFailed")])
def test_a_finished_object_expires(world: World, outcome: str, reason: str) -> None:
    world.script(seconds=0, outcome=outcome)
    world.jobs.create("digits", spec(runPolicy={"ttlSecondsAfterFinished": 2}))
    # The object may be gone before anybody has seen it ended; what is told of it stays.
    for told in (reason, "Expired"):
        assert world.jobs.wait_event("digits", told)
    world.jobs.wait_gone("digits")
    assert len(world.made()) == 1


def test_a_running_object_does_not_expire(world: World) -> None:
    world.script(seconds=2)
    world.jobs.create("digits", spec(runPolicy={"ttlSecondsAfterFinished": 0}))
    world.jobs.wait_gone("digits")
    assert world.made_one()["status"] == "Completed"


def test_a_time_to_live_given_later_holds(world: World) -> None:
    world.script(seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "Completed")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"ttlSecondsAfterFinished": 0}}})
    world.jobs.wait_gone("digits")


@pytest.mark.parametrize(
    "metadata",
    [
        {"annotations": {"argocd.argoproj.io/tracking-id": "app:sagebridge.io/TrainingJob:x/digits"}},
        {"labels": {"kustomize.toolkit.fluxcd.io/name": "app"}},
    ],
    ids=["Argo CD", "Flux"],
)
def test_what_gitops_would_make_again_stays(world: World, metadata: dict[str, dict[str, str]]) -> None:
    world.script(seconds=0)
    world.jobs.create("digits", spec(runPolicy={"ttlSecondsAfterFinished": 0}), **metadata)
    kept = world.jobs.wait("digits", lambda job: "Argo CD or Flux" in ready(job).get("message", ""), what="kept")
    assert statuses(kept) == {"Ready": "True", "Complete": "True"}
    assert [attempt["status"] for attempt in attempts(kept)] == ["Completed"]
    world.jobs.patch("digits", {"spec": {"runPolicy": {"ttlSecondsAfterFinished": None}}})
    world.jobs.wait("digits", lambda job: "Argo CD or Flux" not in ready(job)["message"], what="without a word of it")
