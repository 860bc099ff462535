"""Steps before a real API server, with an operator and the local SageMaker behind it; one of each for a module."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import kubernetes
import pytest
from integration.operator.world import Cluster, World
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from sagebridge_local.stack.processes import Spawn
from support.control_plane import control_plane
from support.forking import ForkServer
from support.processes import forked_operator, forked_simulator, kube
from support.steps import Task, grant

__all__ = ["control_plane", "forked_operator", "forked_simulator", "kube"]

_SETTINGS = {
    "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.3",
    "SAGEBRIDGE_ENDPOINT_SWEEP_SECONDS": "2",
    "SAGEBRIDGE_AWS_UNLIMITED": "true",
    "SAGEBRIDGE_LEASE_IDENTITY": "test",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """A namespace with all that serves it, and the kubeconfig that steps have there."""

    world: World
    kubeconfig: Path


@pytest.fixture(scope="module")
def place(
    tmp_path_factory: pytest.TempPathFactory,
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    forked_simulator: ForkServer,
    forked_operator: Spawn,
) -> Iterator[Place]:
    """A namespace whose jobs nobody runs: they pass their stages, and end as a script says."""
    cluster, directory = Cluster(control_plane=control_plane, client=kube), tmp_path_factory.mktemp("steps")
    namespace = cluster.make_namespace()
    own = {"SAGEBRIDGE_WATCH_NAMESPACES": namespace, "SAGEBRIDGE_LEASE_NAMESPACE": namespace}
    with (
        Simulator.start(directory / "simulator", arguments=("--lifecycle-only",), spawn=forked_simulator) as simulator,
        OperatorProcess.start(
            directory / "operator",
            kubeconfig=control_plane.kubeconfig,
            endpoint_url=simulator.url,
            environment=_SETTINGS | own,
            spawn=forked_operator,
        ) as operator,
    ):
        world = World.of(cluster, namespace, simulator, operator)
        world.aws.endpoint_outcome(f"{namespace}*", seconds=0, scale_seconds=0, delete_seconds=0)
        kubeconfig = grant(kube, namespace, kubeconfig=control_plane.kubeconfig, into=directory)
        yield Place(world=world, kubeconfig=kubeconfig)


@pytest.fixture
def task(place: Place, tmp_path: Path) -> Callable[..., Task]:
    """A factory of tasks, each of a run of its own unless it is told."""

    def make(run: str = "", **facts: str) -> Task:
        run = run or f"run-{secrets.token_hex(4)}"
        return Task(directory=tmp_path / secrets.token_hex(4), kubeconfig=place.kubeconfig, run=run, **facts)

    return make
