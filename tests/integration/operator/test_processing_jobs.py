"""ProcessingJobs: what differs from TrainingJobs is declared, so here is each thing that the declaration says."""

from __future__ import annotations

import kubernetes
import pytest
from support.jobs import attempts, ready, statuses
from support.processing_jobs import ProcessingJobs

from .world import World

CREATE = "CreateProcessingJob"
ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}
TABLE = {"inputName": "table", "s3Input": {"s3Uri": "s3://sagebridge-local/table/"}}


@pytest.fixture
def jobs(world: World) -> ProcessingJobs:
    return ProcessingJobs(world.cluster.client, world.namespace)


def test_a_job_completes(world: World, jobs: ProcessingJobs) -> None:
    world.script(seconds=3)
    jobs.make(processingInputs=[TABLE], processingOutputConfig={"outputs": [{"outputName": "rows"}]})
    running = jobs.wait_reason("split", "InProgress")
    assert statuses(running) == ON_THE_WAY
    assert running["status"]["processingJobStatus"] == "InProgress"
    done = jobs.wait_reason("split", "Completed")
    assert statuses(done) == {"Ready": "True", "Complete": "True"}
    status, made = done["status"], world.made_one()
    assert status["processingJobStatus"] == "Completed"
    assert status["processingJobName"] == made["name"]
    assert status["processingJobName"].startswith(f"{world.namespace}-split-")
    assert status["processingJobArn"] == made["arn"]
    assert ":processing-job/" in made["arn"]
    assert status["roleArn"] == made["request"]["RoleArn"]
    assert status["image"] == made["request"]["AppSpecification"]["ImageUri"]
    assert status["processingStartTime"] <= status["processingEndTime"] == status["completionTime"]
    [output] = status["processingOutputConfig"]["outputs"]
    assert output["s3Output"]["s3Uri"] == f"{status['outputPath']}/{made['name']}/output/rows"
    assert status["logs"]["groupName"] == "/aws/sagemaker/ProcessingJobs"
    assert status["duration"]
    assert "secondaryStatus" not in status
    assert [attempt["status"] for attempt in attempts(done)] == ["Completed"]
    for reason in ("AttemptCreated", "Completed"):
        jobs.wait_event("split", reason)


def test_a_life_costs_few_calls(world: World, jobs: ProcessingJobs) -> None:
    world.script(seconds=2)
    jobs.make()
    jobs.wait_reason("split", "Completed")
    counted = {operation: world.count(operation) for operation in (CREATE, "DescribeProcessingJob", "ListTags")}
    assert counted == {CREATE: 1, "DescribeProcessingJob": 1, "ListTags": 0}


def test_a_script_from_a_config_map_is_packed_and_started(world: World, jobs: ProcessingJobs) -> None:
    world.put_config_map("code", {"split.py": "print('split')"})
    source = {"entryPoint": "split.py", "configMap": {"name": "code"}}
    jobs.make(appSpecification={"containerArguments": ["--x"]}, framework={"name": "sklearn"}, source=source)
    running = jobs.wait_reason("split", "InProgress")
    request = world.made_one()["request"]
    [code] = request["ProcessingInputs"]
    assert code["S3Input"]["S3Uri"] == running["status"]["sourceUri"]
    bucket, key = running["status"]["sourceUri"].removeprefix("s3://").split("/", 1)
    assert world.simulator.client("s3").head_object(Bucket=bucket, Key=key)["ContentLength"] > 0
    assert request["AppSpecification"]["ContainerEntrypoint"][-1] == "split.py"
    assert "sagemaker-scikit-learn" in running["status"]["image"]


def test_a_lack_of_capacity_is_retried(world: World, jobs: ProcessingJobs) -> None:
    world.aws.settings(capacity_wait_seconds=0.5)
    world.fault("capacity", CREATE, count=1)
    jobs.make(runPolicy={"retry": {"limit": 1}})
    pending = jobs.wait_reason("split", "RetryPending")
    assert attempts(pending)[0]["reason"] == "CapacityError"
    jobs.wait_event("split", "RetryPending")
    jobs.wait("split", lambda job: len(attempts(job)) == 2 and bool(attempts(job)[1].get("arn")), what="tried again")
    assert len(world.made()) == 2


def test_suspended_and_resumed(world: World, jobs: ProcessingJobs) -> None:
    world.script(seconds=600, stop_seconds=0)
    jobs.make()
    jobs.wait_reason("split", "InProgress")
    jobs.patch("split", {"spec": {"runPolicy": {"suspend": True}}})
    jobs.wait_reason("split", "Suspended")
    jobs.patch("split", {"spec": {"runPolicy": {"suspend": False}}})
    jobs.wait("split", lambda job: len(attempts(job)) == 2 and ready(job)["reason"] == "InProgress", what="runs again")
    assert [job["status"] for job in world.made()] == ["Stopped", "InProgress"]


@pytest.mark.parametrize(
    ("policy", "left", "stops", "deletes"),
    [("Stop", ["Stopped"], 1, 0), ("Retain", ["InProgress"], 0, 0), ("Purge", [], 1, 1)],
)
def test_deletion(world: World, jobs: ProcessingJobs, policy: str, left: list[str], stops: int, deletes: int) -> None:
    world.script(seconds=600, stop_seconds=0)
    jobs.make(runPolicy={"deletionPolicy": policy})
    jobs.wait_reason("split", "InProgress")
    jobs.delete("split")
    jobs.wait_gone("split")
    assert [job["status"] for job in world.made()] == left
    assert (world.count("StopProcessingJob"), world.count("DeleteProcessingJob")) == (stops, deletes)


def test_tags_follow_and_the_rest_is_fixed(world: World, jobs: ProcessingJobs) -> None:
    jobs.make(tags=[{"key": "team", "value": "red"}])
    jobs.wait_reason("split", "InProgress")
    jobs.patch("split", {"spec": {"tags": [{"key": "team", "value": "blue"}]}})
    jobs.wait("split", lambda job: job["status"]["tags"] == [{"key": "team", "value": "blue"}], what="tagged")
    assert {"Key": "team", "Value": "blue"} in world.simulator.client("sagemaker").list_tags(
        ResourceArn=world.made_one()["arn"]
    )["Tags"]
    with pytest.raises(kubernetes.client.ApiException) as caught:
        jobs.patch("split", {"spec": {"environment": {"A": "b"}}})
    assert "environment" in str(caught.value.body)


def test_a_given_name_that_is_taken(world: World, jobs: ProcessingJobs) -> None:
    name = f"{world.namespace}-taken"
    jobs.make("first", processingJobName=name)
    jobs.wait_reason("first", "InProgress")
    jobs.make("second", processingJobName=name)
    assert ready(jobs.wait_reason("second", "NameConflict"))["message"].startswith(name)
    assert len(world.made()) == 1


def test_no_role_is_passed_on_that_is_not_allowed(world: World, jobs: ProcessingJobs) -> None:
    redshift = {
        "clusterId": "c",
        "database": "d",
        "dbUser": "u",
        "queryString": "SELECT 1",
        "clusterRoleArn": "arn:aws:iam::123456789012:role/admin",
        "outputS3Uri": "s3://sagebridge-local/x/",
        "outputFormat": "CSV",
    }
    jobs.make(processingInputs=[{"inputName": "rows", "datasetDefinition": {"redshiftDatasetDefinition": redshift}}])
    refused = jobs.wait_reason("split", "NotAllowed")
    assert "clusterRoleArn" in ready(refused)["message"]
    assert world.count(CREATE) == 0


def test_both_kinds_may_have_one_name(world: World, jobs: ProcessingJobs) -> None:
    jobs.make("digits")
    world.jobs.create("digits")
    jobs.wait_reason("digits", "InProgress")
    world.jobs.wait_reason("digits", "InProgress")
    assert len({job["name"] for job in world.made()}) == 2
