"""A job's life, as its object tells it."""

from __future__ import annotations

import pytest

from support.jobs import attempts, condition, ready, spec, statuses

from .conftest import World


def test_a_job_completes(world: World) -> None:
    world.aws.outcome("*", seconds=3)
    world.jobs.create("digits")
    running = world.jobs.wait_reason("digits", "InProgress")
    assert statuses(running) == {"Ready": "False", "Reconciling": "True"}
    done = world.jobs.wait_reason("digits", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True"}
    status = done["status"]
    assert status["observedGeneration"] == done["metadata"]["generation"]
    assert status["trainingJobStatus"] == "Completed"
    assert status["modelArtifacts"]["s3ModelArtifacts"].endswith("/output/model.tar.gz")
    assert [attempt["status"] for attempt in attempts(done)] == ["Completed"]
    assert world.aws.count("CreateTrainingJob") == 1
    assert world.aws.count("DescribeTrainingJob") == 1


def test_a_failed_job_is_not_ready(world: World) -> None:
    world.aws.outcome("*", seconds=1, outcome="Failed", failure_reason="AlgorithmError: no such file")
    world.jobs.create("digits")
    failed = world.jobs.wait_reason("digits", "JobFailed")
    assert statuses(failed) == {"Ready": "False", "Stalled": "True", "Failed": "True"}
    assert "no such file" in condition(failed, "Failed")["message"]
    assert "no such file" in failed["status"]["failureReason"]
    assert "no such file" in world.jobs.wait_event("digits", "JobFailed")


def test_suspend_and_resume(world: World) -> None:
    world.aws.outcome("*", seconds=600)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    suspended = world.jobs.wait_reason("digits", "Suspended")
    assert statuses(suspended) == {"Ready": "False", "Suspended": "True"}
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": False}}})
    resumed = world.jobs.wait_reason("digits", "InProgress")
    assert [attempt["number"] for attempt in attempts(resumed)] == [1, 2]
    assert world.aws.count("CreateTrainingJob") == 2


def test_changed_tags_are_applied(world: World) -> None:
    world.aws.outcome("*", seconds=600)
    world.jobs.create("digits", spec(tags=[{"key": "team", "value": "a"}, {"key": "old", "value": "x"}]))
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch("digits", {"spec": {"tags": [{"key": "team", "value": "b"}]}})
    world.jobs.wait("digits", lambda job: job["status"].get("tags") == [{"key": "team", "value": "b"}])
    assert world.aws.count("AddTags") == 1
    assert world.aws.count("DeleteTags") == 1


@pytest.mark.parametrize(
    ("policy", "stops", "deletes"), [("Stop", 1, 0), ("Retain", 0, 0), ("Purge", 1, 1)]
)
def test_deleting_a_running_job(world: World, policy: str, stops: int, deletes: int) -> None:
    world.aws.outcome("*", seconds=600)
    world.jobs.create("digits", spec(runPolicy={"deletionPolicy": policy}))
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.aws.count("StopTrainingJob") == stops
    assert world.aws.count("DeleteTrainingJob") == deletes


def test_a_capacity_error_is_retried(world: World) -> None:
    world.aws.fault("capacity", operation="CreateTrainingJob", count=1)
    world.aws.outcome("*", seconds=1)
    world.jobs.create("digits", spec(runPolicy={"retry": {"limit": 1, "on": ["CapacityError"]}}))
    pending = world.jobs.wait_reason("digits", "RetryPending")
    assert "CapacityError" in ready(pending)["message"]
    done = world.jobs.wait_reason("digits", "Completed")
    assert [attempt["status"] for attempt in attempts(done)] == ["Failed", "Completed"]


def test_a_rejected_manifest_can_be_corrected(world: World) -> None:
    world.aws.fault("error", operation="CreateTrainingJob", code="ValidationException", message="bad subnet", count=1)
    world.aws.outcome("*", seconds=1)
    world.jobs.create("digits")
    rejected = world.jobs.wait_reason("digits", "Rejected")
    assert statuses(rejected) == {"Ready": "False", "Stalled": "True"}
    assert "bad subnet" in ready(rejected)["message"]
    assert attempts(rejected) == []
    world.jobs.patch("digits", {"spec": {"stoppingCondition": {"maxRuntimeInSeconds": 60}}})
    world.jobs.wait_reason("digits", "Completed")
