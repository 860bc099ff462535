"""Twelve instance types as their nodes look in a cluster. From the sources below, not the operator's table.

Sources:
    https://karpenter.sh/docs/reference/instance-types/ (what nodes of a type have allocatable, and instance-* labels)
    https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html (5,128 huge pages of 2 MiB on nodes with EFA)
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/ (seven 1g.10gb of an A100 with 80 GB)
    https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md (nvidia.com/gpu.product)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

GPU, MIG, EFA, NEURON, CORE = (
    "nvidia.com/gpu",
    "nvidia.com/mig-1g.10gb",
    "vpc.amazonaws.com/efa",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
)
HUGEPAGES = "hugepages-2Mi"
_EFA_PAGES_MEBIBYTES = 5128 * 2

# What an EKS node's own DaemonSets ask for: the VPC CNI, kube-proxy, the EBS CSI driver, device plugins, CloudWatch's
# agent and Fluent Bit.
DAEMONS_MILLICORES, DAEMONS_MEBIBYTES = 450, 600


@dataclass(frozen=True, kw_only=True)
class Machine:
    """An instance type.

    Attributes:
        name: EC2's.
        vcpus: of the instance.
        memory_mebibytes: of the instance.
        millicores: allocatable.
        mebibytes: allocatable.
        pods: allocatable.
        devices: extended resources that its nodes have here.
        product: nvidia.com/gpu.product, where GPU feature discovery runs.
        gpu_name: Karpenter's instance-gpu-name.
    """

    name: str
    vcpus: int
    memory_mebibytes: int
    millicores: int
    mebibytes: int
    pods: int
    devices: Mapping[str, int] = field(default_factory=dict)
    product: str = ""
    gpu_name: str = ""

    def free(self) -> dict[str, int]:
        """What is left to pods: thousandths of processors, MiB, and devices; huge pages in MiB."""
        pages = _EFA_PAGES_MEBIBYTES if EFA in self.devices else 0
        found = {
            "cpu": self.millicores - DAEMONS_MILLICORES,
            "memory": self.mebibytes - DAEMONS_MEBIBYTES - pages,
            "pods": self.pods,
            **self.devices,
        }
        return {**found, HUGEPAGES: pages} if pages else found


P5 = Machine(
    name="p5.48xlarge",
    vcpus=192,
    memory_mebibytes=2097152,
    millicores=191450,
    mebibytes=1938410,
    pods=100,
    devices={GPU: 8, EFA: 32},
    product="NVIDIA-H100-80GB-HBM3",
    gpu_name="h100",
)
P4D = Machine(
    name="p4d.24xlarge",
    vcpus=96,
    memory_mebibytes=1179648,
    millicores=95690,
    mebibytes=1082712,
    pods=737,
    devices={GPU: 8, EFA: 4},
    product="NVIDIA-A100-SXM4-40GB",
    gpu_name="a100",
)
P4DE_MIG = Machine(
    name="p4de.24xlarge",
    vcpus=96,
    memory_mebibytes=1179648,
    millicores=95690,
    mebibytes=1082712,
    pods=737,
    devices={MIG: 56},
    product="NVIDIA-A100-SXM4-80GB",
    gpu_name="a100",
)
G5_12 = Machine(
    name="g5.12xlarge",
    vcpus=48,
    memory_mebibytes=196608,
    millicores=47810,
    mebibytes=173400,
    pods=737,
    devices={GPU: 4},
    product="NVIDIA-A10G",
    gpu_name="a10g",
)
G5_1 = Machine(
    name="g5.xlarge",
    vcpus=4,
    memory_mebibytes=16384,
    millicores=3920,
    mebibytes=14162,
    pods=58,
    devices={GPU: 1},
    product="NVIDIA-A10G",
    gpu_name="a10g",
)
G6_12 = Machine(
    name="g6.12xlarge",
    vcpus=48,
    memory_mebibytes=196608,
    millicores=47810,
    mebibytes=178933,
    pods=234,
    devices={GPU: 4},
    product="NVIDIA-L4",
    gpu_name="l4",
)
G4DN_12 = Machine(
    name="g4dn.12xlarge",
    vcpus=48,
    memory_mebibytes=196608,
    millicores=47810,
    mebibytes=178933,
    pods=234,
    devices={GPU: 4},
    product="Tesla-T4",
    gpu_name="t4",
)
TRN1_32 = Machine(
    name="trn1.32xlarge",
    vcpus=128,
    memory_mebibytes=524288,
    millicores=127610,
    mebibytes=481894,
    pods=247,
    devices={NEURON: 16, CORE: 32, EFA: 8},
)
INF2_1 = Machine(
    name="inf2.xlarge",
    vcpus=4,
    memory_mebibytes=16384,
    millicores=3920,
    mebibytes=14162,
    pods=58,
    devices={NEURON: 1, CORE: 2},
)
M5_4 = Machine(name="m5.4xlarge", vcpus=16, memory_mebibytes=65536, millicores=15890, mebibytes=57691, pods=234)
C5_9 = Machine(name="c5.9xlarge", vcpus=36, memory_mebibytes=73728, millicores=35840, mebibytes=65269, pods=234)
C7I_8 = Machine(name="c7i.8xlarge", vcpus=32, memory_mebibytes=65536, millicores=31850, mebibytes=57691, pods=234)
