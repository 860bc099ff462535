"""What the operator tells of itself: every documented metric, with the right values; and what a job costs in calls."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import kubernetes
from prometheus_client.parser import text_string_to_metric_families
from support.jobs import spec

from .world import World

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>[^|]*) \|", re.MULTILINE)
JOBS = 20
POLL_SECONDS = 4
QUICK_LEASE = {"SAGEBRIDGE_LEASE_DURATION_SECONDS": "9"}


def renewals(world: World, count: int) -> None:
    """Let time pass: so many renewals of the Lease, one in three seconds."""
    api = kubernetes.client.CoordinationV1Api(world.cluster.client)
    seen: set[str] = set()

    def renewed() -> bool:
        seen.add(str(api.read_namespaced_lease("sagebridge", world.namespace).spec.renew_time))
        return len(seen) > count

    world.eventually(renewed, "renewals")


def test_twenty_lives_cost_few_calls_and_none_at_rest(alone: Callable[..., World]) -> None:
    world = alone(**QUICK_LEASE, SAGEBRIDGE_POLL_INTERVAL_SECONDS=str(POLL_SECONDS))
    world.aws.seed(5_000)
    world.aws.clear_calls()
    world.script(seconds=3)
    begun = time.monotonic()
    for number in range(JOBS):
        world.jobs.create(f"digits-{number}")
    for number in range(JOBS):
        world.jobs.wait_reason(f"digits-{number}", "Completed")
    calls = world.aws.calls()
    most_rounds = (time.monotonic() - begun) / POLL_SECONDS + 1
    counted = {operation: sum(outcomes.values()) for operation, outcomes in calls["operations"].items()}
    assert counted.keys() == {"CreateTrainingJob", "ListTrainingJobs", "DescribeTrainingJob"}
    assert (counted["CreateTrainingJob"], counted["DescribeTrainingJob"]) == (JOBS, JOBS)
    assert counted["ListTrainingJobs"] <= most_rounds, "one a round, for all jobs"
    renewals(world, 2)
    assert world.aws.calls()["total"] == calls["total"]


def test_every_documented_metric_is_there(world: World) -> None:
    documented = {row["name"]: (row["kind"], row["labels"]) for row in ROW.finditer(REFERENCE.read_text())}
    assert documented
    page = world.page("metrics")[1]
    types = dict(re.findall(r"^# TYPE (sagebridge_\w+) (\w+)$", page, re.MULTILINE))
    ours = {name: kind for name, kind in types.items() if not name.endswith("_created")}
    assert ours == {name: kind for name, (kind, _) in documented.items()}
    for family in text_string_to_metric_families(page):
        row = documented.get(family.name) or documented.get(f"{family.name}_total")
        for sample in family.samples if row else ():
            assert sample.labels.keys() - {"le"} == set(re.findall(r"`(\w+)`", row[1])), sample  # type: ignore[index]


def test_the_values_are_right(alone: Callable[..., World]) -> None:
    world = alone()
    world.script(seconds=1)
    world.fault("throttle", "CreateTrainingJob", count=2)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "Completed")
    world.script(seconds=0, outcome="Failed", failure_reason="AlgorithmError: x")
    world.jobs.create("broken")
    world.jobs.wait_reason("broken", "JobFailed")
    world.jobs.create("suspended", spec(runPolicy={"suspend": True}))
    world.jobs.wait_reason("suspended", "Suspended")
    world.jobs.create("invalid", spec(algorithmSpecification=None, algorithm={"name": "xgbost"}))
    world.jobs.wait_reason("invalid", "InvalidSpec")
    world.script(seconds=600)
    world.jobs.create("running")
    world.jobs.wait_reason("running", "InProgress")

    create = {"operation": "CreateTrainingJob"}
    assert world.metric("sagebridge_aws_calls_total", **create, code="OK") == 3
    assert world.metric("sagebridge_aws_calls_total", **create, code="ThrottlingException") == 2
    assert world.metric("sagebridge_aws_throttles_total", **create) == 2
    assert world.metric("sagebridge_aws_call_seconds_count", **create) == 5
    assert world.metric("sagebridge_aws_waiting", **create) == 0
    # The last status may be read before the operator has heard that it is written.
    for state in ("Complete", "Failed", "Stalled", "Suspended", "Reconciling"):
        world.eventually(
            lambda state=state: world.metric("sagebridge_objects", kind="TrainingJob", state=state) == 1, state
        )
    assert world.metric("sagebridge_objects") == 5
    assert world.metric("sagebridge_status_lag_seconds_count", kind="TrainingJob") >= 2
    assert world.metric("sagebridge_reconcile_seconds_count", kind="TrainingJob") >= 5
    assert world.metric("sagebridge_reconcile_errors_total", error="unexpected") == 0
    swept = {"kind": "TrainingJob", "region": "us-east-1"}  # gone when no job was open, and back with the next sweep
    world.eventually(lambda: world.metric("sagebridge_poller_last_success_timestamp_seconds", **swept) > 0, "a sweep")
    assert world.metric("sagebridge_leader") == 1


def test_what_is_gone_is_no_longer_counted(alone: Callable[..., World]) -> None:
    world = alone()
    world.script(seconds=0)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "Completed")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")
    world.eventually(lambda: world.metric("sagebridge_objects") == 0, "none counted")
