"""While SageMaker refuses to begin an update, what serves is scaled as it was, and the refusal does not shake it."""

from __future__ import annotations

from typing import Any

import pytest
from support.aws import Reply, error, ok
from support.endpoint_bench import EndpointBench
from support.endpoints import spec, variant

from tests.unit.aws.test_endpoint_requests import ADOPT, allow_adopting, have_endpoint

DENIED = error("AccessDeniedException", "User: operator is not authorized")
BROKEN = Reply(status=500, body="{}")
SLOW = error("ThrottlingException", "Rate exceeded")
BUSY = error("ValidationException", "Cannot update in-progress endpoint")
QUOTA = error("ResourceLimitExceeded", "no more ml.m5.xlarge")
SCALING = {"minCapacity": 4, "maxCapacity": 10, "targetValue": 5}
RECHECK = 600.0


def scaled(**fields: Any) -> dict[str, Any]:
    return spec(variant("a", autoscaling=SCALING, **fields))


def changes(bench: EndpointBench) -> list[str]:
    return [name for name in bench.sagemaker.names() if name.startswith(("Dereg", "Update", "Register", "PutScal"))]


async def refuse(bench: EndpointBench, refusal: Reply) -> float | None:
    """The pass in which other instances, for which the target makes way, are refused for the time being."""
    await bench.reconcile(scaled())
    bench.sagemaker.errors["UpdateEndpoint"] = refusal
    bench.sagemaker.asked.clear()
    return await bench.reconcile(scaled(instanceType="ml.m5.xlarge"))


# --- what passes by itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [(BROKEN, "ServiceUnavailable"), (SLOW, "Throttled"), (BUSY, "ServiceUnavailable")],
    ids=["5xx", "throttled", "conflict"],
)
async def test_autoscaling_is_put_back_though_the_refusal_should_pass(
    bench: EndpointBench, refusal: Reply, reason: str
) -> None:
    pauses = [await refuse(bench, refusal)]
    pauses += [await bench.reconcile(seconds=2) for _ in range(2)]
    assert pauses == [1.0, 2.0, RECHECK]
    assert changes(bench) == [
        "DeregisterScalableTarget",
        *["UpdateEndpoint"] * 3,
        *["RegisterScalableTarget"],
        "PutScalingPolicy",
    ]
    assert bench.verdict == ("False", reason)


async def test_a_refusal_of_a_moment_does_not_take_longer_than_that(bench: EndpointBench) -> None:
    await refuse(bench, SLOW)
    bench.sagemaker.errors.clear()
    await bench.reconcile(seconds=1)
    assert changes(bench) == [
        "DeregisterScalableTarget",
        "UpdateEndpoint",
        "UpdateEndpoint",
        "RegisterScalableTarget",
        "PutScalingPolicy",
    ]
    assert bench.verdict == ("True", "InService")


async def test_an_update_whose_answers_were_lost_is_seen_to_be_under_way(bench: EndpointBench) -> None:
    await refuse(bench, BROKEN)
    await bench.reconcile(seconds=1)
    assert bench.sagemaker.endpoint is not None
    bench.sagemaker.endpoint |= {"EndpointStatus": "Updating", "LastModifiedTime": 1_800_000_000}
    await bench.reconcile(seconds=2)
    assert bench.verdict == ("False", "Updating")


async def test_an_update_whose_answer_was_lost_and_that_has_ended_is_no_refusal(bench: EndpointBench) -> None:
    await refuse(bench, BROKEN)
    for _ in range(2):
        await bench.reconcile(seconds=2)
    bench.sagemaker.deploy(bench.sagemaker.request("UpdateEndpoint"))
    known = bench.reconciler.known("uid-1")
    assert known is not None
    known.forget_look()
    assert await bench.reconcile(seconds=30) is None
    assert bench.verdict == ("True", "InService")


# --- what does not -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [DENIED, QUOTA], ids=["denied", "quota"])
async def test_autoscaling_makes_way_once_in_a_while_only(bench: EndpointBench, refusal: Reply) -> None:
    assert await refuse(bench, refusal) == RECHECK
    once = ["DeregisterScalableTarget", "UpdateEndpoint", "RegisterScalableTarget", "PutScalingPolicy"]
    assert changes(bench) == once
    verdict = bench.verdict
    assert await bench.reconcile(seconds=RECHECK - 1) == 1.0
    assert (changes(bench), bench.verdict) == (once, verdict)
    assert await bench.reconcile(seconds=1) == RECHECK
    assert changes(bench) == once * 2


async def test_an_update_that_nothing_made_way_for_is_tried_as_often_as_before(bench: EndpointBench) -> None:
    await bench.reconcile()
    bench.sagemaker.errors["UpdateEndpoint"] = QUOTA
    assert await bench.reconcile(spec(data="2")) == 30.0
    assert await bench.reconcile(seconds=30) == 60.0
    assert bench.sagemaker.names("Update") == ["UpdateEndpoint"] * 2


@pytest.mark.parametrize(
    ("change", "fields", "is_tried"),
    [
        ("none", {"generation": 2}, False),
        ("of the spec", {"generation": 3}, True),
        ("of the annotation", {"generation": 2, "annotations": {"sagebridge.io/reconcile-at": "now"}}, True),
        ("of the policy", {"generation": 2}, True),
    ],
)
async def test_a_refused_update_is_tried_at_once_when_somebody_has_acted(
    bench: EndpointBench, change: str, fields: dict[str, Any], *, is_tried: bool
) -> None:
    await refuse(bench, DENIED)
    bench.sagemaker.errors.clear()
    if change == "of the policy":
        allow_adopting(bench)
    bench.put(scaled(instanceType="ml.m5.xlarge"), **fields)
    await bench.reconcile(seconds=1)
    assert bench.verdict == (("True", "InService") if is_tried else ("False", "AccessDenied"))


async def test_a_refused_update_that_is_paused_says_so(bench: EndpointBench) -> None:
    await refuse(bench, DENIED)
    bench.put(scaled(instanceType="ml.m5.xlarge"), generation=2, annotations={"sagebridge.io/paused": "true"})
    await bench.reconcile(seconds=1)
    assert bench.condition()["reason"] == "Paused"


async def test_going_back_ends_a_refusal(bench: EndpointBench) -> None:
    await refuse(bench, DENIED)
    assert await bench.reconcile(scaled(), seconds=1) is None
    assert bench.verdict == ("True", "InService")
    assert changes(bench).count("DeregisterScalableTarget") == 1


# --- what was there before ---------------------------------------------------------------------------------------

POLICY = {
    "PolicyName": "mine",
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 7.0},
}
SENT_ACTION = {
    "ScheduledActionName": "night",
    "Schedule": "rate(1 day)",
    "StartTime": 1_800_000_000,
    "ScalableTargetAction": {"MinCapacity": 1},
}
ACTION = SENT_ACTION | {"ScheduledActionARN": "arn", "ServiceNamespace": "sagemaker", "CreationTime": 1_700_000_000}


async def test_the_autoscaling_of_an_endpoint_that_was_taken_over_is_put_back(
    bench: EndpointBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow_adopting(bench)
    have_endpoint(bench, {})
    resource = "endpoint/mine/variant/a"
    dimension = "sagemaker:variant:DesiredInstanceCount"
    target = {"ResourceId": resource, "ScalableDimension": dimension, "MinCapacity": 2, "MaxCapacity": 3}
    bench.sagemaker.targets[resource] = target
    actions = ok(ScheduledActions=[ACTION | {"ResourceId": resource, "ScalableDimension": dimension}])
    monkeypatch.setattr(bench.sagemaker, "_DescribeScheduledActions", lambda _: actions)
    bench.sagemaker.policies["mine"] = {**POLICY, "CreationTime": 1_700_000_000}
    bench.sagemaker.errors["UpdateEndpoint"] = DENIED
    bench.put(scaled() | {"endpointName": "mine"}, **ADOPT)
    assert await bench.reconcile() == RECHECK
    assert bench.verdict == ("False", "AccessDenied")
    found = bench.sagemaker.targets[resource]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (2, 3)
    put = bench.sagemaker.request("PutScalingPolicy")
    assert {key: put[key] for key in POLICY} == POLICY
    scheduled = bench.sagemaker.request("PutScheduledAction")
    assert {key: scheduled[key] for key in SENT_ACTION} == SENT_ACTION

    bench.sagemaker.errors.clear()
    await bench.reconcile(seconds=RECHECK)
    assert bench.verdict == ("True", "InService")
    assert set(bench.sagemaker.policies) == {"sagebridge-target"}
    await bench.reconcile(scaled() | {"endpointName": "mine", "history": {"limit": 0}})
    assert [one["revision"] for one in bench.status["revisions"]] == [1], "theirs is forgotten"
    assert "DeleteEndpointConfig" not in bench.sagemaker.names(), "and left"
