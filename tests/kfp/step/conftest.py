"""Steps before a real API server, with an operator and the local SageMaker behind it; one of each for a module."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import kubernetes
import pytest
from integration.operator.pairs import own_world
from integration.operator.world import Cluster, World
from sagebridge_local.stack import ControlPlane
from support.control_plane import control_plane
from support.processes import Spawns, forked_operator, forked_simulator, kube, spawns
from support.steps import Task, grant

__all__ = ["control_plane", "forked_operator", "forked_simulator", "kube", "spawns"]


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
    spawns: Spawns,
) -> Iterator[Place]:
    """A namespace whose jobs nobody runs: they pass their stages, and end as a script says."""
    cluster, directory = Cluster(control_plane=control_plane, client=kube), tmp_path_factory.mktemp("steps")
    with own_world(directory, cluster=cluster, spawns=spawns) as world:
        world.aws.endpoint_outcome(f"{world.namespace}*", seconds=0, scale_seconds=0, delete_seconds=0)
        kubeconfig = grant(kube, world.namespace, kubeconfig=control_plane.kubeconfig, into=directory)
        yield Place(world=world, kubeconfig=kubeconfig)


@pytest.fixture
def task(place: Place, tmp_path: Path) -> Callable[..., Task]:
    """A factory of tasks, each of a run of its own unless it is told."""

    def make(run: str = "", **facts: str) -> Task:
        run = run or f"run-{secrets.token_hex(4)}"
        return Task(directory=tmp_path / secrets.token_hex(4), kubeconfig=place.kubeconfig, run=run, **facts)

    return make
