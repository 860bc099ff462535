"""`--lifecycle-only`: how jobs are scripted."""

import pytest
from sagebridge_local.sagemaker.runners.scripted import Script

STAGES = ("Starting", "Downloading", "Training", "Uploading")


@pytest.mark.parametrize(
    ("script", "want"),
    [
        (Script(), [6, 6, 45, 3]),
        (Script(seconds=0), [0, 0, 0, 0]),
        (Script(seconds=100), [10, 10, 75, 5]),
        (Script(stages={"Starting": 1, "Downloading": 1, "Uploading": 1}, seconds=10), [1, 1, 7, 1]),
        (Script(stages=dict.fromkeys(STAGES, 2)), [2, 2, 2, 2]),
        (Script(stages={"Training": 100}, seconds=10), [0, 0, 100, 0]),
    ],
)
def test_how_seconds_fall_on_stages(script, want):
    assert script.durations(STAGES) == pytest.approx(want)


async def test_the_latest_script_whose_pattern_fits_counts(sagemaker):
    sagemaker.admin("POST", "jobs/*/outcome", seconds=10)
    sagemaker.admin("POST", "jobs/slow-*/outcome", seconds=1000)
    await sagemaker.create("slow-one")
    await sagemaker.create("quick")
    sagemaker.advance(11)
    assert (await sagemaker.describe("quick"))["TrainingJobStatus"] == "Completed"
    assert (await sagemaker.describe("slow-one"))["TrainingJobStatus"] == "InProgress"


async def test_a_job_can_be_made_to_wait_for_capacity(sagemaker):
    sagemaker.admin("POST", "jobs/job/outcome", stages={"Starting": 1, "Pending": 100}, seconds=110)
    await sagemaker.create("job")
    sagemaker.advance(50)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("InProgress", "Pending")
    assert "TrainingStartTime" not in described
    sagemaker.advance(60)
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "Completed"


async def test_metrics_are_shown_at_the_end(sagemaker, start):
    sagemaker.admin("POST", "jobs/job/outcome", seconds=10, metrics={"accuracy": 0.97})
    await sagemaker.create("job")
    assert "FinalMetricDataList" not in await sagemaker.describe("job")
    sagemaker.advance(20)
    assert (await sagemaker.describe("job"))["FinalMetricDataList"] == [
        {"MetricName": "accuracy", "Value": 0.97, "Timestamp": start + 10}
    ]


async def test_a_jobs_environment_overrules_its_script(sagemaker):
    environment = {
        "SAGEBRIDGE_LOCAL_SECONDS": "5",
        "SAGEBRIDGE_LOCAL_OUTCOME": "Failed",
        "SAGEBRIDGE_LOCAL_FAILURE_REASON": "AlgorithmError: as asked",
    }
    await sagemaker.create("job", Environment=environment)
    sagemaker.advance(5)
    described = await sagemaker.describe("job")
    assert (described["TrainingJobStatus"], described["FailureReason"]) == ("Failed", "AlgorithmError: as asked")


@pytest.mark.parametrize("environment", [{"SAGEBRIDGE_LOCAL_SECONDS": "soon"}, {"SAGEBRIDGE_LOCAL_OUTCOME": "Perfect"}])
async def test_an_environment_that_makes_no_sense_fails_the_job_and_says_why(sagemaker, environment):
    await sagemaker.create("job", Environment=environment)
    sagemaker.advance(100)
    described = await sagemaker.describe("job")
    assert described["TrainingJobStatus"] == "Failed"
    assert "SAGEBRIDGE_LOCAL_" in described["FailureReason"]


async def test_how_long_stopping_takes(sagemaker):
    sagemaker.admin("POST", "jobs/job/outcome", stop_seconds=30)
    await sagemaker.create("job")
    await sagemaker("StopTrainingJob", TrainingJobName="job")
    sagemaker.advance(29)
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "Stopping"
    sagemaker.advance(1)
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize("script", [{"outcome": "Perfect"}, {"seconds": -1}, {"colour": "red"}])
async def test_a_script_that_makes_no_sense_is_refused(sagemaker, script):
    status, reply = sagemaker.admin("POST", "jobs/job/outcome", **script)
    assert status == 400
    assert reply["error"]
