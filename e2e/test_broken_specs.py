"""Broken manifests: each is refused, or stalls with a message that names the field, or runs; nothing else.

After Acto, SOSP 2023 (https://doi.org/10.1145/3600006.3613161): change each property of the schema, check, go back to
a good state, and check that it is reached.
"""

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
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from sagebridge_local.paths import crds_directory
from scenarios.reached import condition, secondary
from scenarios.training_jobs import CREATE, IMAGE, SPEC, TRAINING_JOB

_BATCHES, _BATCH = 30, 10
_MOST_CREATES, _MOST_CALLS = 3, 12

_RICH: dict[str, Any] = {
    "trainingJobName": "given",
    "algorithmSpecification": {
        "trainingImage": IMAGE,
        "trainingInputMode": "File",
        "metricDefinitions": [{"name": "loss", "regex": "loss=([0-9.]+)"}],
        "containerEntrypoint": ["python"],
        "containerArguments": ["train.py"],
    },
    "hyperParameters": {"epochs": 3, "rate": "0.1", "shuffle": True},
    "inputDataConfig": [
        {
            "channelName": "train",
            "dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/data"}},
            "contentType": "text/csv",
        }
    ],
    "outputDataConfig": {"s3OutputPath": "s3://sagebridge-local/out"},
    "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1, "volumeSizeInGB": 10},
    "stoppingCondition": {"maxRuntimeInSeconds": 86400, "maxWaitTimeInSeconds": 86400},
    "enableManagedSpotTraining": True,
    "checkpointConfig": {"s3Uri": "s3://sagebridge-local/checkpoints", "localPath": "/opt/ml/checkpoints"},
    "vpcConfig": {"subnets": ["subnet-0123456789"], "securityGroupIds": ["sg-0123456789"]},
    "environment": {"MODE": "test", "LEVEL": 3},
    "profilerConfig": {"disableProfiler": True},
    "tags": [{"key": "team", "value": "red"}],
    "runPolicy": {"deletionPolicy": "Stop", "suspend": False, "retry": {"limit": 1, "errors": ["CapacityError"]}},
}
_BUILT_IN: dict[str, Any] = {
    "algorithm": {"name": "xgboost", "version": "1.7-1"},
    "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
    "region": "us-east-1",
}
_SCRIPT: dict[str, Any] = {
    "framework": {"name": "pytorch", "version": "2.3", "pythonVersion": "py311"},
    "source": {"entryPoint": "train.py", "s3Uri": "s3://sagebridge-local/code/source.tar.gz"},
    "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
}
_GOOD = (SPEC, _RICH, _BUILT_IN, _SCRIPT)
_WAITING = ("WaitingForReference",)


def _spec_schema() -> Mapping[str, Any]:
    definition = yaml.safe_load((crds_directory() / "trainingjobs.yaml").read_text())
    whole: Mapping[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return whole["properties"]["spec"]  # type: ignore[no-any-return]


def test_the_good_ones_run(start_lane: Callable[..., Lane], namespace: str) -> None:
    lane = start_lane()
    lane.aws.outcome("*", seconds=1e6)
    names = [_create(lane, namespace, Mutant(spec=spec, path=(), what="good")) for spec in _GOOD]
    for name in names:
        _wait(lane, namespace, name, until=secondary("Starting"), what="running")


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
        lane.aws.outcome("*", seconds=1e6)
        ends.update(_try(lane, namespace, batch))

    (try_batch if chosen is None else seed(int(chosen))(try_batch))()
    note(f"{ends.total()} broken manifests: {dict(ends)}")
    assert {"refused", "InProgress"} <= ends.keys(), ends


def _try(lane: Lane, namespace: str, batch: list[Mutant]) -> list[str]:
    """Try some mutants side by side; how each ended, in a word."""
    accepted: dict[str, Mutant] = {}
    for mutant in batch:
        try:
            accepted[_create(lane, namespace, mutant)] = mutant
        except kubernetes.client.ApiException as error:
            _check_refusal(mutant, error)
    for name, mutant in accepted.items():
        _wait(lane, namespace, name, until=_is_settled, what=f"{mutant!r} to settle")
    _check_calls(lane, accepted)
    ends = [_check_verdict(mutant, _get(lane, namespace, name)) for name, mutant in accepted.items()]
    _mend(lane, namespace, accepted)
    log = lane.operator.log.read_text(errors="replace")
    assert "unexpected error" not in log, f"{batch}\n{lane.diagnosis()}"
    return ends + ["refused"] * (len(batch) - len(accepted))


def _create(lane: Lane, namespace: str, mutant: Mutant) -> str:
    name = f"m{secrets.token_hex(4)}"
    lane.cluster.create(TRAINING_JOB, namespace=namespace, name=name, spec=_unique(mutant.spec, name))
    return name


def _unique(spec: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The spec, under a name of its own in SageMaker if it gives one."""
    return {**spec, "trainingJobName": name} if spec.get("trainingJobName") == "given" else dict(spec)


def _get(lane: Lane, namespace: str, name: str) -> Body | None:
    return lane.cluster.get(TRAINING_JOB, namespace=namespace, name=name)


def _wait(lane: Lane, namespace: str, name: str, *, until: Callable[[Body | None], bool], what: str) -> None:
    lane.wait_for(TRAINING_JOB, namespace=namespace, name=name, until=until, what=what)


def _check_refusal(mutant: Mutant, error: kubernetes.client.ApiException) -> None:
    assert 400 <= error.status < 500, f"{mutant!r}: the API server answers {error.status}: {error.body}"
    message = str(json.loads(error.body)["message"])
    assert _names(mutant, message), f"{mutant!r}: the refusal does not name the field: {message}"


def _is_settled(body: Body | None) -> bool:
    """Whether it has stalled, runs, waits for its user, or waits for something it refers to."""
    is_stalled = condition(body, "Stalled").get("status") == "True"
    is_suspended = condition(body, "Suspended").get("status") == "True"
    is_waiting = condition(body, "Ready").get("reason") in _WAITING
    return is_stalled or is_suspended or is_waiting or secondary("Starting")(body)


def _check_verdict(mutant: Mutant, body: Body | None) -> str:
    ready = condition(body, "Ready")
    is_stalled = condition(body, "Stalled").get("status") == "True"
    if is_stalled or ready["reason"] in _WAITING:
        assert _names(mutant, ready["message"]), f"{mutant!r}: the message does not name the field: {ready}"
    return str(ready["reason"])


def _names(mutant: Mutant, message: str) -> bool:
    return any(word in message.lower() for word in mutant.words)


def _check_calls(lane: Lane, accepted: Mapping[str, Mutant]) -> None:
    """Few calls each: nobody tries again and again what can't succeed."""
    counted = lane.aws.calls()["objects"]
    for name, mutant in accepted.items():
        calls = {job: operations for job, operations in counted.items() if name in job}
        creates = sum(sum(operations.get(CREATE, {}).values()) for operations in calls.values())
        every = sum(sum(outcomes.values()) for operations in calls.values() for outcomes in operations.values())
        assert creates <= _MOST_CREATES, f"{mutant!r}: {calls}"
        assert every <= _MOST_CALLS, f"{mutant!r}: {calls}"


def _mend(lane: Lane, namespace: str, accepted: Mapping[str, Mutant]) -> None:
    """Correct what did not run; then it does."""
    stuck = [name for name in accepted if not secondary("Starting")(_get(lane, namespace, name))]
    for name in stuck:
        lane.cluster.replace_spec(TRAINING_JOB, namespace=namespace, name=name, spec=SPEC)
    for name in stuck:
        _wait(lane, namespace, name, until=secondary("Starting"), what=f"{accepted[name]!r}, corrected, to run")
