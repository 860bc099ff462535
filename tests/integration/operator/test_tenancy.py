"""Tenant policies: what a namespace may do, checked before any call; under which identity calls are made; adoption."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.jobs import attempts, ready, spec, statuses

from .world import World, fetch

ACCOUNT = "444455556666"
ROLE = "arn:aws:iam::123456789012:role/team"
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"
ADMIN = "arn:aws:iam::123456789012:role/admin"
TENANT_ROLE = f"arn:aws:iam::{ACCOUNT}:role/sagebridge-team"
SKLEARN = {"name": "sklearn", "version": "1.2-1"}
SCRIPT = {"entryPoint": "train.py", "configMap": {"name": "code"}}


@pytest.fixture(autouse=True)
def no_policies_afterwards(world: World) -> Iterator[None]:
    """Policies are the whole cluster's: other tests must not meet them."""
    yield
    world.cluster.remove_policies()


def set_policy(world: World, **rules: Any) -> None:
    """Make a policy that selects the test's namespace by its name."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    world.cluster.set_policy(f"for-{world.namespace}", {"namespaceSelector": selector, **rules})


def calls(world: World) -> list[dict[str, Any]]:
    """The calls about this namespace's jobs."""
    return [call for call in world.aws.log() if call["name"].startswith(world.namespace)]


def assumed(world: World) -> list[dict[str, Any]]:
    """The roles that somebody assumed, as STS saw it."""
    return list(json.loads(fetch(f"{world.simulator.url}/moto-api/data.json")[1])["sts"]["AssumedRole"])


# --- without a policy --------------------------------------------------------------------------------------------


def test_without_a_policy_a_listed_role_may_be_named(world: World) -> None:
    world.jobs.create("digits", spec(roleArn=OTHER_ROLE))
    status = world.jobs.wait_reason("digits", "InProgress")["status"]
    assert status["roleArn"] == OTHER_ROLE
    assert world.made_one()["request"]["RoleArn"] == OTHER_ROLE


def test_without_a_policy_no_other_role_may(world: World) -> None:
    world.jobs.create("digits", spec(roleArn=ADMIN))
    refused = world.jobs.wait_reason("digits", "NotAllowed")
    assert statuses(refused) == {"Ready": "False", "Stalled": "True"}
    assert ready(refused)["message"].startswith("spec.roleArn: ")
    assert ADMIN in ready(refused)["message"]
    assert calls(world) == []


# --- which policy ------------------------------------------------------------------------------------------------


def wait_for_a_policy_of_others(world: World) -> None:
    """Wait until the operator knows a policy that does not select the namespace, without making anything."""
    world.jobs.create("probe", spec(roleArn=ADMIN))
    world.jobs.wait("probe", lambda job: "No tenant policy selects" in ready(job).get("message", ""), what="refused")


def test_a_namespace_that_none_selects_may_do_nothing_until_one_does(world: World) -> None:
    world.cluster.set_policy("others", {"namespaceSelector": {"matchLabels": {"team": "others"}}})
    wait_for_a_policy_of_others(world)
    world.jobs.create("digits")
    refused = world.jobs.wait_reason("digits", "NotAllowed")
    assert "No tenant policy selects namespace" in ready(refused)["message"]
    assert calls(world) == []
    set_policy(world)
    world.jobs.wait_reason("digits", "InProgress")


def test_a_label_makes_the_difference_at_once(world: World) -> None:
    world.cluster.set_policy("labelled", {"namespaceSelector": {"matchLabels": {"team": world.namespace}}})
    wait_for_a_policy_of_others(world)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "NotAllowed")
    world.cluster.core.patch_namespace(world.namespace, {"metadata": {"labels": {"team": world.namespace}}})
    world.jobs.wait_reason("digits", "InProgress")


def test_two_policies_are_one_too_many(world: World) -> None:
    set_policy(world)
    world.cluster.set_policy("everybody", {"namespaceSelector": {}})
    world.jobs.create("digits", spec(roleArn=ADMIN))
    refused = world.jobs.wait("digits", lambda job: "Several" in ready(job).get("message", ""), what="refused")
    assert f"everybody, for-{world.namespace}" in ready(refused)["message"]


def test_a_policy_withdrawn_while_a_job_runs(world: World) -> None:
    """The operator may no longer look, nor stop: it says so, and goes on when it may."""
    set_policy(world)
    world.script(seconds=600, stop_seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.cluster.remove_policies()
    world.cluster.set_policy("others", {"namespaceSelector": {"matchLabels": {"team": "others"}}})
    stale = world.jobs.wait_reason("digits", "StatusStale")
    assert "No tenant policy selects namespace" in ready(stale)["message"]
    world.jobs.delete("digits")
    world.jobs.wait_reason("digits", "DeletionBlocked")
    assert world.made_one()["status"] == "InProgress"
    set_policy(world)
    world.jobs.wait_gone("digits")
    assert world.made_one()["status"] == "Stopped"


# --- what a policy allows ----------------------------------------------------------------------------------------


def test_a_policys_defaults_are_taken(world: World) -> None:
    set_policy(
        world,
        regions=["eu-west-1", "us-east-1"],
        executionRoles={"default": ROLE},
        buckets={"default": "s3://sagebridge-local/team"},
    )
    world.script(seconds=1)
    wait_for_policy(world)
    world.jobs.create("digits")
    done = world.jobs.wait_reason("digits", "Completed")
    [made] = [job for job in world.made() if "-digits-" in job["name"]]
    assert (made["region"], made["request"]["RoleArn"]) == ("eu-west-1", ROLE)
    place = f"s3://sagebridge-local/team/{world.namespace}/digits"
    assert made["request"]["OutputDataConfig"]["S3OutputPath"] == place
    assert [done["status"][name] for name in ("region", "roleArn", "outputPath")] == ["eu-west-1", ROLE, place]


def wait_for_policy(world: World) -> None:
    """Wait until the operator knows the policy, without making anything."""
    world.jobs.create("probe", spec(region="ap-south-1"))
    world.jobs.wait_reason("probe", "NotAllowed")


@pytest.mark.parametrize(
    ("reason", "changes", "field"),
    [
        ("a role that is not listed", {"roleArn": ADMIN}, "spec.roleArn"),
        ("a role whose name begins alike", {"roleArn": f"{ROLE}-admin"}, "spec.roleArn"),
        ("another region", {"region": "ap-south-1"}, "spec.region"),
        ("another bucket", {"outputDataConfig": {"s3OutputPath": "s3://others/x/"}}, "outputDataConfig.s3OutputPath"),
        (
            "a prefix that begins alike",
            {"outputDataConfig": {"s3OutputPath": "s3://data/team-evil/x/"}},
            "outputDataConfig.s3OutputPath",
        ),
        (
            "a way out",
            {"outputDataConfig": {"s3OutputPath": "s3://data/team/../others/"}},
            "outputDataConfig.s3OutputPath",
        ),
        (
            "checkpoints elsewhere",
            {"checkpointConfig": {"s3Uri": "s3://others/checkpoints/"}},
            "checkpointConfig.s3Uri",
        ),
        (
            "code from elsewhere, behind the toolkit",
            {"hyperParameters": {"sagemaker_submit_directory": "s3://others/code.tar.gz"}},
            "hyperParameters.sagemaker_submit_directory",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_what_a_policy_forbids_is_not_asked_of_aws(
    world: World, reason: str, changes: dict[str, Any], field: str
) -> None:
    set_policy(
        world,
        regions=["us-east-1"],
        executionRoles={"default": ROLE},
        buckets={"default": "s3://data/team", "allowedPrefixes": []},
    )
    wait_for_policy(world)
    world.jobs.create("digits", spec(**changes))
    refused = world.jobs.wait_reason("digits", "NotAllowed")
    assert statuses(refused) == {"Ready": "False", "Stalled": "True"}
    assert field in ready(refused)["message"], reason
    assert calls(world) == []


def test_a_mended_policy_heals_at_once(world: World) -> None:
    set_policy(world, executionRoles={"allowed": [ROLE]})
    wait_for_policy(world)
    world.jobs.create("digits", spec(roleArn=OTHER_ROLE))
    world.jobs.wait_reason("digits", "NotAllowed")
    world.cluster.custom.patch_cluster_custom_object(
        "sagebridge.io",
        "v1alpha1",
        "tenantpolicies",
        f"for-{world.namespace}",
        {"spec": {"executionRoles": {"allowed": [ROLE, OTHER_ROLE]}}},
    )
    world.jobs.wait_reason("digits", "InProgress")


# --- under which identity ----------------------------------------------------------------------------------------


def test_everything_is_done_as_the_assumed_role(world: World) -> None:
    external_id = f"for-{world.namespace}"
    set_policy(
        world,
        accountId=ACCOUNT,
        assumeRole={"roleArn": TENANT_ROLE, "externalId": external_id},
        executionRoles={"default": f"arn:aws:iam::{ACCOUNT}:role/training"},
    )
    wait_for_policy(world)
    world.script(seconds=600, stop_seconds=0)
    world.put_config_map("code", {"train.py": "print()"})
    world.jobs.create("digits", spec(algorithmSpecification=None, framework=SKLEARN, source=SCRIPT))
    running = world.jobs.wait_reason("digits", "InProgress")
    assert f":{ACCOUNT}:" in running["status"]["trainingJobArn"]
    world.jobs.patch("digits", {"spec": {"tags": [{"key": "team", "value": "a"}]}})
    world.jobs.wait("digits", lambda job: job["status"].get("tags"), what="tagged")
    sweep = ("ListTrainingJobs", ACCOUNT)
    world.eventually(lambda: sweep in {(call["operation"], call["account"]) for call in world.aws.log()}, "a sweep")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert {call["account"] for call in calls(world)} == {ACCOUNT}
    assert {call["operation"] for call in calls(world)} >= {
        "CreateTrainingJob",
        "AddTags",
        "ListTags",
        "StopTrainingJob",
    }
    sessions = [session for session in assumed(world) if session["external_id"] == external_id]
    assert {session["role_arn"] for session in sessions} == {TENANT_ROLE}


def test_another_account_than_the_policys_is_refused(world: World) -> None:
    set_policy(world, accountId=ACCOUNT)
    world.put_config_map("code", {"train.py": "print()"})
    wait_for_policy(world)
    world.jobs.create("digits", spec(algorithmSpecification=None, framework=SKLEARN, source=SCRIPT))
    refused = world.jobs.wait_reason("digits", "NotAllowed")
    assert "lead to account 123456789012" in ready(refused)["message"]
    assert ACCOUNT in ready(refused)["message"]
    assert world.made() == []
    assert world.count("CreateTrainingJob") == 0


def test_a_bucket_that_is_not_there_is_named(world: World) -> None:
    set_policy(world, buckets={"default": "s3://nobody-made-this"})
    world.put_config_map("code", {"train.py": "print()"})
    wait_for_policy(world)
    world.jobs.create("digits", spec(algorithmSpecification=None, framework=SKLEARN, source=SCRIPT))
    refused = world.jobs.wait_reason("digits", "Rejected")
    assert "NoSuchBucket" in ready(refused)["message"]
    assert statuses(refused) == {"Ready": "False", "Stalled": "True"}


# --- adoption ----------------------------------------------------------------------------------------------------


def make_foreign(world: World, name: str, **tags: str) -> None:
    """Make a job at AWS that no object stands for."""
    world.simulator.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": "s3://somewhere/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 3600},
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )


def adopt(world: World, name: str, **fields: Any) -> None:
    """Make an object that takes a job over."""
    set_policy(world, allowAdopt=True)
    wait_for_policy(world)
    world.jobs.create("digits", spec(trainingJobName=name, **fields), annotations={"sagebridge.io/adopt": "true"})


def test_an_untagged_job_is_taken_over(world: World) -> None:
    name = f"{world.namespace}-old"
    make_foreign(world, name, owner="somebody")
    adopt(world, name, tags=[{"key": "team", "value": "a"}])
    adopted = world.jobs.wait("digits", lambda job: job.get("status", {}).get("tags"), what="tagged")
    [attempt] = attempts(adopted)
    assert attempt["adopted"] is True
    assert name in world.jobs.wait_event("digits", "Adopted")
    tags = world.made_one()["tags"]
    assert tags["sagebridge.io/uid"] == adopted["metadata"]["uid"]
    assert (tags["owner"], tags["team"]) == ("somebody", "a")
    world.aws.fail(name, reason="AlgorithmError: x")
    world.jobs.wait_reason("digits", "JobFailed")


def test_an_adopted_job_is_never_purged(world: World) -> None:
    world.script(seconds=0)
    name = f"{world.namespace}-old"
    make_foreign(world, name)
    adopt(world, name, runPolicy={"deletionPolicy": "Purge"})
    world.jobs.wait_reason("digits", "Completed")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert world.made_one()["name"] == name
    assert world.count("DeleteTrainingJob") == 0


def test_what_another_object_owns_can_not_be_adopted(world: World) -> None:
    name = f"{world.namespace}-old"
    make_foreign(world, name, **{"sagebridge.io/uid": "another"})
    adopt(world, name)
    refused = world.jobs.wait_reason("digits", "NameConflict")
    assert "another Sagebridge object" in ready(refused)["message"]
