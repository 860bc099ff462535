"""An operator and a local SageMaker that really trains and serves, for each test."""

from collections.abc import Callable, Iterator

import kubernetes
import pytest
from integration.operator.conftest import PATIENT
from integration.operator.serving import Serving
from integration.operator.world import Cluster, World
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from support.processes import forked_operator, forked_simulator, kube, namespace, operator, simulator

__all__ = ["forked_operator", "forked_simulator", "kube", "namespace", "operator", "really_serving", "simulator"]


@pytest.fixture
def really_serving(
    simulator: Callable[..., Simulator],
    operator: Callable[..., OperatorProcess],
    control_plane: ControlPlane,
    kube: kubernetes.client.ApiClient,
    namespace: str,
) -> Iterator[Serving]:
    """A namespace with an operator and a local SageMaker of its own, which runs jobs and models."""
    local = simulator().make_bucket()
    process = operator(endpoint_url=local.url, environment=PATIENT)
    found = Serving.really(World.of(Cluster(control_plane=control_plane, client=kube), namespace, local, process))
    yield found
    for one in found.objects.list():
        found.objects.delete(one["metadata"]["name"])
        found.objects.wait_gone(one["metadata"]["name"])
