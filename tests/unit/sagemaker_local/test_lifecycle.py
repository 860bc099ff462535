"""What a training job goes through, with the times it shows."""

import pytest

SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3600},
}


def stages(described):
    return [transition["Status"] for transition in described["SecondaryStatusTransitions"]]


async def test_a_job_passes_its_stages_on_the_clock(sagemaker, start):
    await sagemaker.create("job")
    seen = []
    for _ in range(7):
        described = await sagemaker.describe("job")
        seen.append((described["TrainingJobStatus"], described["SecondaryStatus"]))
        sagemaker.advance(10)
    assert seen == [
        ("InProgress", "Starting"),
        ("InProgress", "Downloading"),
        ("InProgress", "Training"),
        ("InProgress", "Training"),
        ("InProgress", "Training"),
        ("InProgress", "Training"),
        ("Completed", "Completed"),
    ]


async def test_one_large_step_of_the_clock_shows_the_times_of_small_ones(make_caller):
    small, large = make_caller(), make_caller()
    await small.create("job")
    await large.create("job")
    for _ in range(100):
        small.advance(1)
    large.advance(100)
    assert await small.describe("job") == await large.describe("job")


async def test_transitions_carry_times_and_messages(sagemaker, start):
    await sagemaker.create("job")
    sagemaker.advance(100)
    described = await sagemaker.describe("job")
    assert [(each["Status"], each["StatusMessage"]) for each in described["SecondaryStatusTransitions"]] == [
        ("Starting", "Preparing the instances for training"),
        ("Downloading", "Downloading input data"),
        ("Training", "Training image download completed. Training in progress."),
        ("Uploading", "Uploading generated training model"),
        ("Completed", "Training job completed"),
    ]
    starts = [each["StartTime"] for each in described["SecondaryStatusTransitions"]]
    ends = [each["EndTime"] for each in described["SecondaryStatusTransitions"]]
    assert starts == [start, start + 6, start + 12, start + 57, start + 60]
    assert ends == [*starts[1:], start + 60]


async def test_the_present_transition_has_no_end(sagemaker):
    await sagemaker.create("job")
    assert "EndTime" not in (await sagemaker.describe("job"))["SecondaryStatusTransitions"][-1]


async def test_a_stages_message_changes_while_it_lasts(sagemaker):
    await sagemaker.create("job")
    messages = []
    for _ in range(3):
        messages.append((await sagemaker.describe("job"))["SecondaryStatusTransitions"][-1]["StatusMessage"])
        sagemaker.advance(2)
    assert messages == [
        "Starting the training job",
        "Launching requested ML instances",
        "Preparing the instances for training",
    ]


async def test_times_and_billing_of_a_completed_job(sagemaker, start):
    await sagemaker.create("job")
    sagemaker.advance(100)
    described = await sagemaker.describe("job")
    assert described["CreationTime"] == start
    assert described["TrainingStartTime"] == start + 6
    assert described["TrainingEndTime"] == described["LastModifiedTime"] == start + 60
    assert described["TrainingTimeInSeconds"] == described["BillableTimeInSeconds"] == 54


async def test_times_are_absent_before_their_events(sagemaker):
    await sagemaker.create("job")
    described = await sagemaker.describe("job")
    assert not described.keys() & {"TrainingStartTime", "TrainingEndTime", "BillableTimeInSeconds", "FailureReason"}


async def test_describe_gives_the_request_back_without_its_tags(sagemaker, request_of):
    request = request_of(
        "job",
        HyperParameters={"epochs": "3"},
        Environment={"A": "b"},
        Tags=[{"Key": "team", "Value": "vision"}],
        RetryStrategy={"MaximumRetryAttempts": 2},
    )
    await sagemaker("CreateTrainingJob", **request)
    described = await sagemaker.describe("job")
    assert "Tags" not in described
    assert {name: described[name] for name in request if name != "Tags"} == {
        name: value for name, value in request.items() if name != "Tags"
    }


@pytest.mark.parametrize(
    ("output", "want"),
    [
        ({"S3OutputPath": "s3://b/o"}, "s3://b/o/job/output/model.tar.gz"),
        ({"S3OutputPath": "s3://b/o/"}, "s3://b/o/job/output/model.tar.gz"),
        ({"S3OutputPath": "s3://b/o", "CompressionType": "NONE"}, "s3://b/o/job/output/model"),
    ],
)
async def test_where_the_model_goes(sagemaker, output, want):
    await sagemaker.create("job", OutputDataConfig=output)
    assert (await sagemaker.describe("job"))["ModelArtifacts"] == {"S3ModelArtifacts": want}


async def test_the_default_runtime_is_a_day(sagemaker):
    await sagemaker.create("job", StoppingCondition=None)
    assert (await sagemaker.describe("job"))["StoppingCondition"] == {"MaxRuntimeInSeconds": 86400}


async def test_a_job_that_runs_too_long_is_stopped(sagemaker, start):
    await sagemaker.create("job", StoppingCondition={"MaxRuntimeInSeconds": 20})
    sagemaker.advance(26)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopping", "Stopping")
    sagemaker.advance(2)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert described["TrainingEndTime"] == start + 28


async def test_a_spot_job_that_waits_too_long_is_stopped(sagemaker):
    waiting = {"MaxRuntimeInSeconds": 40, "MaxWaitTimeInSeconds": 50}
    await sagemaker.create("job", EnableManagedSpotTraining=True, StoppingCondition=waiting)
    sagemaker.advance(20)
    assert sagemaker.admin("POST", "jobs/job/interrupt", seconds=1000)[0] == 200
    assert (await sagemaker.describe("job"))["SecondaryStatus"] == "Interrupted"
    sagemaker.advance(60)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


async def test_an_interrupted_spot_job_begins_anew_and_is_not_billed_for_the_wait(sagemaker):
    await sagemaker.create("job", **SPOT)
    sagemaker.advance(30)
    sagemaker.admin("POST", "jobs/job/interrupt", seconds=40)
    sagemaker.advance(200)
    described = await sagemaker.describe("job")
    assert stages(described) == [
        *("Starting", "Downloading", "Training", "Interrupted"),
        *("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ]
    assert described["TrainingTimeInSeconds"] == 24 + 40 + 60
    # 24 s before and 54 s after the interruption, at the spot price.
    assert described["BillableTimeInSeconds"] == round((24 + 54) * 0.3)


async def test_only_spot_jobs_can_be_interrupted(sagemaker):
    await sagemaker.create("job")
    assert sagemaker.admin("POST", "jobs/job/interrupt") == (400, {"error": "job does not use spot instances"})


async def test_a_job_is_retried_after_an_internal_error_as_often_as_it_asks(sagemaker):
    sagemaker.admin("POST", "jobs/*/outcome", outcome="Failed", failure_reason="InternalServerError: once more")
    await sagemaker.create("job", RetryStrategy={"MaximumRetryAttempts": 2})
    sagemaker.advance(1000)
    described = await sagemaker.describe("job")
    assert stages(described).count("Starting") == 3
    assert (described["TrainingJobStatus"], described["FailureReason"]) == ("Failed", "InternalServerError: once more")


async def test_no_other_failure_is_retried(sagemaker):
    sagemaker.admin("POST", "jobs/*/outcome", outcome="Failed", failure_reason="AlgorithmError: exit code 1")
    await sagemaker.create("job", RetryStrategy={"MaximumRetryAttempts": 2})
    sagemaker.advance(1000)
    assert stages(await sagemaker.describe("job")) == ["Starting", "Downloading", "Training", "Failed"]


async def test_a_failure_reason_is_at_most_1024_characters(sagemaker):
    sagemaker.admin("POST", "jobs/*/outcome", outcome="Failed", failure_reason="x" * 5000)
    await sagemaker.create("job")
    sagemaker.advance(100)
    assert (await sagemaker.describe("job"))["FailureReason"] == "x" * 1024


async def test_without_capacity_a_job_fails_before_it_starts(sagemaker):
    sagemaker.admin("POST", "faults", kind="capacity", count=1)
    await sagemaker.create("job")
    described = await sagemaker.describe("job")
    assert described["SecondaryStatusTransitions"][-1]["StatusMessage"] == (
        "Insufficient capacity error from EC2 while launching instances, retrying!"
    )
    sagemaker.advance(10)
    described = await sagemaker.describe("job")
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"] == (
        "CapacityError: Unable to provision requested ML compute capacity. "
        "Please retry using a different ML instance type."
    )
    assert "TrainingStartTime" not in described


async def test_a_job_without_capacity_can_be_stopped(sagemaker):
    sagemaker.admin("POST", "faults", kind="capacity")
    await sagemaker.create("job")
    await sagemaker("StopTrainingJob", TrainingJobName="job")
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "Stopped"
    sagemaker.advance(100)
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "Stopped"


async def test_a_running_job_can_be_made_to_fail(sagemaker):
    await sagemaker.create("job")
    assert sagemaker.admin("POST", "jobs/job/fail", reason="InternalServerError: gone")[0] == 200
    sagemaker.advance(100)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["FailureReason"]) == ("Failed", "InternalServerError: gone")
