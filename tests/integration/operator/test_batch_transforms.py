"""BatchTransforms: the model that a job needs comes before it and goes after it, whatever happens between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kubernetes
import pytest
from support.batch_transforms import IMAGE, MODEL, BatchTransforms
from support.jobs import attempts, condition, ready, statuses
from support.tuning_jobs import METRIC, TuningJobs

from .world import World

CREATE, MAKE, REMOVE = "CreateTransformJob", "CreateModel", "DeleteModel"
STALLED = {"Ready": "False", "Stalled": "True"}
ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}
QUOTA = "The account-level service limit 'ml.m5.large for transform job usage' is 0 Instances"


@pytest.fixture
def jobs(world: World) -> BatchTransforms:
    return BatchTransforms(world.cluster.client, world.namespace)


def models(world: World) -> list[str]:
    """This namespace's models at AWS."""
    listed = world.simulator.client("sagemaker").list_models(MaxResults=100, NameContains=world.namespace)
    return [model["ModelName"] for model in listed["Models"]]


def test_a_job_completes_and_its_model_is_gone(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=3)
    jobs.make(tags=[{"key": "team", "value": "a"}])
    running = jobs.wait_reason("predict", "InProgress")
    assert statuses(running) == ON_THE_WAY
    [model] = running["status"]["models"]
    assert models(world) == [model["name"]]
    client = world.simulator.client("sagemaker")
    described = client.describe_model(ModelName=model["name"])
    assert described["PrimaryContainer"]["Image"] == IMAGE
    tags = {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=model["arn"])["Tags"]}
    assert tags["team"] == "a"
    assert tags["sagebridge.io/uid"] == running["metadata"]["uid"]

    done = jobs.wait("predict", lambda job: ready(job).get("reason") == "Completed" and "models" not in job["status"])

    assert statuses(done) == {"Ready": "True", "Complete": "True"}
    status, made = done["status"], world.made_one()
    assert models(world) == []
    assert status["transformJobStatus"] == "Completed"
    assert status["transformJobName"] == made["name"]
    assert status["modelName"] == model["name"] == made["request"]["ModelName"]
    assert ":transform-job/" in status["transformJobArn"]
    assert status["image"] == IMAGE
    assert status["instanceCount"] == 1
    assert status["modelSource"] == MODEL["primaryContainer"]["modelDataUrl"]
    assert status["outputPath"] == made["request"]["TransformOutput"]["S3OutputPath"]
    assert status["transformStartTime"] <= status["transformEndTime"] == status["completionTime"]
    assert status["logs"]["groupName"] == "/aws/sagemaker/TransformJobs"
    assert status["duration"]
    for reason in ("ModelCreated", "AttemptCreated", "Completed", "ModelDeleted"):
        jobs.wait_event("predict", reason)


def test_a_life_costs_few_calls(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=2)
    jobs.make()
    jobs.wait("predict", lambda job: "Complete" in statuses(job) and "models" not in job["status"])
    counted = {
        operation: world.count(operation)
        for operation in (MAKE, CREATE, "DescribeTransformJob", "DescribeModel", "ListTags", REMOVE)
    }
    # One ListTags: whose model it is, before it is deleted.
    assert counted == {MAKE: 1, CREATE: 1, "DescribeTransformJob": 1, "DescribeModel": 0, "ListTags": 1, REMOVE: 1}


def test_a_model_by_its_name_is_used_and_left(world: World, jobs: BatchTransforms, unique: str) -> None:
    client = world.simulator.client("sagemaker")
    name = f"{world.namespace}-{unique}"
    client.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE})
    world.script(seconds=1)
    jobs.make(model=None, modelName=name)
    done = jobs.wait_reason("predict", "Completed")
    assert done["status"]["modelName"] == done["status"]["modelSource"] == name
    assert "models" not in done["status"]
    assert models(world) == [name]
    assert (world.count(MAKE), world.count(REMOVE)) == (1, 0)


def test_a_model_by_its_name_is_waited_for_and_may_be_corrected(world: World, jobs: BatchTransforms) -> None:
    jobs.make(model=None, modelName=f"{world.namespace}-none")
    waiting = jobs.wait_reason("predict", "WaitingForReference")
    assert f"{world.namespace}-none" in ready(waiting)["message"]
    assert attempts(waiting) == []
    jobs.patch("predict", {"spec": {"modelName": None, "model": MODEL}})
    jobs.wait_reason("predict", "InProgress")


def test_the_model_of_a_training_job_is_waited_for_and_taken(world: World, jobs: BatchTransforms) -> None:
    reference = {"kind": "TrainingJob", "name": "digits"}
    jobs.make(model=None, modelRef=reference)
    waiting = jobs.wait_reason("predict", "WaitingForReference")
    assert "TrainingJob digits" in ready(waiting)["message"]
    assert (waiting["status"]["modelSource"], waiting["status"]["instanceCount"]) == ("TrainingJob/digits", 1)
    assert world.count(MAKE) == 0
    world.script(seconds=1)
    trained = world.jobs.create("digits")
    done = jobs.wait_reason("predict", "Completed")
    artifact = world.jobs.get("digits")["status"]["modelArtifacts"]["s3ModelArtifacts"]  # type: ignore[index]
    assert done["status"]["modelRef"] == reference | {"uid": trained["metadata"]["uid"], "uri": artifact}
    assert done["status"]["image"] == IMAGE


def test_the_best_model_of_a_search_is_waited_for_and_taken(world: World, jobs: BatchTransforms) -> None:
    reference = {"kind": "HPTuningJob", "name": "tune"}
    jobs.make(model=None, modelRef=reference)
    waiting = jobs.wait_reason("predict", "WaitingForReference")
    assert "HPTuningJob tune" in ready(waiting)["message"]
    world.script(seconds=1, metrics={METRIC: "x"})
    tuning = TuningJobs(world.cluster.client, world.namespace)
    tuning.make()
    done = jobs.wait_reason("predict", "Completed")
    found = tuning.get("tune")
    artifact = found["status"]["modelArtifacts"]["s3ModelArtifacts"]  # type: ignore[index]
    assert done["status"]["modelRef"] == reference | {"uid": found["metadata"]["uid"], "uri": artifact}  # type: ignore[index]


def test_a_training_job_that_failed_gives_no_model(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=0, outcome="Failed", failure_reason="AlgorithmError: no")
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "JobFailed")
    jobs.make(model=None, modelRef={"kind": "TrainingJob", "name": "digits"})
    stalled = jobs.wait_reason("predict", "InvalidSpec")
    assert "TrainingJob digits has failed" in ready(stalled)["message"]


def test_a_retry_uses_the_model_again(world: World, jobs: BatchTransforms) -> None:
    world.aws.settings(capacity_wait_seconds=0.0)
    world.fault("capacity", CREATE, count=1)
    jobs.make(runPolicy={"retry": {"limit": 1, "errors": ["CapacityError"]}})
    jobs.wait_reason("predict", "RetryPending")
    [model] = models(world)
    world.script(seconds=0)
    done = jobs.wait("predict", lambda job: "Complete" in statuses(job) and "models" not in job["status"])
    assert [attempt["status"] for attempt in attempts(done)] == ["Failed", "Completed"]
    assert {job["request"]["ModelName"] for job in world.made()} == {model}
    assert (world.count(MAKE), world.count(REMOVE)) == (1, 1)


def test_a_failed_job_says_why_and_its_model_goes(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=0, outcome="Failed", failure_reason="ClientError: too long")
    jobs.make()
    failed = jobs.wait("predict", lambda job: "Failed" in statuses(job) and "models" not in job["status"])
    assert statuses(failed) == STALLED | {"Failed": "True"}
    assert "ClientError: too long" in condition(failed, "Failed")["message"]
    assert models(world) == []


def test_a_job_that_somebody_stopped_leaves_no_model(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=600, stop_seconds=0)
    jobs.make(runPolicy={"deletionPolicy": "Retain"})
    jobs.wait_reason("predict", "InProgress")
    world.simulator.client("sagemaker").stop_transform_job(TransformJobName=world.made_one()["name"])
    jobs.wait("predict", lambda job: ready(job).get("reason") == "JobStopped" and "models" not in job["status"])
    assert models(world) == []


def test_a_suspended_job_keeps_its_model(world: World, jobs: BatchTransforms) -> None:
    jobs.make()
    jobs.wait_reason("predict", "InProgress")
    jobs.patch("predict", {"spec": {"runPolicy": {"suspend": True}}})
    jobs.wait_reason("predict", "Suspended")
    assert len(models(world)) == 1
    world.script(seconds=0)
    jobs.patch("predict", {"spec": {"runPolicy": {"suspend": False}}})
    jobs.wait("predict", lambda job: "Complete" in statuses(job) and "models" not in job["status"])
    assert world.count(MAKE) == 1


@pytest.mark.parametrize(("policy", "left", "status"), [("Stop", 0, "Stopping"), ("Retain", 1, "InProgress")])
def test_deletion(world: World, jobs: BatchTransforms, policy: str, left: int, status: str) -> None:
    jobs.make(runPolicy={"deletionPolicy": policy})
    jobs.wait_reason("predict", "InProgress")
    jobs.delete("predict")
    jobs.wait_gone("predict")
    assert len(models(world)) == left
    assert world.made_one()["status"] in (status, status.replace("Stopping", "Stopped"))


def test_purge_stops_since_transform_jobs_can_not_be_deleted(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=600, stop_seconds=0.1)
    jobs.make(runPolicy={"deletionPolicy": "Purge"})
    jobs.wait_reason("predict", "InProgress")
    jobs.delete("predict")
    jobs.wait_gone("predict")
    assert models(world) == []
    assert world.made_one()["status"] == "Stopped"


@pytest.mark.parametrize("operation", [MAKE, CREATE])
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "access-denied"}, "AccessDenied"),
        ({"kind": "error", "code": "ValidationException", "message": "no such subnet"}, "Rejected"),
    ],
)
def test_what_somebody_has_to_mend(
    world: World, jobs: BatchTransforms, operation: str, fault: dict[str, Any], reason: str
) -> None:
    world.fault(fault["kind"], operation, **{key: value for key, value in fault.items() if key != "kind"})
    jobs.make()
    stalled = jobs.wait_reason("predict", reason)
    assert statuses(stalled) == STALLED
    assert operation in ready(stalled)["message"]
    assert attempts(stalled) == []
    jobs.wait_event("predict", reason)
    world.aws.clear_faults()
    other = {"primaryContainer": {"image": IMAGE, "modelDataUrl": "s3://sagebridge-local/models/other.tar.gz"}}
    jobs.patch("predict", {"spec": {"model": other}})
    jobs.wait_reason("predict", "InProgress")
    world.script(seconds=0)
    jobs.delete("predict")
    jobs.wait_gone("predict")
    assert models(world) == [], "nothing is left of the manifest as it was before"


@pytest.mark.parametrize("operation", [MAKE, CREATE])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("throttle", "Throttled"),
        ("server-error", "ServiceUnavailable"),
        ("drop", "ServiceUnavailable"),
        ("lost-reply", "ServiceUnavailable"),
        ("malformed", "ServiceUnavailable"),
    ],
)
def test_what_passes_by_itself(world: World, jobs: BatchTransforms, operation: str, kind: str, reason: str) -> None:
    world.fault(kind, operation, count=1)
    jobs.make()
    waiting = jobs.wait_reason("predict", reason)
    assert statuses(waiting) == ON_THE_WAY
    assert operation in ready(waiting)["message"]
    jobs.wait_reason("predict", "InProgress")
    assert len(world.made()) == len(models(world)) == 1


def test_a_quota_is_waited_for(world: World, jobs: BatchTransforms) -> None:
    world.fault("error", CREATE, code="ResourceLimitExceeded", message=QUOTA, count=1)
    jobs.make()
    waiting = jobs.wait_reason("predict", "QuotaExceeded")
    assert statuses(waiting) == ON_THE_WAY
    assert QUOTA in ready(waiting)["message"]
    jobs.annotate("predict", reconcile_at="now")
    jobs.wait_reason("predict", "InProgress")
    assert world.count(MAKE) == 1


def test_a_model_that_can_not_be_deleted_changes_nothing_about_the_job(world: World, jobs: BatchTransforms) -> None:
    world.script(seconds=0)
    world.fault("access-denied", REMOVE)
    jobs.make()
    message = jobs.wait_event("predict", "CleanupBlocked")
    assert "sagemaker:DeleteModel" in message
    done = jobs.wait_reason("predict", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True"}
    assert len(done["status"]["models"]) == 1
    world.aws.clear_faults()
    jobs.annotate("predict", reconcile_at="now")
    jobs.wait("predict", lambda job: "models" not in job["status"], what="without models")
    assert models(world) == []


def test_a_model_that_somebody_deleted_is_made_again(world: World, jobs: BatchTransforms) -> None:
    world.fault("server-error", CREATE, count=3)
    jobs.make()
    jobs.wait_reason("predict", "ServiceUnavailable")
    [model] = models(world)
    world.simulator.client("sagemaker").delete_model(ModelName=model)
    jobs.wait_reason("predict", "InProgress")
    assert models(world) == [model]


def test_a_model_of_the_same_name_that_is_not_ours_is_left_alone(world: World, jobs: BatchTransforms) -> None:
    world.fault("access-denied", MAKE)
    jobs.make()
    jobs.wait_reason("predict", "AccessDenied")
    [name] = [name for name in world.aws.calls()["objects"] if name.startswith(f"{world.namespace}-predict-")][:1]
    world.aws.clear_faults()
    world.simulator.client("sagemaker").create_model(ModelName=name, PrimaryContainer={"Image": "other"})
    jobs.annotate("predict", reconcile_at="now")
    stalled = jobs.wait_reason("predict", "NameConflict")
    assert name in ready(stalled)["message"]
    jobs.delete("predict")
    jobs.wait_gone("predict")
    assert models(world) == [name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "exactly one of modelRef"),
        ({"modelName": "two"}, "exactly one of modelRef"),
        ({"model": {}}, "exactly one of primaryContainer"),
        (
            {"model": {"primaryContainer": {"image": IMAGE, "mode": "MultiModel", "modelDataUrl": "s3://b/m/"}}},
            "serves one model",
        ),
        ({"maxPayloadInMB": 60, "maxConcurrentTransforms": 2}, "at most 100"),
        (
            {
                "transformInput": {
                    "dataSource": {"s3DataSource": {"s3Uri": "s3://b/in", "s3DataType": "AugmentedManifestFile"}}
                }
            },
            "S3Prefix or ManifestFile",
        ),
        ({"source": {"entryPoint": "i.py"}}, "exactly one of s3Uri"),
        ({"environmentFrom": [{"secretRef": {"name": "s"}}]}, "Secret does not belong there"),
        ({"tags": [{"key": "sagebridge.io/uid", "value": "x"}]}, "choose another key"),
    ],
)
def test_what_is_refused_at_once(jobs: BatchTransforms, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(kubernetes.client.ApiException) as caught:
        jobs.make(**changes)
    assert caught.value.status == 422
    assert message in str(caught.value.body)


def test_the_manifest_stands_once_the_job_is_there(jobs: BatchTransforms) -> None:
    jobs.make()
    jobs.wait_reason("predict", "InProgress")
    with pytest.raises(kubernetes.client.ApiException, match="can't be changed"):
        jobs.patch("predict", {"spec": {"maxPayloadInMB": 5}})


# --- tenancy -----------------------------------------------------------------------------------------------------

ALLOWED = "arn:aws:iam::123456789012:role/allowed"
ADMIN = "arn:aws:iam::123456789012:role/admin"


@pytest.fixture
def policed(world: World) -> Iterator[World]:
    """A namespace that may use one role, and one prefix."""
    selector = {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}
    spec = {
        "namespaceSelector": selector,
        "executionRoles": {"default": ALLOWED, "allowed": [ALLOWED]},
        "buckets": {"default": "s3://sagebridge-local/team", "allowedPrefixes": ["s3://sagebridge-local/team"]},
    }
    world.cluster.set_policy(f"for-{world.namespace}", spec)
    yield world
    world.cluster.remove_policies()


INSIDE = {"dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/team/in/"}}}
OWN = {"primaryContainer": {"image": IMAGE, "modelDataUrl": "s3://sagebridge-local/team/model.tar.gz"}}
CODE = {"entryPoint": "i.py", "s3Uri": "s3://sagebridge-local/others/code.tar.gz"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": OWN | {"executionRoleArn": ADMIN}}, "spec.model.executionRoleArn"),
        ({"model": MODEL}, "models/model.tar.gz"),
        ({"model": OWN, "source": CODE}, "others/code.tar.gz"),
        ({"model": OWN, "transformOutput": {"s3OutputPath": "s3://sagebridge-local/others"}}, "s3OutputPath"),
    ],
)
def test_what_the_tenant_policy_forbids(policed: World, changes: dict[str, Any], message: str) -> None:
    jobs = BatchTransforms(policed.cluster.client, policed.namespace)
    jobs.make(**{"transformInput": INSIDE} | changes)
    refused = jobs.wait_reason("predict", "NotAllowed")
    assert message in ready(refused)["message"]
    assert (policed.count(MAKE), policed.count(CREATE)) == (0, 0)


def test_a_model_with_a_role_that_is_not_the_tenants_is_not_used(policed: World) -> None:
    jobs = BatchTransforms(policed.cluster.client, policed.namespace)
    name = f"{policed.namespace}-theirs"
    client = policed.simulator.client("sagemaker")
    client.create_model(ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ADMIN)
    jobs.make(model=None, modelName=name, transformInput=INSIDE)
    refused = jobs.wait_reason("predict", "NotAllowed")
    assert "spec.modelName" in ready(refused)["message"]
    assert policed.count(CREATE) == 0
