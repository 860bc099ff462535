"""What AWS's answers mean for an endpoint that serves: what it says of itself, and what it goes on without."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.names import Owner
from sagebridge.engine.failures import FailureCounts
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.endpoints import Summary
from support.aws import Reply, error
from support.endpoint_bench import NAME, EndpointBench
from support.endpoints import spec, variant

DENIED = error("AccessDeniedException", "User: operator is not authorized")
BROKEN = Reply(status=500, body="{}")
SLOW = error("ThrottlingException", "Rate exceeded")


def metric(bench: EndpointBench, name: str, **labels: str) -> float:
    return bench.metrics.registry.get_sample_value(name, labels) or 0.0


# --- tags --------------------------------------------------------------------------------------------------------

TAGGED = spec(tags=[{"key": "team", "value": "b"}])


@pytest.mark.parametrize(
    ("reason", "refusal", "pause"),
    [
        ("access denied", DENIED, 600.0),
        ("a validation error", error("ValidationException", "Invalid tag"), 600.0),
        ("the quota of tags", error("ResourceLimitExceeded", "50 tags"), 30.0),
    ],
)
async def test_refused_tags_are_told_and_the_endpoint_serves_on(
    bench: EndpointBench, reason: str, refusal: Reply, pause: float
) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = refusal
    assert await bench.reconcile(TAGGED, seconds=3600) == pause, reason
    assert bench.verdict == ("True", "InService")
    refused = bench.condition("TagsApplied")
    assert (refused["status"], refused["reason"]) == ("False", "TagsRejected")
    assert "the tags team. AddTags: " in refused["message"]
    told = bench.event("TagsRejected")
    assert told is not None
    assert (told.kind, told.message) == ("Warning", refused["message"])

    bench.sagemaker.errors.clear()
    assert await bench.reconcile() is None
    assert bench.condition("TagsApplied") == {}
    assert bench.sagemaker.tags["team"] == "b"


async def test_a_refused_tag_that_is_taken_back_is_not_missed(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = DENIED
    await bench.reconcile(TAGGED)
    assert bench.condition("TagsApplied")["status"] == "False"
    assert await bench.reconcile(spec()) is None
    assert bench.condition("TagsApplied") == {}


async def test_tags_that_wait_for_their_turn_are_no_news(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = SLOW
    assert await bench.reconcile(TAGGED) == 1.0
    assert (bench.verdict, bench.condition("TagsApplied")) == (("True", "InService"), {})


async def test_a_tag_that_cannot_be_taken_off_is_told(bench: EndpointBench) -> None:
    await bench.reconcile(TAGGED)
    bench.sagemaker.errors["DeleteTags"] = DENIED
    await bench.reconcile(spec())
    assert bench.verdict == ("True", "InService")
    assert "the tags team. DeleteTags: " in bench.condition("TagsApplied")["message"]


async def test_refused_tags_do_not_hold_an_update_up(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["AddTags"] = DENIED
    await bench.reconcile(TAGGED)
    await bench.reconcile(spec(data="2", tags=TAGGED["tags"]))
    assert bench.sagemaker.names("UpdateEndpoint") == ["UpdateEndpoint"]
    assert bench.verdict == ("True", "InService")


# --- what nothing uses any more ----------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["DeleteEndpointConfig", "DeleteModel", "ListTags"])
async def test_what_cannot_be_cleaned_up_does_not_hide_that_it_serves(bench: EndpointBench, operation: str) -> None:
    await bench.reconcile(spec(history={"limit": 0}))
    bench.sagemaker.errors_after["UpdateEndpoint"] = {operation: DENIED}
    assert await bench.reconcile(spec(data="2", history={"limit": 0})) == 600.0
    assert bench.verdict == ("True", "InService")
    assert len(bench.status["revisions"]) == 2, "it is not forgotten"
    told = bench.event("CleanupBlocked")
    assert told is not None
    assert told.kind == "Warning"
    assert operation in told.message
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert len(bench.status["revisions"]) == 1


# --- how often it is tried again ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ("AddTags", {"tags": TAGGED["tags"]}),
        ("DeleteEndpointConfig", {"data": "2"}),
    ],
)
async def test_a_setback_that_does_not_pass_is_tried_ever_more_rarely(
    bench: EndpointBench, operation: str, changed: dict[str, Any]
) -> None:
    await bench.reconcile(spec(history={"limit": 0}))
    bench.sagemaker.errors[operation] = SLOW
    pauses = [await bench.reconcile(spec(history={"limit": 0}, **changed))]
    pauses += [await bench.reconcile() for _ in range(4)]
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert bench.verdict == ("True", "InService")
    bench.sagemaker.errors.clear()
    assert await bench.reconcile() is None
    assert bench.memory.failures == FailureCounts()


# --- staleness ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [DENIED, BROKEN, SLOW], ids=["denied", "broken", "throttled"])
async def test_a_status_that_nobody_could_check_for_long_says_so(bench: EndpointBench, refusal: Reply) -> None:
    await bench.reconcile()
    await bench.sweep()
    bench.sagemaker.errors["ListEndpoints"] = refusal
    await bench.sweep(seconds=300)
    assert bench.verdict == ("True", "InService"), "one sweep that fails says nothing"
    await bench.sweep(seconds=61)
    assert bench.verdict == ("Unknown", "StatusStale")
    assert bench.condition("Reconciling")["status"] == "True"
    message = bench.condition()["message"]
    assert message.startswith("This status may be old: ListEndpoints: ")
    config = bench.memory.job.status["endpointConfigName"]
    assert message.endswith(f"Last known: The endpoint is InService with {config} (revision 1).")
    told = bench.event("StatusStale")
    assert told is not None
    assert told.kind == "Warning"
    bench.sagemaker.errors.clear()
    await bench.sweep(seconds=10)
    assert bench.verdict == ("True", "InService")


async def test_an_endpoint_that_is_gone_is_not_shown_as_serving(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", autoscaling={"minCapacity": 1, "maxCapacity": 4, "targetValue": 5})))
    arn = bench.status["endpointArn"]
    bench.sagemaker.endpoint = None
    bench.sagemaker.errors["CreateEndpoint"] = error("ResourceLimitExceeded", "quota")
    bench.reconciler.forget("uid-1")
    await bench.reconcile()
    assert bench.verdict == ("False", "QuotaExceeded")
    shown = {"endpointStatus", "creationTime", "lastModifiedTime", "variants", "traffic", "replicas", "scalingPolicies"}
    assert not (shown | {"instanceTypes"}) & bench.status.keys()
    assert bench.status["endpointArn"] == arn, "its account is still to be asked"


async def test_what_changed_while_it_was_blind_is_seen_then(bench: EndpointBench) -> None:
    await bench.reconcile()
    await bench.sweep()
    bench.sagemaker.errors["ListEndpoints"] = BROKEN
    await bench.sweep(seconds=300)
    await bench.sweep(seconds=61)
    bench.sagemaker.errors.clear()
    bench.sagemaker.endpoint = None
    await bench.sweep(seconds=10)
    assert bench.sagemaker.names("CreateEndpoint").count("CreateEndpoint") == 2


async def test_a_restart_while_aws_is_away_does_not_say_that_it_has_stopped_serving(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.reconciler.forget("uid-1")
    bench.sagemaker.errors["DescribeEndpoint"] = BROKEN
    assert await bench.reconcile() == 1.0
    assert bench.verdict == ("True", "InService")
    await bench.reconcile(seconds=61)
    assert bench.verdict == ("Unknown", "StatusStale")
    await bench.reconcile(seconds=61)
    assert bench.condition()["message"].count("Last known") == 1
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert bench.verdict == ("True", "InService")


async def test_a_look_at_an_endpoint_that_may_be_another_s_is_as_good_as_none(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.reconciler.forget("uid-1")
    assert bench.sagemaker.endpoint is not None
    bench.sagemaker.endpoint["EndpointStatus"] = "Failed"
    bench.sagemaker.errors["ListTags"] = BROKEN
    await bench.reconcile()
    assert bench.verdict == ("True", "InService"), "one call that fails says nothing"
    await bench.reconcile(seconds=61)
    assert bench.verdict == ("Unknown", "StatusStale")
    bench.sagemaker.errors.clear()
    await bench.reconcile()
    assert bench.sagemaker.names("DeleteEndpoint") == ["DeleteEndpoint"], "it is known to be ours, and made anew"


async def test_a_new_spec_while_aws_is_away_waits(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.reconciler.forget("uid-1")
    bench.sagemaker.errors_after["UpdateEndpoint"] = {"DescribeEndpoint": BROKEN}
    await bench.reconcile(spec(data="2"))
    assert bench.verdict == ("False", "ServiceUnavailable")


async def test_readiness_knows_the_sweeps_of_endpoints(bench: EndpointBench) -> None:
    assert (bench.poller.rounds.seconds_since_last, bench.poller.rounds.seconds_since_success) == (0.0, 0.0)
    await bench.reconcile()
    await bench.sweep()
    bench.sagemaker.errors["ListEndpoints"] = BROKEN
    for _ in range(3):
        await bench.sweep(seconds=300)
    assert bench.poller.rounds.seconds_since_last == 0.0
    assert bench.poller.rounds.seconds_since_success == 900.0
    bench.sagemaker.errors.clear()
    await bench.sweep(seconds=10)
    assert bench.poller.rounds.seconds_since_success == 0.0


async def test_at_rest_nothing_is_asked_between_sweeps(bench: EndpointBench) -> None:
    await bench.reconcile()
    await bench.sweep()
    asked = len(bench.sagemaker.asked)
    for _ in range(20):
        await bench.sweep(seconds=10)
    assert len(bench.sagemaker.asked) == asked
    assert bench.poller.rounds.seconds_since_success == 0.0


class Hanging:
    """Never tells of any endpoint."""

    def __init__(self) -> None:
        self.asked = 0

    async def summaries(self, _: Handle) -> Mapping[str, Summary]:
        self.asked += 1
        await asyncio.Event().wait()
        return {}


async def test_a_sweep_that_hangs_does_not_hold_up_the_rounds(
    bench: EndpointBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.reconcile()
    await bench.sweep()
    hanging = Hanging()
    monkeypatch.setattr(bench.poller, "_service", hanging)
    monkeypatch.setattr(bench.poller.rounds, "interval", 0.1)
    for _ in range(3):
        await bench.sweep(seconds=300)
    assert hanging.asked == 1, "it is not asked a second time meanwhile"
    assert bench.poller.rounds.seconds_since_last == 0.0


# --- metrics -----------------------------------------------------------------------------------------------------


async def test_changes_are_measured_from_asking_to_their_end(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors_after["UpdateEndpoint"] = {"DescribeEndpoint": BROKEN}
    await bench.reconcile(spec(data="2"))
    bench.sagemaker.errors.clear()
    await bench.reconcile(seconds=40)
    counted = "sagebridge_endpoint_change_seconds_count"
    assert metric(bench, counted, change="Create", outcome="Succeeded") == 1
    assert metric(bench, counted, change="Update", outcome="Succeeded") == 1
    assert metric(bench, "sagebridge_endpoint_change_seconds_sum", change="Update", outcome="Succeeded") == 40


async def test_a_failed_update_is_measured_as_such(bench: EndpointBench) -> None:
    await bench.reconcile()
    good = bench.sagemaker.endpoint
    assert good is not None
    bench.sagemaker.errors_after["UpdateEndpoint"] = {"DescribeEndpoint": BROKEN}
    await bench.reconcile(spec(data="2"))
    bench.sagemaker.endpoint = good | {"FailureReason": "alarm errors", "LastModifiedTime": 1_800_000_000}
    bench.sagemaker.errors.clear()
    await bench.reconcile(seconds=5)
    assert bench.verdict == ("False", "UpdateFailed")
    assert metric(bench, "sagebridge_endpoint_change_seconds_count", change="Update", outcome="Failed") == 1


async def test_the_lag_of_a_change_that_a_sweep_finds_is_measured(bench: EndpointBench) -> None:
    await bench.reconcile()
    assert bench.sagemaker.endpoint is not None
    changed = bench.now.timestamp() + 296
    bench.sagemaker.endpoint |= {"LastModifiedTime": changed, "FailureReason": "somebody"}
    await bench.sweep()
    await bench.sweep(seconds=300)
    assert metric(bench, "sagebridge_status_lag_seconds_sum", kind="Endpoint") == 4.0


# --- before there is one -----------------------------------------------------------------------------------------


async def test_versions_of_an_endpoint_that_can_not_be_created_do_not_pile_up(bench: EndpointBench) -> None:
    bench.sagemaker.errors["CreateEndpoint"] = DENIED
    bench.sagemaker.tags = Owner(cluster="c", namespace="team-a", name=NAME, uid="uid-1").tags()
    for version in range(8):
        await bench.reconcile(spec(data=str(version)))
        assert bench.verdict == ("False", "AccessDenied")
    assert [one["outcome"] for one in bench.status["revisions"]] == ["Rejected", "Rejected"]
    assert bench.sagemaker.names("DeleteModel") == ["DeleteModel"] * 6
    assert bench.sagemaker.names("DeleteEndpointConfig") == ["DeleteEndpointConfig"] * 6

    del bench.sagemaker.errors["CreateEndpoint"]
    await bench.reconcile(spec(data="7"))
    await bench.reconcile()
    assert bench.verdict == ("True", "InService")


async def test_the_pauses_of_one_call_are_not_those_of_the_next(bench: EndpointBench) -> None:
    for operation in ("CreateModel", "CreateEndpointConfig", "CreateEndpoint"):
        bench.sagemaker.errors = {operation: BROKEN}
        assert [await bench.reconcile() for _ in range(3)] == [1.0, 2.0, 4.0], operation
    bench.sagemaker.errors = {}
    await bench.reconcile()
    assert bench.verdict == ("True", "InService")


# --- what people see of it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "wanted", "traffic"),
    [
        ("one variant", spec(), "a"),
        ("two", spec(variant("a", initialVariantWeight=9.0), variant("b")), "a=9, b=1"),
        ("one with a shadow", spec(shadowProductionVariants=[variant("s")]), "a, s (shadow)"),
    ],
)
async def test_all_variants_in_one_line(
    bench: EndpointBench, reason: str, wanted: dict[str, Any], traffic: str
) -> None:
    await bench.reconcile(wanted)
    assert bench.status["traffic"] == traffic, reason


async def test_the_instance_types_are_those_of_what_runs(bench: EndpointBench) -> None:
    await bench.reconcile(spec(variant("a", instanceType="ml.m5.large")))
    assert bench.status["instanceTypes"] == "ml.m5.large"
    bench.sagemaker.errors["UpdateEndpoint"] = error("ValidationException", "no such instance")
    await bench.reconcile(spec(variant("a", instanceType="ml.c5.large")))
    assert bench.verdict == ("False", "Rejected")
    assert bench.status["instanceTypes"] == "ml.m5.large"
    bench.sagemaker.errors.clear()
    bench.reconciler.forget("uid-1")
    await bench.reconcile()
    assert bench.status["instanceTypes"] == "ml.c5.large"


async def test_a_shadows_instances_are_named_as_such_and_not_counted(bench: EndpointBench) -> None:
    shadow = variant("s", instanceType="ml.c5.large", initialInstanceCount=3)
    await bench.reconcile(spec(variant("a", instanceType="ml.m5.large"), shadowProductionVariants=[shadow]))
    want = {"replicas": 1, "traffic": "a, s (shadow)", "instanceTypes": "ml.m5.large, ml.c5.large (shadow)"}
    assert {name: bench.status[name] for name in want} == want


async def test_a_shadow_that_an_earlier_object_has_left_is_named_too(bench: EndpointBench) -> None:
    shadow = variant("s", instanceType="ml.c5.large")
    await bench.reconcile(spec(variant("a", instanceType="ml.m5.large"), shadowProductionVariants=[shadow]))
    bench.api.objects[bench.path]["status"] = {}
    bench.reconciler.forget("uid-1")
    bench.sagemaker.errors["UpdateEndpoint"] = error("ValidationException", "no such instance")
    await bench.reconcile(spec(variant("a", instanceType="ml.r5.large")))
    assert bench.verdict == ("False", "Rejected")
    assert bench.status["instanceTypes"] == "ml.m5.large, ml.c5.large (shadow)"


async def test_where_it_is_invoked(bench: EndpointBench) -> None:
    await bench.reconcile()
    name = bench.status["endpointName"]
    assert bench.status["url"] == f"{os.environ['AWS_ENDPOINT_URL']}/endpoints/{name}/invocations"
