"""Transform jobs in the local SageMaker: their operations, their life, and what they refuse."""

from typing import Any

import pytest

ROLE = "arn:aws:iam::123456789012:role/serving"
MODEL = {"ModelName": "model", "PrimaryContainer": {"Image": "image:1"}, "ExecutionRoleArn": ROLE}


def request(name: str = "job", **changes: Any) -> dict[str, Any]:
    asked = {
        "TransformJobName": name,
        "ModelName": "model",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}}},
        "TransformOutput": {"S3OutputPath": "s3://bucket/out/"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    return asked | changes


@pytest.fixture
async def caller(sagemaker):
    """A caller of a service that has one model."""
    await sagemaker("CreateModel", **MODEL)
    return sagemaker


async def status(caller: Any, name: str = "job") -> str:
    return (await caller("DescribeTransformJob", TransformJobName=name))["TransformJobStatus"]


async def test_a_job_shows_what_was_asked_and_nothing_else(caller):
    arn = (await caller("CreateTransformJob", **request(BatchStrategy="SingleRecord")))["TransformJobArn"]
    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:transform-job/job"
    described = await caller("DescribeTransformJob", TransformJobName="job")
    assert described["BatchStrategy"] == "SingleRecord"
    assert described["TransformJobStatus"] == "InProgress"
    assert not {"Model", "RoleArn", "SecondaryStatus"} & described.keys()


async def test_a_job_lives_and_ends(caller):
    await caller("CreateTransformJob", **request())
    caller.advance(100)
    described = await caller("DescribeTransformJob", TransformJobName="job")
    assert described["TransformJobStatus"] == "Completed"
    assert described["TransformStartTime"] < described["TransformEndTime"]
    [summary] = (await caller("ListTransformJobs", StatusEquals="Completed"))["TransformJobSummaries"]
    assert (summary["TransformJobName"], summary["TransformJobArn"]) == ("job", described["TransformJobArn"])
    assert "TransformEndTime" in summary


async def test_a_job_fails_as_scripted_and_lists_why(caller):
    caller.admin("POST", "jobs/job/outcome", outcome="Failed", failure_reason="AlgorithmError: no")
    await caller("CreateTransformJob", **request())
    caller.advance(100)
    [summary] = (await caller("ListTransformJobs"))["TransformJobSummaries"]
    assert (summary["TransformJobStatus"], summary["FailureReason"]) == ("Failed", "AlgorithmError: no")


async def test_a_job_is_stopped_once(caller):
    await caller("CreateTransformJob", **request())
    await caller("StopTransformJob", TransformJobName="job")
    assert await status(caller) == "Stopping"
    caller.advance(10)
    assert await status(caller) == "Stopped"
    refused = await caller.refused("StopTransformJob", TransformJobName="job")
    assert refused.code == "ValidationException"


async def test_there_is_no_delete(caller):
    refused = await caller.refused("DeleteTransformJob", TransformJobName="job")
    assert refused.code == "UnknownOperationException"
    assert "not an operation of SageMaker" in refused.message


@pytest.mark.parametrize("operation", ["DescribeTransformJob", "StopTransformJob"])
async def test_a_job_that_is_not_there(caller, operation):
    refused = await caller.refused(operation, TransformJobName="none")
    assert (refused.code, refused.message) == ("ValidationException", "Could not find requested job")


async def test_a_name_is_taken_once(caller):
    await caller("CreateTransformJob", **request())
    assert (await caller.refused("CreateTransformJob", **request())).code == "ResourceInUse"


async def test_the_model_must_be_there_when_the_job_is_made_but_not_later(caller):
    await caller("CreateTransformJob", **request())
    await caller("DeleteModel", ModelName="model")
    caller.advance(100)
    assert await status(caller) == "Completed"
    refused = await caller.refused("CreateTransformJob", **request("other"))
    assert refused.code == "ValidationException"
    assert refused.message == 'Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/model".'


def source(**members: Any) -> dict[str, Any]:
    given = {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"} | members
    return {"TransformInput": {"DataSource": {"S3DataSource": given}}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MaxPayloadInMB": 101}, "at most 100"),
        ({"MaxPayloadInMB": 30, "MaxConcurrentTransforms": 4}, "and is 120"),
        ({"MaxConcurrentTransforms": 17}, "and is 102"),
        (source(S3DataType="AugmentedManifestFile"), "not supported for transform jobs"),
        (source(S3Uri="https://bucket/in/"), "must be an S3 URI"),
        ({"TransformOutput": {"S3OutputPath": "https://bucket/out"}}, "must be an S3 URI"),
        ({"DataProcessing": {"InputFilter": "id"}}, "InputFilter: 'id' is no JSONPath"),
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, "aws:"),
    ],
)
async def test_create_refuses_what_does_not_fit_together(caller, changes, message):
    refused = await caller.refused("CreateTransformJob", **request(**changes))
    assert refused.code == "ValidationException"
    assert message in refused.message


async def test_instances_above_the_accounts_limit_are_refused(caller):
    caller.admin("POST", "quotas", instances={"ml.m5.large for transform job usage": 1})
    await caller("CreateTransformJob", **request())
    refused = await caller.refused("CreateTransformJob", **request("other"))
    assert refused.code == "ResourceLimitExceeded"


async def test_tags_are_kept(caller):
    arn = (await caller("CreateTransformJob", **request(Tags=[{"Key": "a", "Value": "1"}])))["TransformJobArn"]
    assert (await caller("ListTags", ResourceArn=arn))["Tags"] == [{"Key": "a", "Value": "1"}]
