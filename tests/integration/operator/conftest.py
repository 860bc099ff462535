"""Two operators for all tests of a run: one as it is installed, one in a hurry. Namespaces keep tests apart.

The patient one serves a whole cluster of its own with the times of a fresh installation, save the poll interval: what
happens soon under it happened because something changed, not because a timer ran. The hasty one has short deadlines.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import kubernetes
import pytest
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from sagebridge_local.stack.processes import Spawn
from support.crds import STAND_INS
from support.forking import ForkServer
from support.kubelet import Kubelet

from .cluster_serving import Place
from .world import Cluster, World

PATIENT = {
    "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "0.3",
    "SAGEBRIDGE_ENDPOINT_SWEEP_SECONDS": "2",
    "SAGEBRIDGE_AWS_UNLIMITED": "true",
    "SAGEBRIDGE_AGENT_IMAGE": "registry.example/sagebridge:1",
    "SAGEBRIDGE_LEASE_IDENTITY": "test",
    "SAGEBRIDGE_LOG_LEVEL": "DEBUG",
    "SAGEBRIDGE_ALLOWED_ROLE_ARNS": "arn:aws:iam::123456789012:role/other",
}
HASTY = PATIENT | {
    "SAGEBRIDGE_RECHECK_SECONDS": "1",
    "SAGEBRIDGE_QUOTA_GRACE_SECONDS": "1",
    "SAGEBRIDGE_DELETION_DEADLINE_SECONDS": "2",
    "SAGEBRIDGE_STALE_AFTER_SECONDS": "1",
}
_HASTY_NAMESPACES = 20


@pytest.fixture(scope="session")
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server whose tenant policies are nobody else's, with what stands for the APIs of others."""
    directory = tmp_path_factory.mktemp("cluster")
    with ControlPlane.start(directory, crds=crds_directory()) as control_plane:
        control_plane.install_crds(STAND_INS)
        config = str(control_plane.kubeconfig)
        with kubernetes.config.new_client_from_config(config_file=config) as client:
            yield Cluster(control_plane=control_plane, client=client)


@pytest.fixture(scope="session")
def patient(
    tmp_path_factory: pytest.TempPathFactory,
    own_cluster: Cluster,
    forked_simulator: ForkServer,
    forked_operator: Spawn,
) -> Iterator[tuple[Simulator, OperatorProcess]]:
    """A local SageMaker that runs no training, and before it an operator for the whole cluster."""
    spawns = (forked_simulator, forked_operator)
    yield from _pair(tmp_path_factory.mktemp("patient"), own_cluster.control_plane.kubeconfig, PATIENT, spawns)


@pytest.fixture(scope="session")
def hasty_namespaces(control_plane: ControlPlane, kube: kubernetes.client.ApiClient) -> list[str]:
    """What the hasty operator serves; each test takes one."""
    cluster = Cluster(control_plane=control_plane, client=kube)
    return [cluster.make_namespace() for _ in range(_HASTY_NAMESPACES)]


@pytest.fixture(scope="session")
def hurried(
    tmp_path_factory: pytest.TempPathFactory,
    control_plane: ControlPlane,
    hasty_namespaces: list[str],
    forked_simulator: ForkServer,
    forked_operator: Spawn,
) -> Iterator[tuple[Simulator, OperatorProcess]]:
    """A local SageMaker that runs no training, and before it an operator for some namespaces, in a hurry."""
    where = {
        "SAGEBRIDGE_WATCH_NAMESPACES": ",".join(hasty_namespaces),
        "SAGEBRIDGE_LEASE_NAMESPACE": hasty_namespaces[0],
    }
    spawns = (forked_simulator, forked_operator)
    yield from _pair(tmp_path_factory.mktemp("hasty"), control_plane.kubeconfig, HASTY | where, spawns)


def _pair(
    directory: Path, kubeconfig: Path, environment: dict[str, str], spawns: tuple[Spawn, Spawn]
) -> Iterator[tuple[Simulator, OperatorProcess]]:
    arguments, (of_simulator, of_operator) = ("--lifecycle-only",), spawns
    with Simulator.start(directory / "simulator", arguments=arguments, spawn=of_simulator) as simulator:
        operator = OperatorProcess.start(
            directory / "operator",
            kubeconfig=kubeconfig,
            endpoint_url=simulator.url,
            environment=environment,
            spawn=of_operator,
        )
        with operator:
            yield simulator, operator


@pytest.fixture
def world(own_cluster: Cluster, patient: tuple[Simulator, OperatorProcess]) -> Iterator[World]:
    """A namespace that the patient operator serves."""
    yield from _world(own_cluster, own_cluster.make_namespace(), *patient)


@pytest.fixture
def hasty(
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    hasty_namespaces: list[str],
    hurried: tuple[Simulator, OperatorProcess],
) -> Iterator[World]:
    """A namespace that the hasty operator serves."""
    yield from _world(Cluster(control_plane=control_plane, client=kube), hasty_namespaces.pop(), *hurried)


def _world(cluster: Cluster, namespace: str, simulator: Simulator, operator: OperatorProcess) -> Iterator[World]:
    world = World.of(cluster, namespace, simulator, operator)
    world.script(seconds=600)
    yield world
    world.aws.clear_faults()
    world.aws.settings(list_lag_seconds=0.0)
    world.delete_all()


@pytest.fixture
def place(world: World) -> Iterator[Place]:
    """A namespace for an Endpoint on the cluster."""
    found = Place.of(world)
    yield found
    found.clear()


@pytest.fixture
def alone(
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    namespace: str,
) -> Callable[..., World]:
    """A factory of worlds with a local SageMaker and an operator of their own, for tests that stop one or the other."""

    def start(*arguments: str, **environment: str) -> World:
        local = simulator("--lifecycle-only", *arguments)
        process = operator(endpoint_url=local.url, environment=PATIENT | environment)
        world = World.of(Cluster(control_plane=control_plane, client=kube), namespace, local, process)
        world.script(seconds=600)
        return world

    return start


@pytest.fixture
def unique() -> str:
    """A word that nothing else is called by."""
    return secrets.token_hex(4)


@pytest.fixture
def kubelet(world: World) -> Iterator[Kubelet]:
    """What the kubelets of the namespace's pods would do."""
    made = Kubelet(world.cluster.client, world.namespace)
    yield made
    made.remove_all()
