"""The admin API: counters, log, clock, seeds, reset."""

import pytest


async def test_calls_are_counted_by_operation_and_by_object(sagemaker, request_of):
    await sagemaker.create("job")
    await sagemaker.refused("CreateTrainingJob", **request_of("job"))
    await sagemaker.describe("job")
    await sagemaker("ListTrainingJobs")
    assert sagemaker.admin("GET", "calls") == (
        200,
        {
            "total": 4,
            "operations": {
                "CreateTrainingJob": {"OK": 1, "ResourceInUse": 1},
                "DescribeTrainingJob": {"OK": 1},
                "ListTrainingJobs": {"OK": 1},
            },
            "objects": {"job": {"CreateTrainingJob": {"OK": 1, "ResourceInUse": 1}, "DescribeTrainingJob": {"OK": 1}}},
        },
    )


async def test_the_log_says_what_was_handled_and_what_was_delivered(sagemaker, start):
    sagemaker.admin("POST", "faults", kind="drop", count=1)
    with pytest.raises(ConnectionError):
        await sagemaker.create("job")
    sagemaker.admin("POST", "faults", kind="lost-reply", count=1)
    with pytest.raises(ConnectionError):
        await sagemaker.create("job")
    log = sagemaker.admin("GET", "calls", query="log")[1]["log"]
    assert [(each["name"], each["outcome"], each["delivered"]) for each in log] == [
        ("job", "Dropped", False),
        ("job", "OK", False),
    ]
    assert log[1]["time"] == start
    assert (log[1]["account"], log[1]["region"]) == ("123456789012", "us-east-1")
    assert len(sagemaker.admin("GET", "calls", query="log=1")[1]["log"]) == 1


async def test_counters_are_set_back(sagemaker):
    await sagemaker.create("job")
    sagemaker.admin("DELETE", "calls")
    assert sagemaker.admin("GET", "calls")[1] == {"total": 0, "operations": {}, "objects": {}}


async def test_jobs_are_shown_with_their_tags_and_requests_but_not_foreign_ones(sagemaker):
    sagemaker.admin("POST", "seed", count=3)
    await sagemaker.create("job", Tags=[{"Key": "a", "Value": "b"}])
    (shown,) = sagemaker.admin("GET", "jobs")[1]["jobs"]
    assert (shown["name"], shown["status"], shown["tags"]) == ("job", "InProgress", {"a": "b"})
    assert shown["request"]["TrainingJobName"] == "job"
    assert len(sagemaker.admin("GET", "jobs", query="foreign=true")[1]["jobs"]) == 4


async def test_a_seed_makes_finished_jobs_of_the_past_once(sagemaker, start):
    assert sagemaker.admin("POST", "seed", count=6, spacing_seconds=10, ended_seconds_ago=100) == (200, {"added": 6})
    assert sagemaker.admin("POST", "seed", count=6) == (200, {"added": 0})
    summaries = (await sagemaker("ListTrainingJobs"))["TrainingJobSummaries"]
    assert summaries[0]["TrainingEndTime"] == start - 100
    assert [each["CreationTime"] for each in summaries] == [start - 400 - 10 * number for number in range(6)]
    assert {each["TrainingJobStatus"] for each in summaries} == {"Completed", "Failed", "Stopped"}
    described = await sagemaker.describe(summaries[0]["TrainingJobName"])
    assert described["RoleArn"] == "arn:aws:iam::123456789012:role/history"


async def test_reset_forgets_everything(sagemaker):
    await sagemaker.create("job")
    sagemaker.admin("POST", "faults", kind="throttle", after=10)
    sagemaker.admin("POST", "jobs/*/outcome", seconds=1)
    sagemaker.admin("POST", "reset")
    assert sagemaker.admin("GET", "calls")[1]["total"] == 0
    assert sagemaker.admin("GET", "jobs")[1] == {"jobs": []}
    await sagemaker.create("job")
    sagemaker.advance(30)
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "InProgress"


async def test_the_clock_goes_forward_only(sagemaker, start):
    assert sagemaker.admin("POST", "clock/advance", seconds=5) == (200, {"now": start + 5})
    assert sagemaker.admin("POST", "clock/advance", seconds=-1)[0] == 400
    assert sagemaker.admin("GET", "health")[1] == {
        "status": "ok",
        "mode": "lifecycle-only",
        "now": start + 5,
        "jobs": 0,
    }


async def test_settings_that_can_be_changed(sagemaker):
    assert sagemaker.admin("POST", "settings", list_lag_seconds=5) == (200, {})
    await sagemaker.create("job")
    assert (await sagemaker("ListTrainingJobs"))["TrainingJobSummaries"] == []
    assert sagemaker.admin("POST", "settings", work_dir="/")[0] == 400


async def test_quotas_that_can_be_changed(sagemaker):
    sagemaker.admin("POST", "quotas", named="aws")
    for _ in range(4):
        await sagemaker("ListTrainingJobs")
    assert (await sagemaker.refused("ListTrainingJobs")).code == "ThrottlingException"
    sagemaker.admin("POST", "quotas", named="off")
    await sagemaker("ListTrainingJobs")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "nonsense"), ("PUT", "faults"), ("POST", "jobs/missing/interrupt"), ("POST", "jobs/missing/fail")],
)
async def test_what_is_not_there(sagemaker, method, path):
    status, reply = sagemaker.admin(method, path, reason="x")
    assert status == 404
    assert reply["error"]


async def test_outcomes_are_for_lifecycle_only(sagemaker):
    sagemaker.service.settings = type(sagemaker.service.settings)(lifecycle_only=False)
    assert sagemaker.admin("POST", "jobs/*/outcome", seconds=1) == (
        400,
        {"error": "outcomes are scripted only with --lifecycle-only"},
    )
