"""Several operators before one Lease: only one writes, and another takes over when it is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import kubernetes
import pytest
from sagebridge_local.stack import OperatorProcess

from .cluster_serving import exists
from .conftest import PATIENT
from .world import World, fetch

SHORT = {"SAGEBRIDGE_LEASE_DURATION_SECONDS": "6"}
LONG = {"SAGEBRIDGE_LEASE_DURATION_SECONDS": "600"}


@pytest.fixture
def replicas(
    alone: Callable[..., World], operator: Callable[..., OperatorProcess]
) -> Callable[..., tuple[World, OperatorProcess]]:
    """Start two operators: the world's own leads, with a Lease as it is asked for; the other stands by.

    How long the other's Lease lasts is of no use to any test, so that no pause of the machine costs it.
    """

    def start(**environment: str) -> tuple[World, OperatorProcess]:
        world = alone(**environment, SAGEBRIDGE_LEASE_IDENTITY="first")
        world.eventually(lambda: exists(lambda: holder(world)) == "first", "the first one's Lease")
        second = PATIENT | LONG | {"SAGEBRIDGE_LEASE_IDENTITY": "second"}
        return world, operator(endpoint_url=world.simulator.url, environment=second)

    return start


def holder(world: World) -> str:
    """Who holds the Lease."""
    api = kubernetes.client.CoordinationV1Api(world.cluster.client)
    return str(api.read_namespaced_lease("sagebridge", world.namespace).spec.holder_identity)


def test_only_the_leader_works(replicas: Callable[..., tuple[World, OperatorProcess]]) -> None:
    world, standby = replicas(**LONG)
    assert holder(world) == "first"
    assert fetch(f"{standby.url}/readyz") == (200, "standing by: another replica holds the Lease\n")
    assert fetch(f"{standby.url}/healthz")[0] == 200
    assert "sagebridge_leader 0.0" in fetch(f"{standby.url}/metrics")[1]
    assert "sagebridge_leader 1.0" in world.page("metrics")[1]
    world.script(seconds=1)
    for number in range(5):
        world.jobs.create(f"digits-{number}")
    for number in range(5):
        world.jobs.wait_reason(f"digits-{number}", "Completed")
    assert len(world.made()) == 5
    assert world.count("CreateTrainingJob") == 5
    assert "sagebridge_aws_calls_total{" not in fetch(f"{standby.url}/metrics")[1]


def test_a_killed_leader_is_replaced(replicas: Callable[..., tuple[World, OperatorProcess]]) -> None:
    world, standby = replicas(**SHORT)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.operator.kill()
    world.eventually(lambda: holder(world) == "second", "taken over")
    world.script(seconds=0)
    world.jobs.create("later")
    world.jobs.wait_reason("later", "Completed")
    world.aws.fail(world.jobs.get("digits")["status"]["trainingJobName"], reason="AlgorithmError: x")  # type: ignore[index]
    world.jobs.wait_reason("digits", "JobFailed")
    assert world.count("CreateTrainingJob") == 2
    assert "sagebridge_leader 1.0" in fetch(f"{standby.url}/metrics")[1]


def test_a_leader_that_is_told_to_stop_hands_over_at_once(
    replicas: Callable[..., tuple[World, OperatorProcess]],
) -> None:
    """With a Lease of ten minutes, waiting for it to expire would be noticed."""
    world, _ = replicas(**LONG)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    world.operator.stop(grace=60)
    world.eventually(lambda: holder(world) == "second", "handed over")
    world.jobs.delete("digits")
    world.jobs.wait_gone("digits")


def test_a_paused_leader_ends_when_it_wakes(replicas: Callable[..., tuple[World, OperatorProcess]]) -> None:
    """Stopped in its tracks for longer than its Lease, it must not write when it goes on."""
    world, _ = replicas(**SHORT)
    process = world.operator.process
    assert process is not None
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    os.kill(process.pid, signal.SIGSTOP)
    try:
        world.eventually(lambda: holder(world) == "second", "taken over")
        world.jobs.create("later")
        world.jobs.wait_reason("later", "InProgress")
    finally:
        os.kill(process.pid, signal.SIGCONT)
    world.eventually(lambda: world.operator.process is None, "the old leader's end")
    assert world.count("CreateTrainingJob") == 2
    assert holder(world) == "second"
