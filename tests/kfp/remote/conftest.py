"""Steps before a real API server, with an operator and a local SageMaker that runs their jobs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kubernetes
import pytest
from integration.operator.pairs import own_world
from integration.operator.world import Cluster
from kfp import local
from kfp.local import config
from sagebridge_local.stack import ControlPlane, Simulator
from support.control_plane import control_plane
from support.processes import Spawns, forked_operator, forked_simulator, kube, spawns
from support.steps import grant

__all__ = ["control_plane", "forked_operator", "forked_simulator", "kube", "spawns"]


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A namespace whose jobs run for real."""

    namespace: str
    kubeconfig: Path
    simulator: Simulator
    client: kubernetes.client.ApiClient


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    spawns: Spawns,
) -> Iterator[Stack]:
    cluster, directory = Cluster(control_plane=control_plane, client=kube), tmp_path_factory.mktemp("remote")
    with own_world(directory, cluster=cluster, spawns=spawns, arguments=()) as world:
        kubeconfig = grant(kube, world.namespace, kubeconfig=control_plane.kubeconfig, into=directory)
        yield Stack(namespace=world.namespace, kubeconfig=kubeconfig, simulator=world.simulator, client=kube)


@pytest.fixture
def runs(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stack, as kfp.local's steps find it."""
    for name, value in stack.simulator.aws_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KUBECONFIG", str(stack.kubeconfig))
    monkeypatch.setattr(config.LocalExecutionConfig, "instance", None)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path))
    return stack
