"""Warm pools, from InUse to their end."""

import pytest

KEPT = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30, "KeepAlivePeriodInSeconds": 600}


async def pool(sagemaker, name):
    return (await sagemaker.describe(name)).get("WarmPoolStatus")


async def test_a_pool_is_in_use_then_available_then_terminated(sagemaker):
    await sagemaker.create("job", ResourceConfig=KEPT)
    assert await pool(sagemaker, "job") == {"Status": "InUse"}
    sagemaker.advance(61)
    assert (await pool(sagemaker, "job"))["Status"] == "Available"
    sagemaker.advance(600)
    assert await pool(sagemaker, "job") == {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 600}


async def test_a_matching_job_takes_the_pool(sagemaker):
    await sagemaker.create("first", ResourceConfig=KEPT)
    sagemaker.advance(100)
    await sagemaker.create("second", ResourceConfig=KEPT | {"KeepAlivePeriodInSeconds": 60})
    assert await pool(sagemaker, "first") == {
        "Status": "Reused",
        "ResourceRetainedBillableTimeInSeconds": 40,
        "ReusedByJob": "second",
    }
    assert await pool(sagemaker, "second") == {"Status": "InUse"}


@pytest.mark.parametrize(
    "difference",
    [
        pytest.param({"ResourceConfig": KEPT | {"InstanceCount": 2}}, id="instances"),
        pytest.param({"ResourceConfig": KEPT | {"InstanceType": "ml.m5.xlarge"}}, id="type"),
        pytest.param({"ResourceConfig": KEPT | {"VolumeSizeInGB": 31}}, id="volume"),
        pytest.param({"ResourceConfig": KEPT, "RoleArn": "arn:aws:iam::123456789012:role/another"}, id="role"),
        pytest.param({"ResourceConfig": KEPT, "EnableNetworkIsolation": True}, id="isolation"),
    ],
)
async def test_another_job_does_not(sagemaker, difference):
    await sagemaker.create("first", ResourceConfig=KEPT)
    sagemaker.advance(100)
    await sagemaker.create("second", **difference)
    assert (await pool(sagemaker, "first"))["Status"] == "Available"


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("AlgorithmError: exit code 1", "Available"),
        ("ClientError: no data", "Available"),
        ("InternalServerError: We encountered an internal error.", "Terminated"),
    ],
)
async def test_which_failures_keep_a_pool(sagemaker, reason, status):
    sagemaker.admin("POST", "jobs/job/outcome", outcome="Failed", failure_reason=reason)
    await sagemaker.create("job", ResourceConfig=KEPT)
    sagemaker.advance(100)
    assert (await pool(sagemaker, "job"))["Status"] == status


@pytest.mark.parametrize(("seconds", "status"), [(0, "Terminated"), (20, "Available")])
async def test_a_stopped_job_keeps_the_instances_that_it_had(sagemaker, seconds, status):
    await sagemaker.create("job", ResourceConfig=KEPT)
    sagemaker.advance(seconds)
    await sagemaker("StopTrainingJob", TrainingJobName="job")
    sagemaker.advance(10)
    assert (await pool(sagemaker, "job"))["Status"] == status


async def test_a_job_without_a_period_has_no_pool(sagemaker):
    await sagemaker.create("job")
    sagemaker.advance(100)
    assert await pool(sagemaker, "job") is None


async def test_update_changes_how_long_a_pool_is_kept(sagemaker):
    await sagemaker.create("job", ResourceConfig=KEPT)
    sagemaker.advance(100)
    await sagemaker("UpdateTrainingJob", TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 3600})
    sagemaker.advance(3000)
    assert (await pool(sagemaker, "job"))["Status"] == "Available"
    await sagemaker("UpdateTrainingJob", TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    sagemaker.advance(0)
    assert (await pool(sagemaker, "job"))["Status"] == "Terminated"


async def test_a_pool_that_is_gone_can_not_be_updated(sagemaker):
    await sagemaker.create("job")
    change = {"KeepAlivePeriodInSeconds": 60}
    error = await sagemaker.refused("UpdateTrainingJob", TrainingJobName="job", ResourceConfig=change)
    assert error.code == "ValidationException"


async def test_a_job_whose_pool_is_available_can_not_be_deleted(sagemaker):
    await sagemaker.create("job", ResourceConfig=KEPT)
    sagemaker.advance(100)
    error = await sagemaker.refused("DeleteTrainingJob", TrainingJobName="job")
    assert error.code == "ValidationException"
    sagemaker.advance(1000)
    await sagemaker("DeleteTrainingJob", TrainingJobName="job")


async def test_pools_are_listed_by_their_status(sagemaker):
    await sagemaker.create("kept", ResourceConfig=KEPT)
    await sagemaker.create("other")
    sagemaker.advance(100)
    reply = await sagemaker("ListTrainingJobs", WarmPoolStatusEquals="Available")
    assert [(each["TrainingJobName"], each["WarmPoolStatus"]["Status"]) for each in reply["TrainingJobSummaries"]] == [
        ("kept", "Available")
    ]
