"""Every documented failure of an endpoint: its condition, its reason, its Event, and that it is got over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.endpoints import spec, variant
from support.jobs import Job, ready, statuses

from .serving import Serving
from .world import World

STALLED = {"Ready": "False", "Stalled": "True"}
ON_THE_WAY = {"Ready": "False", "Reconciling": "True"}
SERVES = {"Ready": "True"}
QUOTA = "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances"
SCALING = {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100}
DENIED = {"kind": "access-denied"}
REJECTED = {"kind": "error", "code": "ValidationException", "message": "no such subnet"}
FULL = {"kind": "error", "code": "ResourceLimitExceeded", "message": QUOTA}


@pytest.fixture
def serving(world: World) -> Iterator[Serving]:
    yield from _serving(world)


@pytest.fixture
def hurried_serving(hasty: World) -> Iterator[Serving]:
    yield from _serving(hasty)


def _serving(world: World) -> Iterator[Serving]:
    found = Serving.of(world)
    yield found
    world.aws.clear_faults()
    for one in found.objects.list():
        found.objects.delete(one["metadata"]["name"])


def fault(serving: Serving, operation: str, *, kind: str, **facts: Any) -> None:
    serving.world.fault(kind, operation, **facts)


CASES = [
    ("access denied", "CreateModel", DENIED, "AccessDenied", STALLED, "sagemaker:CreateModel"),
    ("access denied", "CreateEndpointConfig", DENIED, "AccessDenied", STALLED, "docs/tenancy.md"),
    ("access denied", "CreateEndpoint", DENIED, "AccessDenied", STALLED, "CreateEndpoint"),
    ("validation", "CreateModel", REJECTED, "Rejected", STALLED, "no such subnet"),
    ("validation", "CreateEndpointConfig", REJECTED, "Rejected", STALLED, "Correct the manifest"),
    ("validation", "CreateEndpoint", REJECTED, "Rejected", STALLED, "no such subnet"),
    ("a quota", "CreateModel", FULL, "QuotaExceeded", ON_THE_WAY, "Service Quotas"),
    ("a quota", "CreateEndpointConfig", FULL, "QuotaExceeded", ON_THE_WAY, QUOTA),
    ("a quota", "CreateEndpoint", FULL, "QuotaExceeded", ON_THE_WAY, QUOTA),
    ("throttling", "CreateModel", {"kind": "throttle"}, "Throttled", ON_THE_WAY, "trying again"),
    ("throttling", "CreateEndpoint", {"kind": "throttle"}, "Throttled", ON_THE_WAY, "trying again"),
    ("an internal error", "CreateEndpoint", {"kind": "server-error"}, "ServiceUnavailable", ON_THE_WAY, "again"),
    ("no connection", "CreateModel", {"kind": "drop"}, "ServiceUnavailable", ON_THE_WAY, "trying again"),
    ("a reply that is lost", "CreateEndpoint", {"kind": "lost-reply"}, "ServiceUnavailable", ON_THE_WAY, "again"),
    ("nonsense", "CreateEndpointConfig", {"kind": "malformed"}, "ServiceUnavailable", ON_THE_WAY, "trying again"),
]


@pytest.mark.parametrize(
    ("reason", "operation", "facts", "want", "conditions", "words"),
    CASES,
    ids=[f"{case[1]}: {case[0]}" for case in CASES],
)
def test_making_it_is_refused(
    serving: Serving,
    reason: str,
    operation: str,
    facts: dict[str, Any],
    want: str,
    conditions: dict[str, str],
    words: str,
) -> None:
    passes = conditions is ON_THE_WAY and want != "QuotaExceeded"
    fault(serving, operation, **facts, **({"count": 1} if passes else {}))
    serving.objects.create("scores", spec())
    job = serving.objects.wait_reason("scores", want)
    assert statuses(job) == conditions, reason
    assert operation in ready(job)["message"]
    assert words in ready(job)["message"]
    assert operation in serving.objects.wait_event("scores", want)
    serving.world.aws.clear_faults()
    serving.objects.annotate("scores", reconcile_at="now")
    serving.at_rest()
    assert len(serving.endpoints()) == 1
    assert len(serving.configs()) == 1
    assert len(serving.models()) == 1


@pytest.mark.parametrize(
    ("reason", "operation", "facts", "want", "conditions"),
    [
        ("access denied", "UpdateEndpoint", DENIED, "AccessDenied", STALLED),
        ("validation", "UpdateEndpoint", REJECTED, "Rejected", STALLED),
        ("a quota", "UpdateEndpoint", FULL, "QuotaExceeded", ON_THE_WAY),
        ("access denied to what it needs", "CreateModel", DENIED, "AccessDenied", STALLED),
        ("access denied to weights", "UpdateEndpointWeightsAndCapacities", DENIED, "AccessDenied", STALLED),
    ],
)
def test_changing_it_is_refused_while_the_old_version_serves(
    serving: Serving, reason: str, operation: str, facts: dict[str, Any], want: str, conditions: dict[str, str]
) -> None:
    serving.objects.create("scores", spec())
    config = serving.at_rest()["status"]["endpointConfigName"]
    fault(serving, operation, **facts)
    heavier = operation == "UpdateEndpointWeightsAndCapacities"
    edit = spec(variant("a", initialInstanceCount=2)) if heavier else spec(data="2")
    serving.objects.patch("scores", {"spec": edit})
    job = serving.objects.wait_reason("scores", want)
    assert statuses(job) == conditions, reason
    assert operation in serving.objects.wait_event("scores", want)
    described = serving.described()
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", config)
    serving.objects.patch("scores", {"spec": spec()})
    assert serving.at_rest()["status"]["endpointConfigName"] == config, "going back clears it"


@pytest.mark.parametrize(
    ("reason", "why", "want", "conditions"),
    [
        ("capacity", "CapacityError: no ml.m5.large left", "RetryPending", ON_THE_WAY),
        ("AWS's own fault", "InternalServerError: sorry", "RetryPending", ON_THE_WAY),
        ("the container", "The container did not answer /ping.", "EndpointFailed", STALLED),
    ],
)
def test_its_creation_fails(serving: Serving, reason: str, why: str, want: str, conditions: dict[str, str]) -> None:
    serving.script(seconds=0.2, outcome="Failed", failure_reason=why)
    serving.objects.create("scores", spec())
    job = serving.objects.wait_reason("scores", want)
    assert statuses(job) == conditions, reason
    assert why in ready(job)["message"]
    assert why in serving.objects.wait_event("scores", want)
    assert job["status"]["lastFailure"]["message"] == why
    assert job["status"]["failureReason"] == why
    serving.script(seconds=0.2, delete_seconds=0.2)
    serving.objects.annotate("scores", reconcile_at="now")
    serving.at_rest()
    assert serving.world.count("DeleteEndpoint") == 1
    assert len(serving.endpoints()) == 1


def test_its_update_fails_for_capacity_and_is_tried_when_asked(serving: Serving) -> None:
    serving.objects.create("scores", spec())
    serving.at_rest()
    serving.script(seconds=0.2, outcome="Failed", failure_reason="CapacityError: none left")
    serving.objects.patch("scores", {"spec": spec(data="2")})
    job = serving.objects.wait_reason("scores", "UpdateFailed")
    assert statuses(job) == STALLED
    assert "goes on serving: CapacityError: none left" in ready(job)["message"]
    serving.script(seconds=0.2)
    serving.objects.annotate("scores", reconcile_at="now")
    assert serving.at_rest()["status"]["lastFailure"]["resolved"] is True


def test_its_tags_are_refused(serving: Serving) -> None:
    serving.objects.create("scores", spec())
    serving.at_rest()
    fault(serving, "AddTags", **DENIED)
    serving.objects.patch("scores", {"spec": {"tags": [{"key": "team", "value": "b"}]}})
    job = serving.objects.wait("scores", lambda one: "TagsApplied" in statuses(one), what="TagsApplied")
    assert statuses(job) == SERVES | {"TagsApplied": "False"}
    assert "team" in serving.objects.wait_event("scores", "TagsRejected")
    serving.world.aws.clear_faults()
    serving.objects.annotate("scores", reconcile_at="now")
    job = serving.objects.wait("scores", lambda one: "TagsApplied" not in statuses(one), what="tagged")
    assert statuses(job) == SERVES


def stalled_at_last(serving: Serving) -> Callable[[Job], bool]:
    """Have the object looked at again each time this is asked, since the pauses are long."""

    def holds(job: Job) -> bool:
        serving.objects.annotate("scores", reconcile_at=job["metadata"]["resourceVersion"])
        return "Stalled" in statuses(job)

    return holds


def test_a_quota_is_waited_for_then_somebody_has_to_act(hurried_serving: Serving) -> None:
    serving = hurried_serving
    fault(serving, "CreateEndpoint", **FULL)
    serving.objects.create("scores", spec())
    assert QUOTA in ready(serving.objects.wait_reason("scores", "QuotaExceeded"))["message"]
    stalled = serving.objects.wait("scores", stalled_at_last(serving), what="Stalled")
    assert (statuses(stalled), ready(stalled)["reason"]) == (STALLED, "QuotaExceeded")
    serving.world.aws.clear_faults()
    serving.objects.annotate("scores", reconcile_at="at last")
    serving.at_rest()


def test_access_is_looked_for_again_by_itself(hurried_serving: Serving) -> None:
    serving = hurried_serving
    fault(serving, "CreateEndpointConfig", **DENIED)
    serving.objects.create("scores", spec())
    serving.objects.wait_reason("scores", "AccessDenied")
    serving.world.eventually(lambda: serving.world.count("CreateEndpointConfig") >= 3, "looked at again")
    serving.world.aws.clear_faults()
    serving.at_rest()


def test_a_deletion_that_is_refused_is_given_up_and_reported(hurried_serving: Serving) -> None:
    serving = hurried_serving
    serving.objects.create("scores", spec())
    name = serving.at_rest()["status"]["endpointName"]
    fault(serving, "DeleteEndpoint", **DENIED)
    serving.objects.delete("scores")
    assert "DeleteEndpoint" in serving.objects.wait_event("scores", "DeletionBlocked")
    serving.objects.wait_gone("scores")
    assert serving.endpoints() == {name}
    assert serving.world.metric("sagebridge_orphaned_total", kind="Endpoint") >= 1


def test_a_blind_operator_says_so(hurried_serving: Serving) -> None:
    serving = hurried_serving
    world = serving.world
    serving.objects.create("scores", spec(variant("a", autoscaling=SCALING)))
    serving.at_rest()
    world.eventually(lambda: world.page("readyz") == (200, "ok\n"), "ready")
    world.aws.fault("server-error", operation="ListEndpoints")
    job = serving.objects.wait_reason("scores", "StatusStale")
    assert statuses(job) == {"Ready": "Unknown", "Reconciling": "True"}
    assert "may be old: ListEndpoints" in ready(job)["message"]
    assert "may be old" in serving.objects.wait_event("scores", "StatusStale")
    world.eventually(lambda: world.page("readyz")[0] == 503, "not ready")
    assert world.page("healthz")[0] == 200
    world.aws.clear_faults()
    assert statuses(serving.at_rest()) == SERVES
    world.eventually(lambda: world.page("readyz")[0] == 200, "ready again")


def test_what_it_is_counted_in(serving: Serving) -> None:
    world = serving.world

    def changes() -> float:
        return world.metric("sagebridge_endpoint_change_seconds_count", change="Create", outcome="Succeeded")

    before = changes()
    serving.objects.create("scores", spec())
    serving.at_rest()
    assert changes() == before + 1
    assert world.metric("sagebridge_objects", kind="Endpoint", state="Ready") >= 1
    assert world.metric("sagebridge_reconcile_seconds_count", kind="Endpoint") >= 1
    world.eventually(
        lambda: world.metric("sagebridge_poller_last_success_timestamp_seconds", kind="Endpoint"), "a sweep"
    )
