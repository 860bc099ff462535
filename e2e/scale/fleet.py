"""A thousand nodes, labelled and tainted as those who make nodes do it.

Sources:
    https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html#managed-node-group-capacity-types
    https://karpenter.sh/docs/concepts/scheduling/#well-known-labels
    https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html (Auto Mode's labels)
    https://docs.aws.amazon.com/eks/latest/userguide/associate-workload.html (eks.amazonaws.com/compute-type: auto)
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-eks-resiliency-node-labels.html
    https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html (-SHARED, sharing-strategy)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from scale.machines import (
    C5_9,
    C7I_8,
    G4DN_12,
    G5_1,
    G5_12,
    G6_12,
    GPU,
    HUGEPAGES,
    INF2_1,
    M5_4,
    MIG,
    NEURON,
    P4D,
    P4DE_MIG,
    P5,
    TRN1_32,
    Machine,
)

FAKE = "kwok.x-k8s.io/node"
ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
_ZONE = "topology.kubernetes.io/zone"

Labels = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node.

    Attributes:
        name: its name.
        machine: its instance type.
        labels: all of them.
        taints: those that whoever made it has set.
        zone: where it is.
        is_spot: whether it can be taken away.
        is_usable: whether jobs that want healthy nodes and whole devices may be there at all.
    """

    name: str
    machine: Machine
    labels: Labels
    taints: tuple[dict[str, str], ...]
    zone: str
    is_spot: bool
    is_usable: bool

    def manifest(self) -> dict[str, Any]:
        """As its kubelet registers it."""
        amounts = {name: _quantity(name, amount) for name, amount in self.machine.free().items()}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.name, "labels": self.labels, "annotations": {FAKE: "fake"}},
            "spec": {"taints": list(self.taints)},
            "status": {
                "allocatable": amounts,
                "capacity": amounts,
                "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
            },
        }


@dataclass(frozen=True, kw_only=True)
class Pool:
    """Nodes that are alike.

    Attributes:
        machine: their instance type.
        made_by: what labels them.
        count: how many.
        is_spot: of spot capacity.
        is_tainted: kept for what asks for its devices.
        has_discovery: GPU feature discovery runs there.
        is_usable: see `Node`.
    """

    machine: Machine
    made_by: Callable[[Machine, bool], Labels]
    count: int
    is_spot: bool = False
    is_tainted: bool = True
    has_discovery: bool = False
    is_usable: bool = True

    @property
    def name(self) -> str:
        """What its nodes' names begin with."""
        capacity = "spot" if self.is_spot else "od"
        use = "" if self.is_usable else "-off"
        return f"{self.machine.name.replace('.', '-')}-{self.made_by.__name__}-{capacity}{use}"

    def nodes(self) -> Iterator[Node]:
        """Its nodes, over all zones in turn."""
        taints = [{"key": key, "value": "true", "effect": "NoSchedule"} for key in self._taint_keys()]
        for index in range(self.count):
            name, zone = f"{self.name}-{index:03d}", ZONES[index % len(ZONES)]
            labels = {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name,
                "topology.kubernetes.io/region": zone[:-1],
                _ZONE: zone,
                "node.kubernetes.io/instance-type": self.machine.name,
                **(_discovered(self.machine) if self.has_discovery else {}),
                **self.made_by(self.machine, self.is_spot),
            }
            yield Node(
                name=name,
                machine=self.machine,
                labels=labels,
                taints=tuple(taints),
                zone=zone,
                is_spot=self.is_spot,
                is_usable=self.is_usable,
            )

    def _taint_keys(self) -> list[str]:
        """By convention a taint has the name of the resource that it is kept for; for any GPU the usual one."""
        if not self.is_tainted:
            return []
        return [GPU] if {GPU, MIG} & set(self.machine.devices) else [NEURON] if NEURON in self.machine.devices else []


def managed(machine: Machine, is_spot: bool) -> Labels:
    """A managed node group."""
    return {
        "eks.amazonaws.com/nodegroup": f"group-{machine.name.replace('.', '-')}",
        "eks.amazonaws.com/capacityType": "SPOT" if is_spot else "ON_DEMAND",
    }


def karpenter(machine: Machine, is_spot: bool) -> Labels:
    """Karpenter, run by oneself."""
    return {"karpenter.sh/nodepool": "training", **_capacity(is_spot), **_instance("karpenter.k8s.aws", machine)}


def auto(machine: Machine, is_spot: bool) -> Labels:
    """EKS Auto Mode."""
    return {
        "eks.amazonaws.com/compute-type": "auto",
        "karpenter.sh/nodepool": "training",
        **_capacity(is_spot),
        **_instance("eks.amazonaws.com", machine),
    }


def hyperpod(machine: Machine, is_spot: bool) -> Labels:
    """HyperPod, whose instance types have SageMaker's names."""
    return {
        "node.kubernetes.io/instance-type": f"ml.{machine.name}",
        "sagemaker.amazonaws.com/compute-type": "hyperpod",
        "sagemaker.amazonaws.com/node-health-status": "Schedulable",
    }


def broken(machine: Machine, is_spot: bool) -> Labels:
    """HyperPod's nodes that wait for their replacement."""
    status = {"sagemaker.amazonaws.com/node-health-status": "UnschedulablePendingReplacement"}
    return {**hyperpod(machine, is_spot), **status}


def shared(machine: Machine, is_spot: bool) -> Labels:
    """A managed node group whose GPUs are time-sliced: four pods each, so a pod that gets one has a quarter of it."""
    labels = {"nvidia.com/gpu.product": f"{machine.product}-SHARED", "nvidia.com/gpu.sharing-strategy": "time-slicing"}
    return {**managed(machine, is_spot), **labels, "nvidia.com/gpu.replicas": "4"}


_TIME_SLICED = replace(G5_12, devices={GPU: 16})

POOLS = (
    Pool(machine=P5, made_by=managed, count=40, has_discovery=True),
    Pool(machine=P5, made_by=hyperpod, count=58, is_tainted=False, has_discovery=True),
    Pool(machine=P5, made_by=broken, count=2, is_tainted=False, has_discovery=True, is_usable=False),
    Pool(machine=P4D, made_by=karpenter, count=60),
    Pool(machine=P4D, made_by=hyperpod, count=40, is_tainted=False, has_discovery=True),
    Pool(machine=P4DE_MIG, made_by=managed, count=6, has_discovery=True),
    Pool(machine=G5_12, made_by=managed, count=35, has_discovery=True),
    Pool(machine=G5_12, made_by=karpenter, count=40),
    Pool(machine=G5_12, made_by=auto, count=40),
    Pool(machine=_TIME_SLICED, made_by=shared, count=5, has_discovery=True, is_usable=False),
    Pool(machine=G5_1, made_by=karpenter, count=74, is_spot=True),
    Pool(machine=G5_1, made_by=auto, count=60),
    Pool(machine=G6_12, made_by=managed, count=40, is_spot=True),
    Pool(machine=G6_12, made_by=auto, count=30, is_spot=True),
    Pool(machine=G6_12, made_by=karpenter, count=30),
    Pool(machine=G4DN_12, made_by=managed, count=60),
    Pool(machine=TRN1_32, made_by=managed, count=40),
    Pool(machine=TRN1_32, made_by=hyperpod, count=40, is_tainted=False),
    Pool(machine=INF2_1, made_by=karpenter, count=60),
    Pool(machine=M5_4, made_by=managed, count=50, is_tainted=False),
    Pool(machine=M5_4, made_by=auto, count=50, is_tainted=False),
    Pool(machine=C5_9, made_by=karpenter, count=40, is_spot=True, is_tainted=False),
    Pool(machine=C5_9, made_by=managed, count=40, is_tainted=False),
    Pool(machine=C7I_8, made_by=auto, count=60, is_tainted=False),
)


def fleet(*, every: int = 1) -> list[Node]:
    """All nodes, or of each pool only each so many-th."""
    return [node for pool in POOLS for node in itertools.islice(pool.nodes(), 0, None, every)]


def _capacity(is_spot: bool) -> Labels:
    return {"karpenter.sh/capacity-type": "spot" if is_spot else "on-demand"}


def _instance(group: str, machine: Machine) -> Labels:
    family, _, size = machine.name.partition(".")
    found = {"family": family, "size": size, "cpu": str(machine.vcpus), "memory": str(machine.memory_mebibytes)}
    if machine.gpu_name:
        found |= {"gpu-name": machine.gpu_name, "gpu-count": str(machine.devices[GPU]), "gpu-manufacturer": "nvidia"}
    return {f"{group}/instance-{name}": value for name, value in found.items()}


def _discovered(machine: Machine) -> Labels:
    divided = {"nvidia.com/mig.strategy": "mixed", "nvidia.com/mig.config": "all-1g.10gb"}
    return {
        "nvidia.com/gpu.present": "true",
        "nvidia.com/gpu.product": machine.product,
        **(divided if MIG in machine.devices else {}),
    }


def _quantity(name: str, amount: int) -> str:
    unit = {"cpu": "m", "memory": "Mi", HUGEPAGES: "Mi"}.get(name, "")
    return f"{amount}{unit}"
