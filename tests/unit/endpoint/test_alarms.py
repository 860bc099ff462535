"""Alarms that are to roll an update back, and that nobody has made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.errors import AwsError
from support.endpoints import spec
from support.served_endpoints import EndpointBench, ready

ROLLING = {
    "rollingUpdatePolicy": {
        "maximumBatchSize": {"type": "CAPACITY_PERCENT", "value": 50},
        "waitIntervalInSeconds": 60,
    },
    "autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}, {"alarmName": "latency"}]},
}


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
