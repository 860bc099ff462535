"""Fixtures of tests that start operators and local SageMakers before a real API server.

A conftest imports them by name, and has a `control_plane` of its own.
"""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from sagebridge_local.stack.processes import Spawn

from support.forking import OPERATOR, SIMULATOR, ForkServer, InTurns

Spawns = tuple[Spawn, Spawn]
"""What starts local SageMakers, and what starts operators."""


def only(*namespaces: str) -> dict[str, str]:
    """The settings of an operator that serves these namespaces alone; its lease is in the first."""
    return {"SAGEBRIDGE_WATCH_NAMESPACES": ",".join(namespaces), "SAGEBRIDGE_LEASE_NAMESPACE": namespaces[0]}


@pytest.fixture(scope="session")
def kube(control_plane: ControlPlane) -> Iterator[kubernetes.client.ApiClient]:
    """The official client, as administrator: `kubernetes.client.CustomObjectsApi(kube)` and the like."""
    with kubernetes.config.new_client_from_config(config_file=str(control_plane.kubeconfig)) as client:
        yield client


@pytest.fixture
def namespace(kube: kubernetes.client.ApiClient) -> str:
    """A fresh namespace, which goes with the control plane: to delete one takes a third of a second of processor time.

    A deletion goes through every resource of the API.
    """
    name = f"test-{secrets.token_hex(5)}"
    core = kubernetes.client.CoreV1Api(kube)
    core.create_namespace({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture(scope="session")
def forked_simulator() -> Iterator[ForkServer]:
    """Starts local SageMakers in a tenth of the time: forked from a process that has imported what they import."""
    with ForkServer(*SIMULATOR) as server:
        yield server


@pytest.fixture(scope="session")
def forked_operator() -> Iterator[Spawn]:
    """Starts operators in the same way; after a restart, one has sets in another order than before."""
    with ForkServer(OPERATOR) as first, ForkServer(OPERATOR) as second:
        yield InTurns(first, second)


@pytest.fixture(scope="session")
def spawns(forked_simulator: ForkServer, forked_operator: Spawn) -> Spawns:
    """Both of them."""
    return forked_simulator, forked_operator


@pytest.fixture
def simulator(tmp_path: Path, forked_simulator: ForkServer) -> Iterator[Callable[..., Simulator]]:
    """A factory of local SageMaker processes: `simulator("--lifecycle-only", environment={...})`."""
    running: list[Simulator] = []

    def start(*arguments: str, **options: Any) -> Simulator:
        directory = tmp_path / f"simulator-{len(running)}"
        running.append(Simulator.start(directory, arguments=arguments, spawn=forked_simulator, **options))
        return running[-1]

    yield start
    for each in running:
        each.stop(grace=5)


@pytest.fixture
def operator(
    tmp_path: Path, control_plane: ControlPlane, namespace: str, forked_operator: Spawn
) -> Iterator[Callable[..., OperatorProcess]]:
    """A factory of operators that serve the test's namespace alone, so that tests can run side by side.

    `operator(endpoint_url=simulator().url, environment={"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1"})`
    """
    running: list[OperatorProcess] = []

    def start(*, environment: dict[str, str] | None = None, **options: Any) -> OperatorProcess:
        settings = only(namespace) | (environment or {})
        options = {"kubeconfig": control_plane.kubeconfig, "spawn": forked_operator, **options, "environment": settings}
        running.append(OperatorProcess.start(tmp_path / f"operator-{len(running)}", **options))
        return running[-1]

    yield start
    for each in running:
        each.stop(grace=5)
