"""Alarms that are to roll an update back, and that nobody has made."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.errors import AwsError
from sagebridge.engine import endpoint_actions
from sagebridge.kube.errors import ConflictError
from support.endpoints import spec
from support.served_endpoints import RESOURCE, EndpointBench, ready

ROLLING = {
    "rollingUpdatePolicy": {
        "maximumBatchSize": {"type": "CAPACITY_PERCENT", "value": 50},
        "waitIntervalInSeconds": 60,
    },
    "autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}, {"alarmName": "latency"}]},
}


async def accept(_: Mapping[str, Any]) -> dict[str, Any]:
    return {"EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/scores"}


def warnings(bench: EndpointBench) -> list[tuple[str, str]]:
    return [(event.reason, event.message) for event in bench.recorder.heard if event.kind == "Warning"]


@pytest.mark.parametrize(
    ("reason", "there", "missing"),
    [
        ("both are there", {"MetricAlarms": [{"AlarmName": "errors"}, {"AlarmName": "latency"}]}, ""),
        (
            "one is made of others",
            {"MetricAlarms": [{"AlarmName": "errors"}], "CompositeAlarms": [{"AlarmName": "latency"}]},
            "",
        ),
        ("one is not", {"MetricAlarms": [{"AlarmName": "errors"}]}, "latency"),
        ("none is", {"MetricAlarms": [], "CompositeAlarms": []}, "errors, latency"),
    ],
)
async def test_alarms_that_are_not_there_are_told_when_an_update_begins(
    bench: EndpointBench, reason: str, there: dict[str, Any], missing: str
) -> None:
    async def describe(_: Mapping[str, Any]) -> dict[str, Any]:
        return there

    bench.aws.before["DescribeAlarms"] = describe
    scores = bench.put(spec=spec(deploymentConfig=ROLLING))
    await bench.serve(scores)
    assert "DescribeAlarms" not in bench.aws.calls, "only an update can be rolled back"
    scores = bench.put(spec=spec(data="2", deploymentConfig=ROLLING), metadata={"generation": 2})
    await bench.reconcile(scores)
    await bench.reconcile(scores)
    assert bench.aws.calls.count("DescribeAlarms") == 1
    asked = next(request for operation, request in bench.aws.requests if operation == "DescribeAlarms")
    assert asked == {"AlarmNames": ["errors", "latency"], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    told = [message.partition(" is in CloudWatch in us-east-1")[0] for _, message in warnings(bench)]
    assert told == ([f"No alarm {missing}"] if missing else []), reason
    assert ready(scores)["reason"] == "Updating"


async def test_an_update_goes_on_though_nobody_may_look_at_alarms(bench: EndpointBench) -> None:
    async def refuse(_: Mapping[str, Any]) -> None:
        raise AwsError(code="AccessDenied", message="no", operation="DescribeAlarms", http_status=403)

    bench.aws.before["DescribeAlarms"] = refuse
    scores = bench.put(spec=spec(deploymentConfig=ROLLING))
    await bench.serve(scores)
    scores = bench.put(spec=spec(data="2", deploymentConfig=ROLLING), metadata={"generation": 2})
    await bench.reconcile(scores)
    assert warnings(bench) == []
    assert (ready(scores)["reason"], scores.job.status["update"]["begun"]) == ("Updating", True)


async def test_nobody_asks_for_alarms_that_nobody_names(bench: EndpointBench) -> None:
    scores = bench.put()
    await bench.serve(scores)
    await bench.serve(bench.put(spec=spec(data="2"), metadata={"generation": 2}))
    assert "DescribeAlarms" not in bench.aws.calls


async def test_alarms_are_told_of_though_another_writes_the_status_meanwhile(bench: EndpointBench) -> None:
    """The next pass finds the update under way, and would not look."""

    async def describe(_: Mapping[str, Any]) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": "errors"}]}

    async def edit(_: Mapping[str, Any]) -> None:
        path = RESOURCE.item(namespace="team-a", name="scores")
        bench.api.put(path, bench.api.objects[path])

    bench.aws.before["DescribeAlarms"] = describe
    scores = bench.put(spec=spec(deploymentConfig=ROLLING))
    await bench.serve(scores)
    scores = bench.put(spec=spec(data="2", deploymentConfig=ROLLING), metadata={"generation": 2})
    bench.aws.before["UpdateEndpoint"] = edit
    with pytest.raises(ConflictError):
        await bench.reconcile(scores)
    assert [message.partition(" is in")[0] for _, message in warnings(bench)] == ["No alarm latency"]


async def test_an_alarm_without_a_name_does_not_end_the_pass(bench: EndpointBench) -> None:
    """The update is accepted by then: what it says of alarms is SageMaker's to judge."""
    nameless = {**ROLLING, "autoRollbackConfiguration": {"alarms": [{}]}}
    scores = bench.put()
    await bench.serve(scores)
    scores = bench.put(spec=spec(data="2", deploymentConfig=nameless), metadata={"generation": 2})
    bench.aws.before["UpdateEndpoint"] = accept
    await bench.reconcile(scores)
    assert "UpdateEndpoint" in bench.aws.calls
    assert "DescribeAlarms" not in bench.aws.calls
    assert scores.job.status["update"]["begun"] is True


async def test_a_network_without_a_way_to_cloudwatch_holds_no_pass_up(
    bench: EndpointBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: Mapping[str, Any]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(endpoint_actions, "_ALARMS_SECONDS", 0.0)
    bench.aws.before["DescribeAlarms"] = hang
    scores = bench.put(spec=spec(deploymentConfig=ROLLING))
    await bench.serve(scores)
    scores = bench.put(spec=spec(data="2", deploymentConfig=ROLLING), metadata={"generation": 2})
    await bench.reconcile(scores)
    assert bench.aws.calls.count("DescribeAlarms") == 1
    assert warnings(bench) == []
    assert (ready(scores)["reason"], scores.job.status["update"]["begun"]) == ("Updating", True)
