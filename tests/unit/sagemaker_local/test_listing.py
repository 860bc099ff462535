"""ListTrainingJobs: slices first, filters after."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sagebridge_local.sagemaker.clock import ManualClock
from sagebridge_local.sagemaker.history import History, seed
from sagebridge_local.sagemaker.service import LocalSageMaker
from sagebridge_local.sagemaker.settings import ServerSettings


async def names(sagemaker, **request):
    reply = await sagemaker("ListTrainingJobs", **request)
    return [summary["TrainingJobName"] for summary in reply["TrainingJobSummaries"]]


async def pages(sagemaker, **request):
    """Every page of a query, as lists of names."""
    collected, token = [], {}
    while True:
        reply = await sagemaker("ListTrainingJobs", **request, **token)
        collected.append([summary["TrainingJobName"] for summary in reply["TrainingJobSummaries"]])
        if "NextToken" not in reply:
            return collected
        token = {"NextToken": reply["NextToken"]}


@pytest.fixture
async def five(sagemaker):
    """Jobs a to e, created ten seconds apart; only d still runs."""
    for name in "abcde":
        if name == "d":
            sagemaker.admin("POST", "jobs/d/outcome", seconds=10_000)
        if name == "b":
            sagemaker.admin("POST", "jobs/b/outcome", outcome="Failed")
        await sagemaker.create(name)
        sagemaker.advance(10)
    sagemaker.advance(100)
    return sagemaker


async def test_a_summary_has_what_the_api_says(sagemaker, start):
    await sagemaker.create("job")
    sagemaker.advance(100)
    assert (await sagemaker("ListTrainingJobs"))["TrainingJobSummaries"] == [
        {
            "TrainingJobName": "job",
            "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/job",
            "CreationTime": start,
            "LastModifiedTime": start + 60,
            "TrainingEndTime": start + 60,
            "TrainingJobStatus": "Completed",
            "SecondaryStatus": "Completed",
        }
    ]


async def test_the_newest_come_first_by_default(five):
    assert await names(five) == ["e", "d", "c", "b", "a"]


@pytest.mark.parametrize(
    ("order", "want"),
    [
        ({"SortBy": "CreationTime", "SortOrder": "Ascending"}, "abcde"),
        ({"SortBy": "CreationTime", "SortOrder": "Descending"}, "edcba"),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, "abcde"),
        ({"SortBy": "Name", "SortOrder": "Descending"}, "edcba"),
        ({"SortBy": "Status", "SortOrder": "Ascending"}, "acebd"),
        ({"SortBy": "Status", "SortOrder": "Descending"}, "dbeca"),
    ],
)
async def test_orders(five, order, want):
    assert "".join(await names(five, **order)) == want
    assert ["".join(page) for page in await pages(five, MaxResults=2, **order)] == [want[:2], want[2:4], want[4:]]


async def test_filters_apply_after_slicing_so_pages_may_be_empty_and_go_on(five):
    assert await pages(five, MaxResults=1, StatusEquals="InProgress") == [[], ["d"], [], [], []]
    assert await pages(five, MaxResults=2, NameContains="a") == [[], [], ["a"]]


@pytest.mark.parametrize(
    ("filters", "want"),
    [
        ({"StatusEquals": "Failed"}, "b"),
        ({"StatusEquals": "Stopped"}, ""),
        ({"NameContains": "c"}, "c"),
        ({"NameContains": "C"}, ""),
        ({"LastModifiedTimeAfter": 1_800_000_085}, "e"),
        ({"LastModifiedTimeBefore": 1_800_000_068}, "dba"),
        ({"WarmPoolStatusEquals": "Available"}, ""),
        ({"TrainingPlanArnEquals": "arn:aws:sagemaker:us-east-1:123456789012:training-plan/plan"}, ""),
    ],
)
async def test_filters(five, filters, want):
    assert "".join(await names(five, **filters)) == want


async def test_creation_times_bound_what_is_sliced_and_exclude_the_instants_themselves(five, start):
    bounds = {"CreationTimeAfter": start + 10, "CreationTimeBefore": start + 40}
    assert await pages(five, MaxResults=1, **bounds) == [["d"], ["c"]]
    assert await pages(five, MaxResults=10, SortBy="Name", **bounds) == [["d", "c"]]
    assert await names(five, CreationTimeAfter=start + 40) == []


async def test_last_modified_after_does_not_bound_what_is_sliced(five, start):
    """The trap of https://github.com/aws/aws-cli/issues/7596: the whole history is walked, page by empty page."""
    assert await pages(five, MaxResults=1, LastModifiedTimeAfter=start + 10_000) == [[], [], [], [], []]


async def test_a_page_has_ten_jobs_by_default_and_a_hundred_at_most(sagemaker):
    seed(sagemaker.service, History(count=150))
    assert len(await names(sagemaker)) == 10
    assert len(await names(sagemaker, MaxResults=100)) == 100
    assert (await sagemaker.refused("ListTrainingJobs", MaxResults=101)).code == "ValidationException"


@pytest.mark.parametrize("token", ["nonsense", "bm9uc2Vuc2U=", "ü"])
async def test_a_token_that_was_not_issued_is_refused(five, token):
    error = await five.refused("ListTrainingJobs", NextToken=token)
    assert error.code == "ValidationException"
    assert "NextToken" in error.message


async def test_a_token_belongs_to_its_query_but_the_page_size_may_change(five):
    token = (await five("ListTrainingJobs", MaxResults=2))["NextToken"]
    assert await names(five, MaxResults=3, NextToken=token) == ["c", "b", "a"]
    error = await five.refused("ListTrainingJobs", NextToken=token, StatusEquals="Failed")
    assert error.code == "ValidationException"


async def test_jobs_created_meanwhile_do_not_shift_pages(five):
    token = (await five("ListTrainingJobs", MaxResults=2))["NextToken"]
    await five.create("f")
    assert await names(five, NextToken=token) == ["c", "b", "a"]


async def test_jobs_deleted_meanwhile_do_not_end_paging(five):
    token = (await five("ListTrainingJobs", MaxResults=3))["NextToken"]
    await five("DeleteTrainingJob", TrainingJobName="c")
    assert await names(five, NextToken=token) == ["b", "a"]


async def test_a_new_job_may_take_a_while_to_be_listed(make_caller):
    sagemaker = make_caller(list_lag_seconds=5)
    await sagemaker.create("job")
    assert await names(sagemaker) == []
    assert (await sagemaker.describe("job"))["TrainingJobStatus"] == "InProgress"
    sagemaker.advance(5)
    assert await names(sagemaker) == ["job"]


async def test_an_open_job_among_tens_of_thousands_of_foreign_ones_is_found_by_its_creation_time(sagemaker, start):
    seed(sagemaker.service, History(count=30_000))
    await sagemaker.create("mine")
    assert await pages(sagemaker, MaxResults=100, CreationTimeAfter=start - 1) == [["mine"]]
    assert len(await pages(sagemaker, MaxResults=100, StatusEquals="InProgress")) == 301


created = st.lists(st.integers(min_value=0, max_value=20), max_size=40)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    gaps=created,
    page=st.integers(min_value=1, max_value=7),
    order=st.sampled_from(["CreationTime", "Name", "Status"]),
    direction=st.sampled_from(["Ascending", "Descending"]),
)
async def test_pages_hold_every_job_once_and_in_order(sagemaker, gaps, page, order, direction):
    fresh = LocalSageMaker(ServerSettings(lifecycle_only=True), clock=ManualClock(1000.0))
    caller = type(sagemaker)(fresh)
    for number, gap in enumerate(gaps):
        await caller.create(f"job-{number * 7 % 41:02d}")
        caller.advance(gap)
    query = {"SortBy": order, "SortOrder": direction}
    whole = await names(caller, MaxResults=100, **query)
    paged = [name for each in await pages(caller, MaxResults=page, **query) for name in each]
    assert paged == whole
    assert len(set(whole)) == len(gaps)
