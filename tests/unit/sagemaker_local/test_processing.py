"""Processing jobs, as the service shows them."""

import json

import pytest
from sagebridge_local.sagemaker.events import entry
from sagebridge_local.sagemaker.processing.kind import PROCESSING_JOB

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/split:1"
TABLE = {"S3Uri": "s3://bucket/in/", "S3DataType": "S3Prefix", "LocalPath": "/opt/ml/processing/table"}
ATHENA = {"Catalog": "c", "Database": "d", "QueryString": "q", "OutputS3Uri": "s3://b/o", "OutputFormat": "PARQUET"}
ROWS = {"S3Uri": "s3://bucket/out/", "S3UploadMode": "EndOfJob", "LocalPath": "/opt/ml/processing/rows"}


def request_for(name, **changes):
    request = {
        "ProcessingJobName": name,
        "AppSpecification": {"ImageUri": IMAGE},
        "RoleArn": "arn:aws:iam::123456789012:role/processing",
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
        },
    }
    return {name: value for name, value in (request | changes).items() if value is not None}


def table(name="table", **changes):
    return {"InputName": name, "S3Input": TABLE | changes}


def rows(name="rows", **changes):
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": name, "S3Output": ROWS | changes}]}}


@pytest.fixture
def create(sagemaker):
    async def make(name, **changes):
        return (await sagemaker("CreateProcessingJob", **request_for(name, **changes)))["ProcessingJobArn"]

    return make


@pytest.fixture
def describe(sagemaker):
    async def look(name):
        return await sagemaker("DescribeProcessingJob", ProcessingJobName=name)

    return look


async def test_a_job_runs_and_completes_without_a_secondary_status(sagemaker, create, describe, start):
    arn = await create("split", Tags=[{"Key": "a", "Value": "b"}], ProcessingInputs=[table()], **rows())
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:processing-job/split"
    described = await describe("split")
    assert described["ProcessingJobStatus"] == "InProgress"
    assert described["ProcessingInputs"] == [table()]
    assert described["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}
    assert not {"SecondaryStatus", "Tags", "ProcessingStartTime"} & described.keys()
    sagemaker.advance(60)
    described = await describe("split")
    assert described["ProcessingJobStatus"] == "Completed"
    assert start < described["ProcessingStartTime"] < described["ProcessingEndTime"] == start + 60


async def test_a_job_that_fails_says_why(sagemaker, create, describe):
    await create("split", Environment={"SAGEBRIDGE_LOCAL_OUTCOME": "Failed"})
    sagemaker.advance(60)
    assert (await describe("split"))["FailureReason"].startswith("AlgorithmError: ")
    (summary,) = (await sagemaker("ListProcessingJobs", StatusEquals="Failed"))["ProcessingJobSummaries"]
    assert summary["FailureReason"].startswith("AlgorithmError: ")


async def test_a_job_whose_time_is_up_is_stopped(sagemaker, create, describe):
    await create("split", StoppingCondition={"MaxRuntimeInSeconds": 10})
    sagemaker.advance(30)
    assert (await describe("split"))["ProcessingJobStatus"] == "Stopped"


async def test_a_stopped_job_passes_through_stopping(sagemaker, create, describe):
    await create("split")
    await sagemaker("StopProcessingJob", ProcessingJobName="split")
    assert (await describe("split"))["ProcessingJobStatus"] == "Stopping"
    sagemaker.advance(10)
    assert (await describe("split"))["ProcessingJobStatus"] == "Stopped"
    refused = await sagemaker.refused("StopProcessingJob", ProcessingJobName="split")
    assert refused.code == "ValidationException"


@pytest.mark.parametrize("operation", ["Describe", "Stop", "Delete"])
async def test_a_job_that_is_not_there_is_not_found(sagemaker, operation):
    refused = await sagemaker.refused(f"{operation}ProcessingJob", ProcessingJobName="split")
    assert (refused.code, refused.message) == ("ValidationException", "Could not find requested job")


async def test_a_name_is_used_once_until_its_job_is_deleted(sagemaker, create):
    arn = await create("split")
    refused = await sagemaker.refused("CreateProcessingJob", **request_for("split"))
    assert refused.code == "ResourceInUse"
    assert arn in refused.message
    early = await sagemaker.refused("DeleteProcessingJob", ProcessingJobName="split")
    assert early.code == "ResourceInUse"
    sagemaker.advance(60)
    await sagemaker("DeleteProcessingJob", ProcessingJobName="split")
    await create("split")


async def test_kinds_have_names_lists_and_tags_of_their_own(sagemaker, create):
    await sagemaker.create("split")
    arn = await create("split", Tags=[{"Key": "a", "Value": "b"}])
    assert len((await sagemaker("ListProcessingJobs"))["ProcessingJobSummaries"]) == 1
    assert (await sagemaker("ListTags", ResourceArn=arn))["Tags"] == [{"Key": "a", "Value": "b"}]


async def test_without_capacity_a_job_fails_before_it_starts(sagemaker, create, describe):
    sagemaker.admin("POST", "faults", kind="capacity", operation="CreateProcessingJob")
    await create("split")
    sagemaker.advance(60)
    described = await describe("split")
    assert described["FailureReason"].startswith("CapacityError")
    assert "ProcessingStartTime" not in described


async def test_instances_in_use_count_against_a_quota_of_processing(sagemaker, create):
    sagemaker.service.quotas.instances["ml.m5.large for processing job usage"] = 1
    await sagemaker.create("training")
    await create("split")
    refused = await sagemaker.refused("CreateProcessingJob", **request_for("other"))
    assert refused.code == "ResourceLimitExceeded"
    assert "'ml.m5.large for processing job usage' is 1 Instances" in refused.message


async def test_the_first_preferred_instance_type_is_selected(sagemaker, create, describe):
    preferred = [{"InstanceType": "ml.m5.large", "InstanceCount": 2}, {"InstanceType": "ml.m5.xlarge"}]
    config = {"InstancePreferences": preferred, "VolumeSizeInGB": 30}
    await create("split", ProcessingResources={"ClusterConfig": config})
    sagemaker.advance(30)
    shown = (await describe("split"))["ProcessingResources"]["ClusterConfig"]
    assert (shown["SelectedInstanceType"], shown["SelectedInstanceCount"]) == ("ml.m5.large", 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"ProcessingInputs": [table(), {"InputName": "q", "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA}}]},
        {"ProcessingInputs": [table(), table("other")]},
        {"ProcessingInputs": [table(), table(LocalPath="/opt/ml/processing/x")]},
        {"ProcessingInputs": [{"InputName": "none"}]},
        {"ProcessingInputs": [table(LocalPath="/opt/ml/input")]},
        {"ProcessingInputs": [table(LocalPath="/opt/ml/processing/../x")]},
        {"ProcessingInputs": [table(S3CompressionType="Gzip")]},
        {"ProcessingInputs": [{"InputName": "q", "DatasetDefinition": {"LocalPath": "/opt/ml/processing/q"}}]},
        rows(LocalPath="/tmp/rows"),
        rows(S3Uri="https://bucket.s3.amazonaws.com/out"),
        {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "f", "FeatureStoreOutput": {"FeatureGroupName": "g"}}]}},
        {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}},
        {"ProcessingResources": {"ClusterConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1}}},
        {"RoleArn": "arn:aws:iam::999999999999:role/processing"},
    ],
)
async def test_create_refuses_what_does_not_fit_together(sagemaker, changes):
    refused = await sagemaker.refused("CreateProcessingJob", **request_for("split", **changes))
    assert refused.code == "ValidationException"


async def test_what_the_container_manages_needs_no_place(create):
    fetched = {"InputName": "q", "AppManaged": True, "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA}}
    stored = {"OutputName": "f", "AppManaged": True, "FeatureStoreOutput": {"FeatureGroupName": "g"}}
    await create("split", ProcessingInputs=[fetched], ProcessingOutputConfig={"Outputs": [stored]})


async def test_a_change_of_state_is_an_event_of_its_own_type(sagemaker, create, start):
    arn = await create("split", Tags=[{"Key": "a", "Value": "b"}])
    ((_, job),) = sagemaker.service.store.named("split")
    told = entry(PROCESSING_JOB, job, start)
    assert (told["DetailType"], told["Resources"]) == ("SageMaker Processing Job State Change", [arn])
    detail = json.loads(told["Detail"])
    assert detail["ProcessingJobStatus"] == "InProgress"
    assert detail["CreationTime"] == str(round(start * 1000))
    assert detail["Tags"] == {"a": "b"}
