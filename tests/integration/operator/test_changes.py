"""What a user may change, and when: the spec, tags, runPolicy, and the annotations of api.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import kubernetes
import pytest
from support.jobs import attempts, ready, spec, statuses

from .world import World

OLD = [{"key": "team", "value": "a"}, {"key": "old", "value": "x"}]
NEW = [{"key": "team", "value": "b"}, {"key": "empty", "value": ""}]


def user_tags(world: World) -> dict[str, str]:
    """The tags of the namespace's only job at AWS, without those of ownership."""
    return {key: value for key, value in world.made_one()["tags"].items() if not key.startswith("sagebridge.io/")}


# --- the spec ----------------------------------------------------------------------------------------------------


def test_a_rejected_manifest_can_be_corrected(world: World) -> None:
    world.fault("error", "CreateTrainingJob", code="ValidationException", message="bad subnet", count=1)
    world.script(seconds=1)
    world.jobs.create("digits")
    rejected = world.jobs.wait_reason("digits", "Rejected")
    assert statuses(rejected) == {"Ready": "False", "Stalled": "True"}
    assert "bad subnet" in ready(rejected)["message"]
    assert attempts(rejected) == []
    world.jobs.patch("digits", {"spec": {"stoppingCondition": {"maxRuntimeInSeconds": 60}}})
    world.jobs.wait_reason("digits", "Completed")


def test_an_invalid_manifest_can_be_corrected_and_costs_nothing(world: World) -> None:
    world.jobs.create("digits", spec(algorithmSpecification=None, algorithm={"name": "xgbost"}))
    invalid = world.jobs.wait_reason("digits", "InvalidSpec")
    assert statuses(invalid) == {"Ready": "False", "Stalled": "True"}
    assert ready(invalid)["message"].startswith("spec.algorithm.name: ")
    assert "xgboost" in ready(invalid)["message"]
    assert world.aws.calls()["objects"].keys().isdisjoint(job["name"] for job in world.made())
    world.jobs.patch("digits", {"spec": {"algorithm": {"name": "xgboost"}}})
    world.jobs.wait_reason("digits", "InProgress")


@pytest.mark.parametrize("name", ["resourceConfig", "algorithmSpecification", "environment", "roleArn"])
def test_after_the_first_attempt_the_spec_stays(world: World, name: str) -> None:
    changes: dict[str, Any] = {
        "resourceConfig": {"instanceType": "ml.m5.xlarge"},
        "algorithmSpecification": {"trainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:2"},
        "environment": {"A": "b"},
        "roleArn": "arn:aws:iam::123456789012:role/other",
    }
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    with pytest.raises(kubernetes.client.ApiException) as refused:
        world.jobs.patch("digits", {"spec": {name: changes[name]}})
    assert refused.value.status == 422
    assert "immutable" in str(refused.value.body) or "can't be changed" in str(refused.value.body)


# --- tags --------------------------------------------------------------------------------------------------------


def test_changed_tags_are_applied(world: World) -> None:
    world.jobs.create("digits", spec(tags=OLD))
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch("digits", {"spec": {"tags": NEW}})
    world.jobs.wait("digits", lambda job: job["status"].get("tags") == NEW, what="tagged")
    assert user_tags(world) == {"team": "b", "empty": ""}
    assert (world.count("AddTags"), world.count("DeleteTags")) == (1, 1)


def test_tags_of_a_finished_job_are_applied(world: World) -> None:
    world.script(seconds=0)
    world.jobs.create("digits", spec(tags=OLD))
    world.jobs.wait_reason("digits", "Completed")
    world.jobs.patch("digits", {"spec": {"tags": NEW}})
    tagged = world.jobs.wait("digits", lambda job: job["status"].get("tags") == NEW, what="tagged")
    assert user_tags(world) == {"team": "b", "empty": ""}
    assert statuses(tagged) == {"Ready": "True", "Complete": "True"}


def test_refused_tags_do_not_freeze_the_status(alone: Callable[..., World]) -> None:
    world = alone()
    world.fault("access-denied", "AddTags")
    world.jobs.create("digits", spec(tags=OLD))
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch("digits", {"spec": {"tags": NEW}})
    assert "AddTags" in world.jobs.wait_event("digits", "TagsRejected")
    running = world.jobs.get("digits")
    assert running is not None
    assert statuses(running) == {"Ready": "False", "Reconciling": "True", "TagsApplied": "False"}
    assert ready(running)["reason"] == "InProgress"
    assert running["status"]["observedGeneration"] == 2
    world.aws.advance(700)
    done = world.jobs.wait_reason("digits", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True", "TagsApplied": "False"}
    assert done["status"]["tags"] == OLD
    world.aws.clear_faults()
    world.jobs.annotate("digits", reconcile_at="1")
    tagged = world.jobs.wait("digits", lambda job: "TagsApplied" not in statuses(job), what="tagged")
    assert tagged["status"]["tags"] == NEW
    assert user_tags(world) == {"team": "b", "empty": ""}


def test_tags_changed_while_creating_are_applied(world: World) -> None:
    """The first Create succeeds with the old tags, though its reply comes after the edit."""
    world.fault("slow", "CreateTrainingJob", seconds=1.5, count=1)
    world.jobs.create("digits", spec(tags=OLD))
    world.jobs.wait("digits", attempts, what="recorded")
    world.eventually(lambda: world.aws.faults()[0]["hits"], "a Create under way")
    world.jobs.patch("digits", {"spec": {"tags": NEW}})
    world.jobs.wait_reason("digits", "InProgress")
    world.eventually(lambda: user_tags(world) == {"team": "b", "empty": ""}, "the new tags")
    assert len(world.made()) == 1


# --- runPolicy ---------------------------------------------------------------------------------------------------


def test_a_suspended_object_makes_nothing(world: World) -> None:
    world.jobs.create("digits", spec(runPolicy={"suspend": True}))
    suspended = world.jobs.wait_reason("digits", "Suspended")
    assert statuses(suspended) == {"Ready": "False", "Suspended": "True"}
    assert suspended["status"]["observedGeneration"] == 1
    assert attempts(suspended) == []
    world.jobs.patch("digits", {"spec": {"resourceConfig": {"instanceCount": 2}}})
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": False}}})
    world.jobs.wait_reason("digits", "InProgress")
    assert world.made_one()["request"]["ResourceConfig"]["InstanceCount"] == 2


def test_suspend_and_resume(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    suspended = world.jobs.wait_reason("digits", "Suspended")
    assert statuses(suspended) == {"Ready": "False", "Suspended": "True"}
    assert [job["status"] for job in world.made()] == ["Stopped"]
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": False}}})
    resumed = world.jobs.wait_reason("digits", "InProgress")
    assert [attempt["number"] for attempt in attempts(resumed)] == [1, 2]
    assert [job["status"] for job in world.made()] == ["Stopped", "InProgress"]


def test_resumed_while_stopping_it_runs_again(alone: Callable[..., World]) -> None:
    world = alone()
    world.script(seconds=600, stop_seconds=600)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    world.jobs.wait_reason("digits", "Stopping")
    resumed = world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": False}}})["metadata"]["generation"]
    world.jobs.wait("digits", lambda job: job["status"]["observedGeneration"] == resumed, what="observed")
    world.aws.advance(700)
    world.jobs.wait("digits", lambda job: len(attempts(job)) == 2 and "arn" in attempts(job)[1], what="running again")
    assert [job["status"] for job in world.made()] == ["Stopped", "InProgress"]


def test_suspended_as_it_ends_it_has_ended(alone: Callable[..., World]) -> None:
    """A job that completes before Stop reaches it has completed."""
    world = alone()
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.fault("throttle", "StopTrainingJob")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    world.eventually(lambda: world.aws.faults()[0]["hits"], "a Stop")
    world.aws.advance(700)
    done = world.jobs.wait_reason("digits", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True"}


# --- annotations -------------------------------------------------------------------------------------------------


def test_reconcile_at_forces_a_pass(world: World) -> None:
    world.fault("access-denied", "CreateTrainingJob", count=1)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "AccessDenied")
    world.jobs.annotate("digits", reconcile_at="2026-01-02T03:04:05Z")
    world.jobs.wait_reason("digits", "InProgress")
    assert world.count("CreateTrainingJob") == 2


def test_paused_nothing_is_made(world: World) -> None:
    world.jobs.create("digits", annotations={"sagebridge.io/paused": "true"})
    paused = world.jobs.wait_reason("digits", "Paused")
    assert statuses(paused) == {"Ready": "False"}
    assert "sagebridge.io/paused" in ready(paused)["message"]
    assert world.made() == []
    world.jobs.annotate("digits", paused=None)
    world.jobs.wait_reason("digits", "InProgress")


def test_paused_a_running_job_is_left_and_told_about(alone: Callable[..., World]) -> None:
    world = alone()
    world.jobs.create("digits", spec(tags=OLD))
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.annotate("digits", paused="true")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}, "tags": NEW}})
    world.jobs.wait_reason("digits", "Paused")
    world.aws.advance(700)
    done = world.jobs.wait_reason("digits", "Completed")
    assert done["status"]["tags"] == OLD
    assert (world.count("StopTrainingJob"), world.count("AddTags")) == (0, 0)
    world.jobs.annotate("digits", paused=None)
    world.jobs.wait("digits", lambda job: job["status"].get("tags") == NEW, what="tagged")


def test_paused_a_deletion_waits(world: World) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.annotate("digits", paused="true")
    world.jobs.delete("digits")
    waiting = world.jobs.wait_reason("digits", "Paused")
    assert statuses(waiting) == {"Ready": "False", "Reconciling": "True"}
    assert world.count("StopTrainingJob") == 0
    world.jobs.annotate("digits", paused=None)
    world.jobs.wait_gone("digits")
    assert world.count("StopTrainingJob") == 1
