"""Jobs whose hosts are scheduled together: by the real scheduler's own gangs, and for those of others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest
from sagebridge_local.paths import crds_directory
from sagebridge_local.stack import ControlPlane, OperatorProcess, Simulator
from support.crds import STAND_INS
from support.jobs import ready, spec
from support.kubelet import Kubelet
from support.nodes import make_node
from support.processes import only

from .conftest import HASTY
from .world import Cluster, World

GATES = "--feature-gates=GenericWorkload=true,GangScheduling=true"
GANGS_OF_1_35 = {
    "kube-apiserver": [GATES, "--runtime-config=scheduling.k8s.io/v1alpha1=true"],
    # The nodes of these tests say once that they are ready.
    "kube-controller-manager": [GATES, "--node-monitor-grace-period=30m"],
    "kube-scheduler": [GATES],
}
GROUP = "scheduling.k8s.io"


def on_cluster(hosts: int, **changes: Any) -> dict[str, Any]:
    resources = {"instanceType": "ml.m5.large", "instanceCount": hosts}
    return spec(target="Cluster", resourceConfig=resources, **changes)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane whose scheduler knows gangs; other projects' APIs come later."""
    directory = tmp_path_factory.mktemp("gangs")
    with ControlPlane.start(directory, crds=crds_directory(), arguments=GANGS_OF_1_35) as control_plane:
        config = str(control_plane.kubeconfig)
        with kubernetes.config.new_client_from_config(config_file=config) as client:
            yield Cluster(control_plane=control_plane, client=client)


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with Simulator.start(tmp_path_factory.mktemp("simulator"), arguments=("--lifecycle-only",)) as simulator:
        yield simulator


@pytest.fixture
def world(request: pytest.FixtureRequest, cluster: Cluster, simulator: Simulator, tmp_path: Path) -> Iterator[World]:
    """A namespace whose operator has the scheduling that the test asks for."""
    namespace = cluster.make_namespace()
    environment = HASTY | only(namespace) | {"SAGEBRIDGE_CLUSTER_GANG_SCHEDULING": request.param}
    kubeconfig = cluster.control_plane.kubeconfig
    operator = OperatorProcess.start(
        tmp_path / "operator", kubeconfig=kubeconfig, endpoint_url=simulator.url, environment=environment
    )
    with operator:
        yield World.of(cluster, namespace, simulator, operator)


def nodes_of(kubelet: Kubelet, count: int) -> list[str]:
    return [pod.spec.node_name for pod in kubelet.pods(count) if pod.spec.node_name]


@pytest.mark.parametrize("world", [""], indirect=True)
def test_a_queue_is_waited_in_though_nobody_serves_it(world: World) -> None:
    world.jobs.create("digits", on_cluster(1, cluster={"queueName": "gpus"}))

    said = "the cluster does not serve kueue.x-k8s.io. Install Kueue"
    told = world.jobs.wait("digits", lambda found: said in ready(found).get("message", ""))
    assert ready(told)["reason"] == "Queued"


@pytest.mark.parametrize("world", ["Kubernetes"], indirect=True)
def test_the_scheduler_places_all_hosts_or_none(world: World) -> None:
    kubelet = Kubelet(world.cluster.client, world.namespace)
    for name in ("first", "second"):
        make_node(world.cluster.core, name, instance_type="m5.large")

    world.jobs.create("three", on_cluster(3))
    waiting = world.jobs.wait_reason("three", "Unschedulable")
    assert nodes_of(kubelet, 3) == [], "two of them would fit"
    assert "Pod" in ready(waiting)["message"]
    [job] = kubelet.jobs()
    workload = world.cluster.custom.get_namespaced_custom_object(
        GROUP, "v1alpha1", world.namespace, "workloads", job.metadata.name
    )
    [owner] = workload["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", job.metadata.uid)
    assert workload["spec"]["podGroups"][0]["policy"]["gang"]["minCount"] == 3

    make_node(world.cluster.core, "third", instance_type="m5.large")
    world.eventually(lambda: len(nodes_of(kubelet, 3)) == 3, "there is room for all")

    world.jobs.delete("three")
    world.jobs.wait_gone("three")


@pytest.mark.parametrize("world", ["Coscheduling"], indirect=True)
def test_an_api_that_is_not_there_is_waited_for(world: World) -> None:
    kubelet = Kubelet(world.cluster.client, world.namespace)
    world.jobs.create("two", on_cluster(2))
    refused = world.jobs.wait_reason("two", "InvalidSpec")
    assert "podgroups.scheduling.x-k8s.io/v1alpha1" in ready(refused)["message"]
    assert kubelet.jobs() == []

    world.cluster.control_plane.install_crds(STAND_INS)
    pods = kubelet.pods(2)

    [job] = kubelet.jobs()
    group = world.cluster.custom.get_namespaced_custom_object(
        "scheduling.x-k8s.io", "v1alpha1", world.namespace, "podgroups", job.metadata.name
    )
    assert group["spec"] == {"minMember": 2}
    assert {pod.metadata.labels["scheduling.x-k8s.io/pod-group"] for pod in pods} == {job.metadata.name}
    assert {pod.spec.scheduler_name for pod in pods} == {"scheduler-plugins-scheduler"}

    batch = kubernetes.client.BatchV1Api(world.cluster.client)
    batch.delete_namespaced_job(job.metadata.name, world.namespace, propagation_policy="Background")
    world.jobs.wait_reason("two", "JobGone")
    world.eventually(
        lambda: (
            not world.cluster.custom.list_namespaced_custom_object(
                "scheduling.x-k8s.io", "v1alpha1", world.namespace, "podgroups"
            )["items"]
        ),
        "the PodGroup goes with its Job",
    )
