"""What AWS refuses, and what passes by itself: the classes of errors of api.md, as objects show them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.jobs import attempts, ready, spec, statuses

from .world import World

Job = dict[str, Any]
STALLED = {"Ready": "False", "Stalled": "True"}
ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}
QUOTA = "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances"


def stalled_at_last(world: World) -> Callable[[Job], bool]:
    """Have the object looked at again each time this is asked, since the pauses are long."""

    def holds(job: Job) -> bool:
        world.jobs.annotate("digits", reconcile_at=job["metadata"]["resourceVersion"])
        return "Stalled" in statuses(job)

    return holds


def test_access_denied_says_what_to_do_and_is_looked_at_again(hasty: World) -> None:
    hasty.fault("access-denied", "CreateTrainingJob")
    hasty.jobs.create("digits")
    denied = hasty.jobs.wait_reason("digits", "AccessDenied")
    assert statuses(denied) == STALLED
    assert "sagemaker:CreateTrainingJob" in ready(denied)["message"]
    assert "docs/tenancy.md" in ready(denied)["message"]
    assert attempts(denied) == []
    hasty.eventually(lambda: hasty.count("CreateTrainingJob") >= 3, "looked at again")
    hasty.aws.clear_faults()
    hasty.jobs.wait_reason("digits", "InProgress")
    assert len(hasty.made()) == 1


def test_what_the_user_has_to_mend_is_not_retried_soon(world: World) -> None:
    world.fault("error", "CreateTrainingJob", code="ValidationException", message="no such subnet")
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "Rejected")
    world.jobs.create("other")
    world.jobs.wait_reason("other", "Rejected")
    assert world.count("CreateTrainingJob") == 2


def test_a_quota_is_waited_for_then_somebody_has_to_act(hasty: World) -> None:
    hasty.fault("error", "CreateTrainingJob", code="ResourceLimitExceeded", message=QUOTA)
    hasty.jobs.create("digits")
    waiting = hasty.jobs.wait_reason("digits", "QuotaExceeded")
    assert QUOTA in ready(waiting)["message"]
    assert "Service Quotas" in ready(waiting)["message"]
    stalled = hasty.jobs.wait("digits", stalled_at_last(hasty), what="Stalled")
    assert ready(stalled)["reason"] == "QuotaExceeded"
    assert statuses(stalled) == STALLED
    hasty.aws.clear_faults()
    hasty.jobs.annotate("digits", reconcile_at="at last")
    hasty.jobs.wait_reason("digits", "InProgress")
    assert len(hasty.made()) == 1


def test_a_quota_within_its_grace_is_no_failure(world: World) -> None:
    world.fault("error", "CreateTrainingJob", code="ResourceLimitExceeded", message=QUOTA, count=1)
    world.jobs.create("digits")
    waiting = world.jobs.wait_reason("digits", "QuotaExceeded")
    assert statuses(waiting) == ON_THE_WAY
    world.jobs.wait_event("digits", "QuotaExceeded")
    world.jobs.annotate("digits", reconcile_at="now")
    world.jobs.wait_reason("digits", "InProgress")


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("throttle", "Throttled"),
        ("server-error", "ServiceUnavailable"),
        ("drop", "ServiceUnavailable"),
        ("malformed", "ServiceUnavailable"),
        ("lost-reply", "ServiceUnavailable"),
    ],
)
def test_what_passes_by_itself(world: World, kind: str, reason: str) -> None:
    world.fault(kind, "CreateTrainingJob", count=1)
    world.jobs.create("digits")
    waiting = world.jobs.wait_reason("digits", reason)
    assert statuses(waiting) == ON_THE_WAY
    assert "CreateTrainingJob" in ready(waiting)["message"]
    assert ready(waiting)["message"].count("trying again") == 1
    assert len(attempts(waiting)) == 1
    world.jobs.wait_reason("digits", "InProgress")
    assert len(world.made()) == 1
    assert len(attempts(world.jobs.wait_reason("digits", "InProgress"))) == 1


@pytest.mark.parametrize("kind", ["throttle", "server-error", "drop", "malformed"])
def test_a_sweep_that_fails_does_no_harm(world: World, kind: str) -> None:
    world.aws.fault(kind, operation="ListTrainingJobs", count=2)
    world.aws.fault(kind, operation="DescribeTrainingJob", count=1)
    world.script(seconds=1)
    world.jobs.create("digits")
    done = world.jobs.wait_reason("digits", "Completed")
    assert [attempt["status"] for attempt in attempts(done)] == ["Completed"]


def test_many_throttled_creates_make_each_job_once(world: World) -> None:
    world.aws.quotas(rates={"CreateTrainingJob": [5, 1]})
    try:
        names = [f"digits-{number}" for number in range(8)]
        for name in names:
            world.jobs.create(name)
        for name in names:
            world.jobs.wait_reason(name, "InProgress")
    finally:
        world.aws.quotas("off")
    assert len(world.made()) == len(names)
    assert world.count("CreateTrainingJob", outcome="OK") == len(names)


# --- retries -----------------------------------------------------------------------------------------------------


def test_a_capacity_error_is_retried_until_the_limit(world: World) -> None:
    """Three objects at once, since pauses are long: one recovers, one does not, one fails of what is not listed."""
    world.aws.settings(capacity_wait_seconds=0)
    world.script(seconds=1)
    world.aws.outcome(f"{world.namespace}-unlisted-*", seconds=0, outcome="Failed", failure_reason="AlgorithmError: x")
    world.fault("capacity", "CreateTrainingJob", name=f"{world.namespace}-recovers-*", count=1)
    world.fault("capacity", "CreateTrainingJob", name=f"{world.namespace}-fails-*")
    once = {"retry": {"limit": 1, "errors": ["CapacityError"]}}
    for name in ("recovers", "fails", "unlisted"):
        world.jobs.create(name, spec(runPolicy=once))

    pending = world.jobs.wait_reason("recovers", "RetryPending")
    assert statuses(pending) == ON_THE_WAY
    assert "CapacityError" in ready(pending)["message"]
    assert "Retry 1 of 1" in ready(pending)["message"]
    assert "Retry 1 of 1" in world.jobs.wait_event("recovers", "RetryPending")
    unlisted = world.jobs.wait_reason("unlisted", "JobFailed")
    assert len(attempts(unlisted)) == 1

    done = world.jobs.wait_reason("recovers", "Completed")
    assert [(one["status"], one.get("reason")) for one in attempts(done)] == [
        ("Failed", "CapacityError"),
        ("Completed", None),
    ]
    assert "failureReason" not in done["status"]
    failed = world.jobs.wait_reason("fails", "JobFailed")
    assert [one["status"] for one in attempts(failed)] == ["Failed", "Failed"]
    assert statuses(failed) == {"Ready": "False", "Stalled": "True", "Failed": "True"}


def test_without_a_retry_policy_nothing_is_retried(world: World) -> None:
    world.aws.settings(capacity_wait_seconds=0)
    world.fault("capacity", "CreateTrainingJob", count=1)
    world.jobs.create("digits")
    failed = world.jobs.wait_reason("digits", "JobFailed")
    assert "CapacityError" in ready(failed)["message"]
    assert len(world.made()) == 1


def test_sagemakers_own_retries_are_left_to_it(world: World) -> None:
    world.jobs.create("digits", spec(retryStrategy={"maximumRetryAttempts": 3}))
    world.jobs.wait_reason("digits", "InProgress")
    assert world.made_one()["request"]["RetryStrategy"] == {"MaximumRetryAttempts": 3}


def test_suspended_between_attempts_no_other_follows(world: World) -> None:
    world.aws.settings(capacity_wait_seconds=0)
    world.fault("capacity", "CreateTrainingJob", count=1)
    world.jobs.create("digits", spec(runPolicy={"retry": {"limit": 1}}))
    world.jobs.wait_reason("digits", "RetryPending")
    world.jobs.patch("digits", {"spec": {"runPolicy": {"suspend": True}}})
    world.jobs.wait_reason("digits", "Suspended")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    assert len(world.made()) == 1
