"""Create, Stop, Delete and Update, and what they refuse."""

import pytest


async def test_create_answers_with_the_arn(sagemaker):
    assert await sagemaker.create("job") == "arn:aws:sagemaker:us-east-1:123456789012:training-job/job"


@pytest.mark.parametrize(
    ("region", "partition"), [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")]
)
async def test_arns_name_the_regions_partition(sagemaker, region, partition):
    sagemaker.region = region
    assert await sagemaker.create("job") == f"arn:{partition}:sagemaker:{region}:123456789012:training-job/job"


async def test_a_name_is_taken_once_per_account_and_region(sagemaker, request_of):
    arn = await sagemaker.create("job")
    error = await sagemaker.refused("CreateTrainingJob", **request_of("job"))
    assert (error.code, error.status) == ("ResourceInUse", 400)
    assert error.message == (
        "Training job names must be unique within an AWS account and region, "
        f"and a training job with this name already exists ({arn})"
    )
    sagemaker.region = "eu-west-1"
    await sagemaker.create("job")


async def test_a_taken_name_leaves_the_first_job_alone(sagemaker, request_of):
    await sagemaker.create("job")
    await sagemaker.refused("CreateTrainingJob", **request_of("job", HyperParameters={"a": "b"}))
    assert "HyperParameters" not in await sagemaker.describe("job")


async def test_names_differ_by_case(sagemaker):
    await sagemaker.create("job")
    await sagemaker.create("Job")


@pytest.mark.parametrize(
    "operation", ["DescribeTrainingJob", "StopTrainingJob", "DeleteTrainingJob", "UpdateTrainingJob"]
)
async def test_a_name_that_does_not_exist(sagemaker, operation):
    error = await sagemaker.refused(operation, TrainingJobName="missing")
    assert (error.code, error.status, error.message) == ("ValidationException", 400, "Requested resource not found.")


async def test_stop_goes_through_stopping(sagemaker):
    await sagemaker.create("job")
    sagemaker.advance(20)
    assert await sagemaker("StopTrainingJob", TrainingJobName="job") == {}
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopping", "Stopping")
    sagemaker.advance(2)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert described["BillableTimeInSeconds"] == 16


@pytest.mark.parametrize(
    ("seconds", "status"), [(0, "Stopping"), (10, "Stopped")], ids=["while-it-stops", "once-it-has-stopped"]
)
async def test_stop_is_refused_unless_the_job_is_in_progress(sagemaker, seconds, status):
    await sagemaker.create("job")
    await sagemaker("StopTrainingJob", TrainingJobName="job")
    sagemaker.advance(seconds)
    error = await sagemaker.refused("StopTrainingJob", TrainingJobName="job")
    assert error.code == "ValidationException"
    assert error.message == f"The request was rejected because the training job is in status {status}."


async def test_delete_forgets_an_ended_job_and_frees_its_name(sagemaker):
    arn = await sagemaker.create("job", Tags=[{"Key": "a", "Value": "b"}])
    sagemaker.advance(100)
    assert await sagemaker("DeleteTrainingJob", TrainingJobName="job") == {}
    assert (await sagemaker.refused("DescribeTrainingJob", TrainingJobName="job")).code == "ValidationException"
    assert (await sagemaker.refused("ListTags", ResourceArn=arn)).code == "ValidationException"
    assert (await sagemaker("ListTrainingJobs"))["TrainingJobSummaries"] == []
    await sagemaker.create("job")
    assert (await sagemaker("ListTags", ResourceArn=arn))["Tags"] == []


async def test_delete_is_refused_until_the_job_has_ended(sagemaker):
    await sagemaker.create("job")
    error = await sagemaker.refused("DeleteTrainingJob", TrainingJobName="job")
    assert error.code == "ResourceInUse"
    assert "is in status InProgress" in error.message


async def test_update_changes_the_profiler_of_a_running_job(sagemaker):
    await sagemaker.create("job", ProfilerConfig={"S3OutputPath": "s3://bucket/profile"})
    change = {"ProfilingIntervalInMilliseconds": 500}
    reply = await sagemaker("UpdateTrainingJob", TrainingJobName="job", ProfilerConfig=change)
    assert reply["TrainingJobArn"].endswith("/job")
    assert (await sagemaker.describe("job"))["ProfilerConfig"] == {"S3OutputPath": "s3://bucket/profile"} | change
    sagemaker.advance(100)
    error = await sagemaker.refused("UpdateTrainingJob", TrainingJobName="job", ProfilerConfig=change)
    assert error.code == "ValidationException"


async def test_accounts_see_their_own_jobs_only(sagemaker, monkeypatch):
    monkeypatch.setattr(
        "sagebridge_local.sagemaker.service.account_of",
        lambda key: {"other": "111122223333"}.get(key, "123456789012"),
    )
    await sagemaker.create("job")
    sagemaker.access_key = "other"
    assert (await sagemaker("ListTrainingJobs"))["TrainingJobSummaries"] == []
    arn = await sagemaker.create("job", RoleArn="arn:aws:iam::111122223333:role/training")
    assert ":111122223333:" in arn
    sagemaker.access_key = "local"
    assert (await sagemaker.refused("ListTags", ResourceArn=arn)).code == "ValidationException"
