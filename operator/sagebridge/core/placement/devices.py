"""The accelerators of AWS's instance types: what NVIDIA's labels call them, how MIG divides them, Neuron's cores.

Sources:
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html (MIG profiles and their number)
    https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md (nvidia.com/gpu.product)
    https://github.com/aws/karpenter-provider-aws/blob/main/website/content/en/docs/reference/instance-types.md
    (instance-gpu-name)
    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/general/arch/neuron-features/logical-neuroncore-config.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Gpu:
    """A model of GPU.

    Attributes:
        name: as people call it.
        memory_gib: of one GPU, as AWS advertises it.
        product: the value of the label nvidia.com/gpu.product, set by GPU feature discovery.
        instance_gpu_name: the value of Karpenter's and Auto Mode's label instance-gpu-name.
        mig_profiles: how many instances of each MIG profile one GPU can be divided into.
    """

    name: str
    memory_gib: int
    product: str
    instance_gpu_name: str
    mig_profiles: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Neuron:
    """A model of AWS's own accelerator.

    Attributes:
        name: as AWS calls it.
        physical_cores: NeuronCores of one device.
        cores: NeuronCores of one device as the runtime counts them: one process each.
        whole_groups: the only numbers of devices that a pod can have of a node, empty for any number.
    """

    name: str
    physical_cores: int
    cores: int
    whole_groups: tuple[int, ...] = ()


def _seven_slices(unit: int, double: int, half: int, whole: int) -> dict[str, int]:
    """Return the profiles of a GPU with seven compute slices, by the memory in GB of 1, 2, 4 and 8 memory slices."""
    return {
        f"1g.{unit}gb": 7,
        f"1g.{unit}gb.me": 1,
        f"1g.{double}gb": 4,
        f"2g.{double}gb": 3,
        f"3g.{half}gb": 2,
        f"4g.{half}gb": 1,
        f"7g.{whole}gb": 1,
    }


_GPUS: Final = (
    Gpu(name="K80", memory_gib=12, product="Tesla-K80", instance_gpu_name="k80"),
    Gpu(name="V100", memory_gib=16, product="Tesla-V100-SXM2-16GB", instance_gpu_name="v100"),
    Gpu(name="V100-32GB", memory_gib=32, product="Tesla-V100-SXM2-32GB", instance_gpu_name="v100"),
    Gpu(name="T4", memory_gib=16, product="Tesla-T4", instance_gpu_name="t4"),
    Gpu(name="A10G", memory_gib=24, product="NVIDIA-A10G", instance_gpu_name="a10g"),
    Gpu(name="L4", memory_gib=24, product="NVIDIA-L4", instance_gpu_name="l4"),
    Gpu(name="L40S", memory_gib=48, product="NVIDIA-L40S", instance_gpu_name="l40s"),
    Gpu(
        name="RTX-PRO-4500",
        memory_gib=32,
        product="NVIDIA-RTX-PRO-4500-Blackwell-Server-Edition",
        instance_gpu_name="rtx-pro-4500",
    ),
    Gpu(
        name="RTX-PRO-6000",
        memory_gib=96,
        product="NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition",
        instance_gpu_name="rtx-pro-server-6000",
        mig_profiles={"1g.24gb": 4, "2g.48gb": 2, "4g.96gb": 1},
    ),
    Gpu(
        name="A100",
        memory_gib=40,
        product="NVIDIA-A100-SXM4-40GB",
        instance_gpu_name="a100",
        mig_profiles=_seven_slices(5, 10, 20, 40),
    ),
    Gpu(
        name="A100-80GB",
        memory_gib=80,
        product="NVIDIA-A100-SXM4-80GB",
        instance_gpu_name="a100",
        mig_profiles=_seven_slices(10, 20, 40, 80),
    ),
    Gpu(
        name="H100",
        memory_gib=80,
        product="NVIDIA-H100-80GB-HBM3",
        instance_gpu_name="h100",
        mig_profiles=_seven_slices(10, 20, 40, 80),
    ),
    Gpu(
        name="H200",
        memory_gib=141,
        product="NVIDIA-H200",
        instance_gpu_name="h200",
        mig_profiles=_seven_slices(18, 35, 71, 141),
    ),
    Gpu(
        name="B200",
        memory_gib=179,
        product="NVIDIA-B200",
        instance_gpu_name="b200",
        mig_profiles=_seven_slices(23, 45, 90, 180),
    ),
    Gpu(
        name="B300",
        memory_gib=268,
        product="NVIDIA-B300-SXM6-AC",
        instance_gpu_name="b300",
        mig_profiles=_seven_slices(34, 67, 135, 269),
    ),
)
_NEURON: Final = (
    # Neuron's scheduler extension gives out connected devices of a Trn1 only in these numbers.
    Neuron(name="Trainium", physical_cores=2, cores=2, whole_groups=(1, 4, 8, 16)),
    # By default two physical cores of a Trainium2 are one logical core, which is what a process gets.
    Neuron(name="Trainium2", physical_cores=8, cores=4),
    Neuron(name="Inferentia2", physical_cores=2, cores=2),
)

GPUS: Final[Mapping[str, Gpu]] = {gpu.name: gpu for gpu in _GPUS}
NEURON: Final[Mapping[str, Neuron]] = {neuron.name: neuron for neuron in _NEURON}
