"""An operator ends when it is told to, though its API server is away, or it has not begun: it waits for no answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from sagebridge_local.stack import ControlPlane, OperatorProcess
from support.cluster_tuning import Trials, cluster_spec
from support.relay import Mode, Relay
from support.waiting import eventually

from .world import World

LONG = {"SAGEBRIDGE_LEASE_DURATION_SECONDS": "600"}
"""So that it still holds its Lease, which it wants to hand over."""


@pytest.fixture
def relay(control_plane: ControlPlane) -> Iterator[Relay]:
    """Before the API server."""
    with Relay.before(int(server_of(control_plane.kubeconfig).rpartition(":")[2])) as relay:
        yield relay


@pytest.fixture
def kubeconfig(control_plane: ControlPlane, relay: Relay, tmp_path: Path) -> Path:
    """The way through the relay."""
    text = control_plane.kubeconfig.read_text()
    path = tmp_path / "kubeconfig"
    path.write_text(text.replace(server_of(control_plane.kubeconfig), f"https://127.0.0.1:{relay.port}"))
    return path


def server_of(kubeconfig: Path) -> str:
    return str(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


def tell_to_end(operator: OperatorProcess) -> None:
    """SIGTERM, and nothing harder."""
    process = operator.process
    assert process is not None
    os.kill(process.pid, signal.SIGTERM)
    eventually(lambda: operator.process is None, what="its end")


@pytest.mark.parametrize(
    ("mode", "words"), [(Mode.HANG, "expire: the API server takes too long"), (Mode.REFUSE, "expire: PUT /apis")]
)
def test_an_operator_at_work_ends_without_its_api_server(
    alone: Callable[..., World],
    operator: Callable[..., OperatorProcess],
    kubeconfig: Path,
    relay: Relay,
    mode: Mode,
    words: str,
) -> None:
    world = alone(**LONG)
    world.operator.stop(grace=60)
    behind = operator(endpoint_url=world.simulator.url, kubeconfig=kubeconfig, environment=world.operator.environment)
    trials = Trials(world.cluster.client, world.namespace)
    trials.tuning.create("tune", cluster_spec())
    trials.wait_running(1, 2)
    world.jobs.create("digits")
    world.jobs.wait_reason("digits", "InProgress")
    relay.become(mode)
    world.jobs.create("never-seen")

    tell_to_end(behind)

    assert f"The Lease could not be released and will {words}" in behind.log.read_text()


def test_an_operator_that_waits_for_its_api_server_ends(kubeconfig: Path, relay: Relay, tmp_path: Path) -> None:
    """As a container's first process it would not even notice, unless it takes the signal itself."""
    relay.become(Mode.HANG)
    environment = {"KUBECONFIG": str(kubeconfig), "SAGEBRIDGE_REGION": "us-east-1", "SAGEBRIDGE_HEALTH_PORT": "0"}
    process = subprocess.Popen(
        [sys.executable, "-m", "sagebridge.app"], env=environment, cwd=tmp_path, stderr=subprocess.PIPE
    )
    try:
        eventually(lambda: relay.accepted, what="it asks the API server")
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate()
    finally:
        process.kill()
        process.wait()
    assert b"Told to end before it has begun" in log
    assert process.returncode == 0


def test_an_operator_that_stands_by_ends(alone: Callable[..., World], operator: Callable[..., OperatorProcess]) -> None:
    world = alone(**LONG, SAGEBRIDGE_LEASE_IDENTITY="first")
    world.eventually(lambda: world.metric("sagebridge_leader") == 1, "the first one's Lease")
    second = world.operator.environment | {"SAGEBRIDGE_LEASE_IDENTITY": "second"}
    standby = operator(endpoint_url=world.simulator.url, environment=second)
    tell_to_end(standby)
    assert "Told to end before it has begun" in standby.log.read_text()
