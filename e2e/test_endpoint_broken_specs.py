"""Broken manifests of endpoints, as in `test_broken_specs`: refused, or stalled with the field's name, or serving."""

from __future__ import annotations

import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import kubernetes
import yaml
from faults.cluster import Body
from faults.lane import Lane
from faults.mutations import Mutant, mutants
from faults.serving import misses
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sagebridge_local.paths import crds_directory
from scenarios.endpoints import CREATE, ENDPOINT, SPEC, models, stands, variant
from scenarios.reached import condition

_BATCHES, _BATCH = 8, 10
_MOST_CREATES, _MOST_CALLS = 1, 25
_QUICK = {"seconds": 0.0, "scale_seconds": 0.0, "delete_seconds": 0.0}

_SCALING = {
    "minCapacity": 1,
    "maxCapacity": 4,
    "targetValue": 100,
    "scaleInCooldown": 60,
    "scheduled": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "maxCapacity": 2}],
}
_RICH: dict[str, Any] = {
    "models": [{**models("1")[0], "environment": {"MODE": "test"}, "enableNetworkIsolation": False}],
    "productionVariants": [
        variant("a", initialInstanceCount=2, initialVariantWeight=2, autoscaling=_SCALING),
        variant("b", routingConfig={"routingStrategy": "RANDOM"}),
    ],
    "dataCaptureConfig": {
        "enableCapture": True,
        "initialSamplingPercentage": 50,
        "destinationS3Uri": "s3://sagebridge-local/captured",
        "captureOptions": [{"captureMode": "Input"}],
    },
    "deploymentConfig": {
        "blueGreenUpdatePolicy": {
            "trafficRoutingConfiguration": {
                "type": "LINEAR",
                "waitIntervalInSeconds": 60,
                "linearStepSize": {"type": "CAPACITY_PERCENT", "value": 50},
            }
        },
        "autoRollbackConfiguration": {"alarms": [{"alarmName": "errors"}]},
    },
    "history": {"limit": 1},
    "tags": [{"key": "team", "value": "red"}],
    "runPolicy": {"deletionPolicy": "Stop"},
}
_SERVERLESS: dict[str, Any] = {
    "models": models("1"),
    "productionVariants": [
        {"variantName": "a", "modelName": "m", "serverlessConfig": {"maxConcurrency": 5, "memorySizeInMB": 2048}}
    ],
}
_GOOD = (SPEC, _RICH, _SERVERLESS)


def _spec_schema() -> Mapping[str, Any]:
    definition = yaml.safe_load((crds_directory() / "sagemakerendpoints.yaml").read_text())
    whole: Mapping[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return whole["properties"]["spec"]  # type: ignore[no-any-return]


def test_broken_manifests_are_refused_or_stall_with_the_field_s_name(
    start_lane: Callable[..., Lane], namespace: str, note: Callable[[str], None]
) -> None:
    lane = start_lane()
    ends: Counter[str] = Counter()
    chosen = os.environ.get("SAGEBRIDGE_E2E_SEED")

    @settings(
        max_examples=_BATCHES,
        deadline=None,
        database=None,
        derandomize=chosen is None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    @given(st.lists(mutants(_spec_schema(), _GOOD), min_size=_BATCH // 2, max_size=_BATCH))
    def try_batch(batch: list[Mutant]) -> None:
        lane.clear()
        lane.aws.endpoint_outcome("*", **_QUICK)
        ends.update(_try(lane, namespace, [*(Mutant(spec=good, path=(), what="good") for good in _GOOD), *batch]))

    (try_batch if chosen is None else seed(int(chosen))(try_batch))()
    note(f"{ends.total()} broken manifests of endpoints: {dict(ends)}")
    assert {"refused", "InService"} <= ends.keys(), ends


def _try(lane: Lane, namespace: str, batch: list[Mutant]) -> list[str]:
    """Try some mutants side by side; how each ended, in a word."""
    accepted: dict[str, Mutant] = {}
    for mutant in batch:
        name = f"m{secrets.token_hex(4)}"
        try:
            lane.cluster.create(ENDPOINT, namespace=namespace, name=name, spec=mutant.spec)
        except kubernetes.client.ApiException as error:
            _check_refusal(mutant, error)
        else:
            accepted[name] = mutant
    for name, mutant in accepted.items():
        _wait(lane, namespace, name, until=_is_settled, what=f"{mutant!r} to settle")
    _check_calls(lane, accepted)
    ends = [_check_verdict(lane, namespace, name, mutant) for name, mutant in accepted.items()]
    _mend(lane, namespace, accepted)
    log = lane.operator.log.read_text(errors="replace")
    assert "unexpected error" not in log, f"{batch}\n{lane.diagnosis()}"
    return ends + ["refused"] * (len(batch) - len(accepted))


def _wait(lane: Lane, namespace: str, name: str, *, until: Callable[[Body | None], bool], what: str) -> None:
    lane.wait_for(ENDPOINT, namespace=namespace, name=name, until=until, what=what)


def _check_refusal(mutant: Mutant, error: kubernetes.client.ApiException) -> None:
    assert mutant.path, f"a good one is refused: {error.body}"
    assert 400 <= error.status < 500, f"{mutant!r}: the API server answers {error.status}: {error.body}"
    message = str(json.loads(error.body)["message"])
    assert _names(mutant, message), f"{mutant!r}: the refusal does not name the field: {message}"


def _is_settled(body: Body | None) -> bool:
    """Whether it has stalled, waits for something it refers to, or serves."""
    is_waiting = condition(body, "Ready").get("reason") == "WaitingForReference"
    return condition(body, "Stalled").get("status") == "True" or is_waiting or stands("InService")(body)


def _check_verdict(lane: Lane, namespace: str, name: str, mutant: Mutant) -> str:
    body = lane.cluster.get(ENDPOINT, namespace=namespace, name=name)
    ready = condition(body, "Ready")
    if ready["status"] == "True":
        assert body is not None
        held = lane.hosting.held(name, scaled=True)
        [endpoint] = held["endpoints"].values()
        assert endpoint["EndpointStatus"] == "InService"
        return "InService"
    assert mutant.path, f"a good one: {ready}"
    assert _names(mutant, ready["message"]), f"{mutant!r}: the message does not name the field: {ready}"
    return str(ready["reason"])


def _names(mutant: Mutant, message: str) -> bool:
    return any(word in message.lower() for word in mutant.words)


def _check_calls(lane: Lane, accepted: Mapping[str, Mutant]) -> None:
    """Few calls each: nobody tries again and again what can't succeed."""
    counted = lane.aws.calls()["objects"]
    for name, mutant in accepted.items():
        calls = {thing: operations for thing, operations in counted.items() if name in thing}
        creates = sum(sum(operations.get(CREATE, {}).values()) for operations in calls.values())
        every = sum(sum(outcomes.values()) for operations in calls.values() for outcomes in operations.values())
        assert creates <= _MOST_CREATES, f"{mutant!r}: {calls}"
        assert every <= _MOST_CALLS, f"{mutant!r}: {calls}"


def _mend(lane: Lane, namespace: str, accepted: Mapping[str, Mutant]) -> None:
    """Correct what does not serve; then it does, and nothing is left of what did not."""
    get = lane.cluster.get
    bodies = {name: get(ENDPOINT, namespace=namespace, name=name) for name in accepted}
    stuck = [name for name, body in bodies.items() if not stands("InService")(body)]
    for name in stuck:
        lane.cluster.replace_spec(ENDPOINT, namespace=namespace, name=name, spec={**SPEC, "history": {"limit": 0}})
    for name in stuck:
        _wait(lane, namespace, name, until=stands("InService"), what=f"{accepted[name]!r}, corrected, to serve")
        body = get(ENDPOINT, namespace=namespace, name=name)
        left = misses(body, lane.hosting.held(name, scaled=True))
        assert not left, f"{accepted[name]!r}, corrected: {left}"
