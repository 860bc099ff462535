"""What an instance type has: processors, memory, accelerators, EFA interfaces.

The accelerated types stand in ``accelerated.csv``; the others follow the rules of their families.

Sources:
    https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html, .../co.html, .../mo.html, .../ac.html, .../pg.html
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html#efa-instance-types
    https://github.com/aws/karpenter-provider-aws/blob/main/website/content/en/docs/reference/instance-types.md
    https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/instance-info.jsonl (pods a node)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html (which SageMaker trains on)
"""

from __future__ import annotations

import csv
import difflib
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final

from sagebridge.core.placement.devices import GPUS, NEURON, Gpu, Neuron

SAGEMAKER_PREFIX: Final = "ml."
AMD64: Final = "amd64"


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceType:
    """One instance type, by EC2's name.

    Attributes:
        name: without ``ml.``.
        vcpus: as SageMaker's SM_NUM_CPUS counts them.
        memory_gib: of the instance, not of the node.
        max_pods: the kubelet's default on EKS, with the VPC CNI and without prefixes; the memory it keeps follows it.
        gpu: the model of its GPUs, None when it has none.
        neuron: the model of its Neuron devices, None when it has none.
        count: how many GPUs or Neuron devices it has.
        efa: how many EFA interfaces it can have.
        nvme_gb: local disks, 0 when it has none.
    """

    name: str
    vcpus: int
    memory_gib: float
    max_pods: int
    gpu: Gpu | None = None
    neuron: Neuron | None = None
    count: int = 0
    efa: int = 0
    nvme_gb: int = 0

    @property
    def family(self) -> str:
        """Return what stands before the dot."""
        return self.name.partition(".")[0]

    @property
    def gpus(self) -> int:
        """Return how many GPUs it has."""
        return self.count if self.gpu else 0

    @property
    def neuron_devices(self) -> int:
        """Return how many Neuron devices it has."""
        return self.count if self.neuron else 0

    @property
    def neuron_cores(self) -> int:
        """Return how many NeuronCores it has, as the runtime counts them."""
        return self.count * self.neuron.cores if self.neuron else 0

    @property
    def accelerator(self) -> str:
        """Return the model of its accelerators, empty when it has none."""
        device = self.gpu or self.neuron
        return device.name if device else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Family:
    """A family whose sizes follow a rule: an xlarge has 4 vCPUs, an nxlarge n times as many.

    Attributes:
        gib_per_vcpu: memory.
        sizes: those that EC2 has.
        max_pods: by the number of xlarges; the entry of the greatest that is not greater counts.
        efa_from: the number of xlarges from which on there is an EFA interface, 0 for never.
        nvme_gb_per_xlarge: local disks.
        irregular: (vCPUs, GiB) of the sizes that break the rule.
    """

    gib_per_vcpu: float
    sizes: str
    max_pods: Mapping[float, int]
    efa_from: int = 0
    nvme_gb_per_xlarge: int = 0
    irregular: Mapping[str, tuple[int, float]] | None = None


_USUAL_PODS: Final = {0.5: 29, 1: 58, 4: 234, 16: 737}
_PODS_OF_GENERATION_8: Final = {0.5: 59, 1: 118, 4: 394, 8: 492, 12: 590, 16: 1010, 32: 1514}
_UP_TO_16: Final = "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge"
_UP_TO_24: Final = f"{_UP_TO_16} 24xlarge"
_UP_TO_32: Final = f"{_UP_TO_24} 32xlarge"
_UP_TO_48: Final = f"{_UP_TO_24} 48xlarge"
_UP_TO_96: Final = f"{_UP_TO_32} 48xlarge 96xlarge"
_OF_C5: Final = "large xlarge 2xlarge 4xlarge 9xlarge 12xlarge 18xlarge 24xlarge"
_GIB_PER_VCPU: Final = {"c": 2.0, "m": 4.0, "r": 8.0}


def _generation(suffix: str, families: str, sizes: str, pods: Mapping[float, int], efa: int) -> dict[str, _Family]:
    return {
        f"{letter}{suffix}": _Family(gib_per_vcpu=_GIB_PER_VCPU[letter], sizes=sizes, max_pods=pods, efa_from=efa)
        for letter in families
    }


_FAMILIES: Final = {
    "t3": _Family(
        gib_per_vcpu=4,
        sizes="medium large xlarge 2xlarge",
        max_pods={0.25: 17, 0.5: 35, 1: 58},
        irregular={"medium": (2, 4)},
    ),
    "m4": _Family(
        gib_per_vcpu=4, sizes="large xlarge 2xlarge 4xlarge 10xlarge 16xlarge", max_pods={0.5: 20, 1: 58, 4: 234}
    ),
    "c4": _Family(
        gib_per_vcpu=1.875,
        sizes="large xlarge 2xlarge 4xlarge 8xlarge",
        max_pods={0.5: 29, 1: 58, 4: 234},
        irregular={"8xlarge": (36, 60)},
    ),
    **_generation("5", "mr", _UP_TO_24, _USUAL_PODS, 0),
    "c5": _Family(gib_per_vcpu=2, sizes=_OF_C5, max_pods=_USUAL_PODS),
    "c5n": _Family(
        gib_per_vcpu=2.625,
        sizes="large xlarge 2xlarge 4xlarge 9xlarge 18xlarge",
        max_pods=_USUAL_PODS,
        efa_from=9,
        irregular={"9xlarge": (36, 96), "18xlarge": (72, 192)},
    ),
    "r5d": _Family(gib_per_vcpu=8, sizes=_UP_TO_24, max_pods=_USUAL_PODS, nvme_gb_per_xlarge=150),
    **_generation("6i", "cmr", _UP_TO_32, _USUAL_PODS, 32),
    **_generation("7i", "cmr", _UP_TO_48, _USUAL_PODS, 48),
    **_generation("7i-flex", "cm", _UP_TO_16, _USUAL_PODS, 0),
    **_generation("8i", "cmr", _UP_TO_96, _PODS_OF_GENERATION_8, 48),
    **_generation("8i-flex", "cmr", _UP_TO_16, _PODS_OF_GENERATION_8, 0),
}


def ec2_name(name: str) -> str:
    """Return an instance type as EC2 and most nodes' labels have it."""
    return name.removeprefix(SAGEMAKER_PREFIX)


def sagemaker_name(name: str) -> str:
    """Return an instance type as SageMaker and HyperPod's nodes have it."""
    return SAGEMAKER_PREFIX + ec2_name(name)


@functools.cache
def known_types() -> Mapping[str, InstanceType]:
    """Return every instance type of the table by EC2's name; the file is read on the first call only."""
    return {found.name: found for found in (*_accelerated(), *_by_rule())}


def find(name: str) -> InstanceType | None:
    """Return the instance type of that name, with or without ``ml.``; None when the table lacks it."""
    return known_types().get(ec2_name(name))


def nearest(name: str) -> tuple[str, ...]:
    """Return up to three names of the table that look like the given one, best first."""
    return tuple(difflib.get_close_matches(ec2_name(name).lower(), known_types(), n=3, cutoff=0.6))


def _accelerated() -> Iterator[InstanceType]:
    text = resources.files(__package__).joinpath("accelerated.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        yield InstanceType(
            name=row["name"],
            vcpus=int(row["vcpus"]),
            memory_gib=float(row["memory_gib"]),
            max_pods=int(row["max_pods"]),
            gpu=GPUS.get(row["accelerator"]),
            neuron=NEURON.get(row["accelerator"]),
            count=int(row["count"]),
            efa=int(row["efa"]),
            nvme_gb=int(row["nvme_gb"]),
        )


def _by_rule() -> Iterator[InstanceType]:
    for name, family in _FAMILIES.items():
        for size in family.sizes.split():
            yield _of_family(name, family, size)


def _of_family(name: str, family: _Family, size: str) -> InstanceType:
    xlarges = _xlarges(size)
    regular = (max(2, round(4 * xlarges)), 4 * xlarges * family.gib_per_vcpu)
    vcpus, memory = (family.irregular or {}).get(size, regular)
    return InstanceType(
        name=f"{name}.{size}",
        vcpus=vcpus,
        memory_gib=memory,
        max_pods=family.max_pods[max(least for least in family.max_pods if least <= xlarges)],
        efa=1 if 0 < family.efa_from <= xlarges else 0,
        nvme_gb=round(family.nvme_gb_per_xlarge * xlarges),
    )


def _xlarges(size: str) -> float:
    small = {"medium": 0.25, "large": 0.5, "xlarge": 1.0}
    return small[size] if size in small else float(size.removesuffix("xlarge"))
