"""A status never lies: what the operator can't see, it says that it can't see."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.jobs import attempts, ready, statuses

from .world import World, fetch

ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}


def test_a_blind_operator_says_so(hasty: World) -> None:
    """Readiness, status and Events turn red while List fails, and back when it works again."""
    hasty.jobs.create("digits")
    hasty.jobs.wait_reason("digits", "InProgress")
    hasty.eventually(lambda: hasty.page("readyz") == (200, "ok\n"), "ready")
    hasty.aws.fault("server-error", operation="ListTrainingJobs")
    stale = hasty.jobs.wait_reason("digits", "StatusStale")
    assert statuses(stale) == ON_THE_WAY
    assert "ListTrainingJobs" in ready(stale)["message"]
    assert "Last known" in ready(stale)["message"]
    assert "may be old" in hasty.jobs.wait_event("digits", "StatusStale")
    hasty.eventually(lambda: hasty.page("readyz")[0] == 503, "not ready")
    assert hasty.page("healthz")[0] == 200
    hasty.aws.clear_faults()
    hasty.jobs.wait_reason("digits", "InProgress")
    hasty.eventually(lambda: hasty.page("readyz")[0] == 200, "ready again")


def test_what_ended_while_it_was_blind_is_told_then(hasty: World) -> None:
    hasty.jobs.create("digits")
    name = hasty.jobs.wait_reason("digits", "InProgress")["status"]["trainingJobName"]
    hasty.aws.fault("access-denied", operation="ListTrainingJobs")
    hasty.jobs.wait_reason("digits", "StatusStale")
    hasty.aws.fail(name, reason="AlgorithmError: meanwhile")
    hasty.aws.clear_faults()
    hasty.jobs.wait_reason("digits", "JobFailed")


def test_a_failing_describe_does_not_hide_behind_list(hasty: World) -> None:
    """List tells that it has ended; how, only Describe can tell."""
    hasty.jobs.create("digits")
    name = hasty.jobs.wait_reason("digits", "InProgress")["status"]["trainingJobName"]
    hasty.fault("server-error", "DescribeTrainingJob")
    hasty.aws.fail(name, reason="AlgorithmError: meanwhile")
    unseen = hasty.jobs.wait_reason("digits", "ServiceUnavailable")
    assert "DescribeTrainingJob" in ready(unseen)["message"]
    assert statuses(unseen) == ON_THE_WAY
    hasty.aws.clear_faults()
    hasty.jobs.wait_reason("digits", "JobFailed")


@pytest.mark.parametrize("fault", ["drop", "throttle"])
def test_started_blind_it_says_so_too(alone: Callable[..., World], fault: str) -> None:
    """A restarted operator remembers nothing: what the last one wrote is old until the first sweep succeeds."""
    world = alone(SAGEBRIDGE_STALE_AFTER_SECONDS="1")
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.operator.kill()
    world.aws.fault(fault, operation="ListTrainingJobs")
    world.operator.ensure()
    world.jobs.wait_reason("digits", "StatusStale")
    world.aws.clear_faults()
    world.jobs.wait_reason("digits", "InProgress")


def test_what_list_shows_late_is_looked_at(world: World) -> None:
    """List lags behind Create by minutes at times; the job is there all the same."""
    world.aws.settings(list_lag_seconds=600.0)
    world.script(seconds=1)
    world.jobs.create("digits")
    done = world.jobs.wait_reason("digits", "Completed")
    assert [attempt["status"] for attempt in attempts(done)] == ["Completed"]


def test_a_short_lag_costs_no_describe(alone: Callable[..., World]) -> None:
    """In an account of one page: where a late job wants another page read, a Describe is the cheaper look."""
    world = alone()
    world.aws.settings(list_lag_seconds=0.2)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    sweeps = world.metric("sagebridge_aws_calls_total", operation="ListTrainingJobs")
    world.eventually(
        lambda: world.metric("sagebridge_aws_calls_total", operation="ListTrainingJobs") > sweeps + 3, "sweeps"
    )
    assert world.count("DescribeTrainingJob") <= 1
    assert world.jobs.get("digits")["status"]["trainingJobStatus"] == "InProgress"  # type: ignore[index]


def test_the_pages_are_there(world: World) -> None:
    assert fetch(f"{world.operator.url}/healthz") == (200, "ok\n")
    assert fetch(f"{world.operator.url}/nothing")[0] == 404
