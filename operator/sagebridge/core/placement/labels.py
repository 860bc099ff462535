"""Labels of nodes, which differ by what made the node.

Sources:
    https://docs.aws.amazon.com/eks/latest/userguide/ml-workload-placement.html (the same by each provisioner)
    https://karpenter.sh/docs/concepts/scheduling/#well-known-labels
    https://docs.aws.amazon.com/eks/latest/userguide/create-node-pool.html (Auto Mode)
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-eks-resiliency-node-labels.html
    https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md
    https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html (-SHARED, sharing-strategy)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sagebridge.core.placement.instance_types import InstanceType, sagemaker_name

INSTANCE_TYPE: Final = "node.kubernetes.io/instance-type"
OLD_INSTANCE_TYPE: Final = "beta.kubernetes.io/instance-type"
ARCHITECTURE: Final = "kubernetes.io/arch"
AMD64: Final = "amd64"
HOSTNAME: Final = "kubernetes.io/hostname"

KARPENTER_CAPACITY: Final = "karpenter.sh/capacity-type"
"""Of Karpenter, of Auto Mode and of HyperPod's Karpenter: spot, on-demand, reserved."""
NODE_GROUP_CAPACITY: Final = "eks.amazonaws.com/capacityType"
"""Of managed node groups: SPOT, ON_DEMAND, CAPACITY_BLOCK."""
LIFECYCLE: Final = "node.kubernetes.io/lifecycle"
"""Set by hand on self-managed nodes: spot, normal."""
SPOT_VALUES: Final[Mapping[str, str]] = {KARPENTER_CAPACITY: "spot", NODE_GROUP_CAPACITY: "SPOT", LIFECYCLE: "spot"}

HYPERPOD_HEALTH: Final = "sagemaker.amazonaws.com/node-health-status"
HYPERPOD_HEALTHY: Final = "Schedulable"

GPU_PRODUCT: Final = "nvidia.com/gpu.product"
GPU_SHARING: Final = "nvidia.com/gpu.sharing-strategy"
GPU_SHARING_KINDS: Final = ("mps", "time-slicing")
GPU_SLICES: Final = "nvidia.com/gpu.slices.gi"
"""Only where nvidia.com/gpu counts MIG devices (strategy single)."""
SHARED_SUFFIX: Final = "-SHARED"

_PROVISIONERS: Final = ("karpenter.k8s.aws", "eks.amazonaws.com")


def known_values(instance_type: InstanceType) -> Mapping[str, frozenset[str]]:
    """Return the values that labels of a node of the type can have, for the labels that follow from the type."""
    gpu = instance_type.gpu
    names = frozenset({instance_type.name, sagemaker_name(instance_type.name)})
    values = {INSTANCE_TYPE: names, OLD_INSTANCE_TYPE: names, ARCHITECTURE: frozenset({AMD64})}
    by_provisioner = {
        "instance-family": instance_type.family,
        "instance-size": instance_type.name.partition(".")[2],
        "instance-cpu": str(instance_type.vcpus),
        "instance-memory": str(round(instance_type.memory_gib * 1024)),
        "instance-gpu-name": gpu.instance_gpu_name if gpu else "",
        "instance-gpu-count": str(instance_type.gpus),
    }
    for name, value in by_provisioner.items():
        values |= {f"{group}/{name}": frozenset({value}) for group in _PROVISIONERS}
    return values
