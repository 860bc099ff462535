"""Two operators for all tests of a run: one as it is installed, one in a hurry. Namespaces keep tests apart.

The patient one serves a whole cluster of its own with the times of a fresh installation, save the poll interval: what
happens soon under it happened because something changed, not because a timer ran. The hasty one has short deadlines.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import kubernetes
import pytest
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from support.control_plane import NODES_BY_HAND
from support.crds import STAND_INS
from support.kubelet import Kubelet
from support.processes import Spawns, only

from .cluster_serving import Place
from .pairs import QUICK, pair
from .world import Cluster, World

PATIENT = QUICK | {
    "SAGEBRIDGE_AGENT_IMAGE": "registry.example/sagebridge:1",
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
    with ControlPlane.start(directory, crds=crds_directory(), arguments=NODES_BY_HAND) as control_plane:
        control_plane.install_crds(STAND_INS)
        config = str(control_plane.kubeconfig)
        with kubernetes.config.new_client_from_config(config_file=config) as client:
            yield Cluster(control_plane=control_plane, client=client)


@pytest.fixture(scope="session")
def patient(
    tmp_path_factory: pytest.TempPathFactory, own_cluster: Cluster, spawns: Spawns
) -> Iterator[tuple[Simulator, OperatorProcess]]:
    """A local SageMaker that runs no training, and before it an operator for the whole cluster."""
    directory = tmp_path_factory.mktemp("patient")
    with pair(directory, cluster=own_cluster, spawns=spawns, environment=PATIENT) as both:
        yield both


@pytest.fixture(scope="session")
def shared_cluster(control_plane: ControlPlane, kube: kubernetes.client.ApiClient) -> Cluster:
    """The API server that all operators of single namespaces share."""
    return Cluster(control_plane=control_plane, client=kube)


@pytest.fixture(scope="session")
def hasty_namespaces(shared_cluster: Cluster) -> list[str]:
    """What the hasty operator serves; each test takes one."""
    return [shared_cluster.make_namespace() for _ in range(_HASTY_NAMESPACES)]


@pytest.fixture(scope="session")
def hurried(
    tmp_path_factory: pytest.TempPathFactory, shared_cluster: Cluster, hasty_namespaces: list[str], spawns: Spawns
) -> Iterator[tuple[Simulator, OperatorProcess]]:
    """A local SageMaker that runs no training, and before it an operator for some namespaces, in a hurry."""
    directory, environment = tmp_path_factory.mktemp("hasty"), HASTY | only(*hasty_namespaces)
    with pair(directory, cluster=shared_cluster, spawns=spawns, environment=environment) as both:
        yield both


@pytest.fixture
def world(own_cluster: Cluster, patient: tuple[Simulator, OperatorProcess]) -> Iterator[World]:
    """A namespace that the patient operator serves."""
    yield from _world(own_cluster, own_cluster.make_namespace(), *patient)


@pytest.fixture
def hasty(
    shared_cluster: Cluster, hasty_namespaces: list[str], hurried: tuple[Simulator, OperatorProcess]
) -> Iterator[World]:
    """A namespace that the hasty operator serves."""
    yield from _world(shared_cluster, hasty_namespaces.pop(), *hurried)


def _world(cluster: Cluster, namespace: str, simulator: Simulator, operator: OperatorProcess) -> Iterator[World]:
    world = World.of(cluster, namespace, simulator, operator)
    world.script(seconds=600)
    yield world
    world.aws.clear_faults()
    world.aws.settings(list_lag_seconds=0.0, capacity_wait_seconds=5.0)
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
    shared_cluster: Cluster,
    namespace: str,
) -> Callable[..., World]:
    """A factory of worlds with a local SageMaker and an operator of their own, for tests that stop one or the other."""

    def start(*arguments: str, **environment: str) -> World:
        local = simulator("--lifecycle-only", *arguments)
        process = operator(endpoint_url=local.url, environment=PATIENT | environment)
        world = World.of(shared_cluster, namespace, local, process)
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
