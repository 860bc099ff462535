"""Names, and whose a job is: given names, conflicts, adoption, re-creation, and a status that somebody tampers with."""

from __future__ import annotations

from typing import Any

import pytest
from support.jobs import attempts, ready, spec, statuses

from .world import World


def make_foreign(world: World, name: str, *, tags: dict[str, str] | None = None) -> None:
    """Make a job at AWS that no object stands for."""
    world.simulator.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn="arn:aws:iam::123456789012:role/somebody",
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://somewhere/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
    )


def status_of(world: World, name: str) -> str:
    """The status of a job at AWS."""
    return str(next(job["status"] for job in world.aws.jobs() if job["name"] == name))


# --- names -------------------------------------------------------------------------------------------------------


def test_a_name_is_readable_and_valid(world: World) -> None:
    world.jobs.create("digits.with.dots")
    world.jobs.wait_reason("digits.with.dots", "InProgress")
    assert world.made_one()["name"].startswith(f"{world.namespace}-digits-with-dots-")


def test_long_names_keep_their_hash(world: World) -> None:
    for number in (1, 2):
        world.jobs.create(f"{'long-' * 20}{number}")
        world.jobs.wait_reason(f"{'long-' * 20}{number}", "InProgress")
    first, second = (job["name"] for job in world.made())
    assert first != second
    assert len(first) == len(second) == 63


def test_a_given_name_is_taken(world: World) -> None:
    given = f"{world.namespace}-mine"
    world.jobs.create("digits", spec(trainingJobName=given))
    status = world.jobs.wait_reason("digits", "InProgress")["status"]
    assert status["trainingJobName"] == given
    assert world.made_one()["name"] == given


def test_a_second_attempt_appends_its_number(world: World) -> None:
    given = f"{world.namespace}-mine"
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits", spec(trainingJobName=given))
    world.jobs.wait_reason("digits", "InProgress")
    for suspend, reason in ((True, "Suspended"), (False, "InProgress")):
        world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": suspend}}})
        world.jobs.wait_reason("digits", reason)
    assert [job["name"] for job in world.made()] == [given, f"{given}-2"]


def test_two_objects_can_not_have_one_job(world: World) -> None:
    given = f"{world.namespace}-mine"
    world.jobs.create("first", spec(trainingJobName=given))
    world.jobs.wait_reason("first", "InProgress")
    world.jobs.create("second", spec(trainingJobName=given))
    refused = world.jobs.wait_reason("second", "NameConflict")
    assert statuses(refused) == {"Ready": "False", "Stalled": "True"}
    assert "another Sagebridge object" in ready(refused)["message"]
    assert attempts(refused) == []
    world.jobs.delete("second")
    world.jobs.wait_gone("second")
    assert status_of(world, given) == "InProgress"


def test_a_conflict_ends_with_another_name(world: World) -> None:
    make_foreign(world, f"{world.namespace}-taken")
    world.jobs.create("digits", spec(trainingJobName=f"{world.namespace}-taken"))
    world.jobs.wait_reason("digits", "NameConflict")
    world.jobs.patch("digits", {"spec": {"trainingJobName": f"{world.namespace}-free"}})
    world.jobs.wait_reason("digits", "InProgress")


def test_a_recorded_attempt_without_a_job_holds_nothing_back(world: World) -> None:
    """Its given name is somebody else's, which Create was never there to say."""
    given = f"{world.namespace}-taken"
    make_foreign(world, given)
    world.fault("throttle", "CreateTrainingJob")
    world.jobs.create("digits", spec(trainingJobName=given, runPolicy={"deletionPolicy": "Purge"}))
    assert attempts(world.jobs.wait_reason("digits", "Throttled")) != []
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert status_of(world, given) == "InProgress"


def test_made_again_it_is_another_job(world: World) -> None:
    first = world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    second = world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    uids = [job["tags"]["sagebridge.io/uid"] for job in world.made()]
    assert uids == [first["metadata"]["uid"], second["metadata"]["uid"]]
    assert [job["status"] in {"Stopping", "Stopped"} for job in world.made()] == [True, False]


def test_a_lost_reply_makes_one_job(world: World) -> None:
    world.fault("lost-reply", "CreateTrainingJob", count=1)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    assert len(world.made()) == 1
    assert world.count("CreateTrainingJob") == 2


# --- adoption: without a policy nobody may; test_tenancy.py has the case where one allows it -----------------------


@pytest.mark.parametrize(
    ("reason", "annotations", "tags", "said"),
    [
        ("not asked for", {}, {}, "sagebridge.io/adopt"),
        ("not allowed", {"sagebridge.io/adopt": "true"}, {"team": "b"}, "does not allow"),
        ("tagged by another", {"sagebridge.io/adopt": "true"}, {"sagebridge.io/uid": "x"}, "another Sagebridge object"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_is_there_already_is_left_alone(
    world: World, reason: str, annotations: dict[str, str], tags: dict[str, str], said: str
) -> None:
    given = f"{world.namespace}-old"
    make_foreign(world, given, tags=tags)
    world.jobs.create("digits", spec(trainingJobName=given), annotations=annotations)
    refused = world.jobs.wait_reason("digits", "NameConflict")
    assert said in ready(refused)["message"], reason
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    made = world.made_one()
    assert (made["status"], made["tags"]) == ("InProgress", tags)


# --- a tampered status -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["Stop", "Purge"])
def test_a_status_can_not_point_at_somebody_elses_job(world: World, policy: str) -> None:
    victim = f"{world.namespace}-victim"
    make_foreign(world, victim)
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits", spec(runPolicy={"deletionPolicy": policy}))
    running = world.jobs.wait_reason("digits", "InProgress")
    [attempt] = attempts(running)
    arn = str(attempt["arn"]).rpartition("/")[0] + f"/{victim}"
    tampered = attempt | {"name": victim, "arn": arn}
    world.jobs.patch_status("digits", {"attempts": [tampered], "trainingJobName": victim, "trainingJobArn": arn})
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert status_of(world, victim) == "InProgress"
    assert world.aws.count("StopTrainingJob", name=victim) == 0
    assert world.aws.count("DeleteTrainingJob", name=victim) == 0
    assert world.aws.count("StopTrainingJob", name=attempt["name"]) == 1


def test_a_given_name_does_not_reach_further_attempts_of_others(world: World) -> None:
    """`mine` may be ours while `mine-2` is somebody else's, and a tampered status claims it as our second attempt."""
    victim = f"{world.namespace}-mine-2"
    make_foreign(world, victim)
    world.script(seconds=0)
    world.jobs.create("digits", spec(trainingJobName=f"{world.namespace}-mine", runPolicy={"deletionPolicy": "Purge"}))
    [attempt] = attempts(world.jobs.wait_reason("digits", "Completed"))
    world.jobs.patch_status("digits", {"attempts": [attempt, attempt | {"number": 2, "name": victim}]})
    world.jobs.delete("digits")
    world.jobs.wait_reason("digits", "DeletionBlocked")
    assert victim in {job["name"] for job in world.made()}
    world.jobs.patch("digits", {"metadata": {"finalizers": []}})


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("an attempt without anything", {"attempts": [{"number": 1}]}),
        ("an attempt elsewhere", {"attempts": [{"number": 1, "region": "eu-west-1", "arn": "x", "name": "y"}]}),
        ("an attempt that has ended, never", {"attempts": [{"number": 1, "status": "Failed"}]}),
        ("no attempts", {"attempts": []}),
        ("a condition without anything", {"conditions": [{"type": "Ready", "status": "False"}]}),
        ("an end that was none", {"conditions": [{"type": "Complete", "status": "True", "reason": "Magic"}]}),
        ("an early beginning", {"attempts": [{"number": 1, "arn": "x", "recordedAt": "1970-01-01T00:00:00Z"}]}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_status_can_be_deleted(world: World, reason: str, status: dict[str, Any]) -> None:
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch_status("digits", status)
    errors = world.metric("sagebridge_reconcile_errors_total", error="unexpected")
    world.jobs.annotate("digits", reconcile_at="now")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.metric("sagebridge_reconcile_errors_total", error="unexpected") == errors, reason
    assert world.page("healthz")[0] == 200


def test_a_status_that_was_wiped_comes_back(world: World) -> None:
    world.jobs.create("digits")
    before = world.jobs.wait_reason("digits", "InProgress")
    world.jobs.patch_status("digits", {"attempts": [], "conditions": [], "trainingJobName": None})
    after = world.jobs.wait_reason("digits", "InProgress")
    assert after["status"]["trainingJobName"] == before["status"]["trainingJobName"]
    assert len(world.made()) == 1
