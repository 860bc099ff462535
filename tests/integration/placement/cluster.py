"""Nodes without machines, and pods that the real scheduler puts on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import kubernetes
from sagebridge.core.placement import InstanceType, Placement, find
from sagebridge.core.placement.headroom import allocatable
from support.waiting import eventually

# Keeps the pods of other tests off: the control plane is shared.
TAINT = "sagebridge.io/placement-test"
# Nobody reports for these nodes, so that Kubernetes soon takes them for lost.
TOLERATIONS: tuple[Mapping[str, Any], ...] = tuple(
    {"key": key, "operator": "Exists"}
    for key in (TAINT, "node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
)


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node, as its instance type has it unless `devices` says otherwise."""

    name: str
    instance_type: str
    labels: Mapping[str, str]
    devices: Mapping[str, int] | None = None
    taints: Mapping[str, str] = field(default_factory=dict)
    zone: str = "a"
    hugepages: bool = False


def known(name: str) -> InstanceType:
    found = find(name)
    assert found is not None
    return found


class Cluster:
    """The nodes of one test module, in the shared control plane."""

    def __init__(self, *, client: kubernetes.client.ApiClient, namespace: str, nodes: tuple[Node, ...]) -> None:
        self.core = kubernetes.client.CoreV1Api(client)
        self.namespace = namespace
        self.nodes = nodes

    def start(self) -> None:
        eventually(self._has_service_account, what="the namespace's service account")
        for node in self.nodes:
            self.core.create_node(self._node(node))
            given = self._allocatable(node)
            self.core.patch_node_status(self._full(node.name), {"status": {"capacity": given, "allocatable": given}})

    def _has_service_account(self) -> bool:
        found = self.core.list_namespaced_service_account(self.namespace).items
        return any(each.metadata.name == "default" for each in found)

    def stop(self) -> None:
        for node in self.nodes:
            self.core.delete_node(self._full(node.name))

    def _full(self, name: str) -> str:
        return f"{self.namespace}-{name}"

    def _node(self, node: Node) -> dict[str, Any]:
        taints = [{"key": TAINT, "effect": "NoSchedule"}]
        taints += [{"key": key, "value": value, "effect": "NoSchedule"} for key, value in node.taints.items()]
        labels = {
            "kubernetes.io/hostname": self._full(node.name),
            "topology.kubernetes.io/zone": node.zone,
            TAINT: self.namespace,
            **node.labels,
        }
        return {"metadata": {"name": self._full(node.name), "labels": labels}, "spec": {"taints": taints}}

    def _allocatable(self, node: Node) -> dict[str, str]:
        found = known(node.instance_type)
        room = allocatable(found, hugepages=node.hugepages)
        own = {"nvidia.com/gpu": found.gpus, "aws.amazon.com/neuron": found.neuron_devices}
        devices = {name: str(count) for name, count in (own if node.devices is None else node.devices).items() if count}
        pages = {"hugepages-2Mi": f"{5128 * 2}Mi", "vpc.amazonaws.com/efa": str(found.efa)} if node.hugepages else {}
        return {"cpu": f"{room.millicores}m", "memory": f"{room.mebibytes}Mi", "pods": "110", **devices, **pages}

    def check(self, placement: Placement) -> None:
        """Ask the API server whether it takes such a pod; nothing is made."""
        self.core.create_namespaced_pod(self.namespace, self._pod(placement, name="asked", labels={}), dry_run="All")

    def scheduled(self, placement: Placement, *, labels: Mapping[str, str], count: int, some_wait: bool) -> list[str]:
        """Return on which nodes the scheduler puts the pods; the pods are gone afterwards.

        Args:
            placement: of the pods.
            labels: of the pods.
            count: how many pods.
            some_wait: whether a pod for which the scheduler finds no node is done with, and its node's name empty;
                else it is waited for, since the scheduler may not have seen yet that earlier pods are gone.
        """
        names = [f"{next(iter(labels.values()))}-{index}" for index in range(count)]
        for name in names:
            self.core.create_namespaced_pod(self.namespace, self._pod(placement, name=name, labels=labels))
        try:
            return [
                eventually(partial(self._decided, name, some_wait), what=f"a node for {name}").node for name in names
            ]
        finally:
            for name in names:
                self._delete(name)

    def _pod(self, placement: Placement, *, name: str, labels: Mapping[str, str]) -> dict[str, Any]:
        container = {"name": "train", "image": "none", "resources": dict(placement.resources)}
        spec = {
            "containers": [container],
            "nodeSelector": {TAINT: self.namespace, **placement.node_selector},
            "affinity": dict(placement.affinity),
            "tolerations": [dict(each) for each in placement.tolerations],
            "restartPolicy": "Never",
            "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": placement.shared_memory}}],
        }
        return {"metadata": {"name": name, "labels": dict(labels)}, "spec": spec}

    def _decided(self, name: str, some_wait: bool) -> "_Decision | None":
        pod = self.core.read_namespaced_pod(name, self.namespace)
        if pod.spec.node_name:
            return _Decision(node=pod.spec.node_name.removeprefix(f"{self.namespace}-"))
        refused = some_wait and any(
            each.type == "PodScheduled" and each.status == "False" for each in pod.status.conditions or ()
        )
        return _Decision(node="") if refused else None

    def _delete(self, name: str) -> None:
        self.core.delete_namespaced_pod(name, self.namespace, grace_period_seconds=0)


@dataclass(frozen=True)
class _Decision:
    node: str
