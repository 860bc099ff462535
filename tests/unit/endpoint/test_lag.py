"""What SageMaker shows may be older than what it has just done: a pass ends then, and the next one comes later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.errors import AwsError
from support.endpoints import spec, variant
from support.served_endpoints import EndpointBench, ready

ABSENT = 'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/x".'


async def test_an_endpoint_that_exists_and_is_not_found_is_not_asked_for_in_a_loop(bench: EndpointBench) -> None:
    async def not_found(_: Mapping[str, Any]) -> None:
        raise AwsError(code="ValidationException", message=ABSENT, operation="DescribeEndpoint", http_status=400)

    scores = bench.put()
    bench.aws.before["DescribeEndpoint"] = not_found
    await bench.reconcile(scores)
    pauses = []
    for _ in range(4):
        before = len(bench.aws.calls)
        pauses.append(await bench.reconciler.reconcile(scores))
        assert bench.aws.calls[before:] == ["DescribeEndpoint", "CreateEndpoint"]
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    bench.aws.before.clear()
    await bench.serve(scores)
    assert len(await bench.endpoints()) == 1


async def test_an_update_that_describe_does_not_show_is_not_asked_for_again(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    old = await bench.ask("DescribeEndpoint", EndpointName=scores.job.status["endpointName"])

    async def as_before(_: Mapping[str, Any]) -> dict[str, Any]:
        return old

    bench.aws.before["DescribeEndpoint"] = as_before
    scores = bench.put(spec=spec(data="2"), metadata={"generation": 2})
    calls = await bench.reconcile(scores)
    assert calls.count("UpdateEndpoint") == 1
    assert await bench.reconcile(scores) == ["DescribeEndpoint"]
    assert ready(scores)["reason"] == "Updating"
    bench.aws.before.clear()
    bench.advance(61)
    await bench.serve(scores)
    assert "lastFailure" not in scores.job.status


async def test_a_deletion_that_describe_does_not_show_is_not_asked_for_again(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    old = await bench.ask("DescribeEndpoint", EndpointName=scores.job.status["endpointName"])

    async def as_before(_: Mapping[str, Any]) -> dict[str, Any]:
        return old

    async def accepted(_: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    bench.aws.before |= {"DescribeEndpoint": as_before, "DeleteEndpoint": accepted}
    scores = bench.put(metadata={"deletionTimestamp": "2027-01-15T08:00:00Z"})
    assert (await bench.reconcile(scores)).count("DeleteEndpoint") == 1


async def test_edits_while_an_update_runs_are_queued_and_the_last_one_wins(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    for number in (2, 3, 4):
        scores = bench.put(spec=spec(data=str(number)), metadata={"generation": number})
        await bench.reconcile(scores)
    assert bench.aws.calls.count("UpdateEndpoint") == 1
    await bench.serve(scores)
    assert bench.aws.calls.count("UpdateEndpoint") == 2
    assert "lastFailure" not in scores.job.status
    config = await bench.ask("DescribeEndpointConfig", EndpointConfigName=scores.job.status["endpointConfigName"])
    model = await bench.ask("DescribeModel", ModelName=config["ProductionVariants"][0]["ModelName"])
    assert model["PrimaryContainer"]["ModelDataUrl"].endswith("/4/model.tar.gz")


async def test_an_edit_that_comes_with_somebody_else_s_update_is_not_said_to_have_failed(bench: EndpointBench) -> None:
    """Somebody begins an update between our record and our call, and it is rolled back."""
    scores = bench.put()
    await bench.serve(scores)
    name, config = scores.job.status["endpointName"], scores.job.status["endpointConfigName"]

    async def overtake(_: Mapping[str, Any]) -> None:
        bench.aws.before.clear()
        bench.fail_next(name, reason="somebody else's mistake")
        await bench.ask("UpdateEndpoint", EndpointName=name, EndpointConfigName=config)

    bench.aws.before["UpdateEndpoint"] = overtake
    scores = bench.put(spec=spec(data="2"), metadata={"generation": 2})
    await bench.reconcile(scores)
    bench.advance(61)
    bench.succeed()
    await bench.serve(scores)
    assert scores.job.status["endpointConfigName"] != config


async def test_a_quota_that_a_new_count_meets_is_waited_for(bench: EndpointBench) -> None:
    """Even though the config it is about was made long ago."""
    scores = bench.put()
    await bench.serve(scores)
    bench.advance(7200)

    async def used_up(_: Mapping[str, Any]) -> None:
        raise AwsError(code="ResourceLimitExceeded", message="used up", operation="UpdateEndpointWeightsAndCapacities")

    bench.aws.before["UpdateEndpointWeightsAndCapacities"] = used_up
    scores = bench.put(spec=spec(variant("a", initialInstanceCount=4)), metadata={"generation": 2})
    await bench.reconcile(scores)
    assert (ready(scores)["status"], ready(scores)["reason"]) == ("False", "QuotaExceeded")
    assert not any(one["type"] == "Stalled" for one in scores.job.conditions)
    bench.advance(1900)
    await bench.reconcile(scores)
    assert any(one["type"] == "Stalled" for one in scores.job.conditions)


async def test_an_update_that_sagemaker_refuses_to_begin_leaves_what_runs_scaled(bench: EndpointBench) -> None:
    scaled = variant("a", autoscaling={"minCapacity": 1, "maxCapacity": 4, "targetValue": 100})
    scores = bench.put(spec=spec(scaled))
    await bench.serve(scores)
    await bench.reconcile(scores)
    before = dict(bench.aws.scaling.targets)
    assert len(before) == 1

    async def denied(_: Mapping[str, Any]) -> None:
        raise AwsError(code="AccessDeniedException", message="no", operation="UpdateEndpoint", http_status=403)

    bench.aws.before["UpdateEndpoint"] = denied
    scores = bench.put(spec=spec({**scaled, "instanceType": "ml.m5.xlarge"}), metadata={"generation": 2})
    calls = await bench.reconcile(scores)
    assert calls.index("DeregisterScalableTarget") < calls.index("UpdateEndpoint")
    assert bench.aws.scaling.targets == before
    assert (ready(scores)["status"], ready(scores)["reason"]) == ("False", "AccessDenied")
    bench.aws.before.clear()
    bench.advance(600)
    await bench.serve(scores)
    assert len(bench.aws.scaling.targets) == 1
