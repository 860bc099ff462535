"""What a node of an instance type leaves to a training container.

A node can give its pods less than the instance has: EKS keeps processors and memory for the kubelet, and the virtual
machine itself some memory. Karpenter counts with 7.5 percent for that until it has seen a node of the type; more must
not be asked for, or it starts none. Of the rest, the daemons of every node and the job's own agent need their share.

Sources:
    https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go (kubeReserved, evictionHard)
    https://karpenter.sh/docs/reference/settings/ (vm-memory-overhead-percent)
    https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html (5128 huge pages of 2 MiB on nodes with EFA)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sagebridge.core.placement.instance_types import InstanceType
    from sagebridge.core.placement.request import PlacementSettings

EFA_NODE_HUGEPAGES_MEBIBYTES: Final = 5128 * 2

_VM_OVERHEAD: Final = Fraction(75, 1000)
_EVICTION_MEBIBYTES: Final = 100
# Of each range of millicores EKS keeps so many ten-thousandths.
_CPU_RANGES: Final = ((0, 1_000, 600), (1_000, 2_000, 100), (2_000, 4_000, 50), (4_000, 1_000_000, 25))
_CPU_STEP: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Headroom:
    """Processors in thousandths, and memory in MiB."""

    millicores: int
    mebibytes: int


AGENT: Final = Headroom(millicores=100, mebibytes=256)
"""What the job's agent asks for in each pod, beside the training container."""


def allocatable(instance_type: InstanceType, *, hugepages: bool = False) -> Headroom:
    """Return what a node of the type gives all its pods together.

    Args:
        instance_type: the type.
        hugepages: whether the node has set huge pages apart, as one with EFA does.
    """
    millicores = instance_type.vcpus * 1000
    kept = sum(
        (min(millicores, end) - start) * share // 10_000 for start, end, share in _CPU_RANGES if millicores > start
    )
    memory = Fraction(instance_type.memory_gib) * 1024
    system = math.ceil(memory * _VM_OVERHEAD) + 255 + 11 * instance_type.max_pods + _EVICTION_MEBIBYTES
    pages = EFA_NODE_HUGEPAGES_MEBIBYTES if hugepages else 0
    return Headroom(millicores=millicores - kept, mebibytes=math.floor(memory) - system - pages)


def for_container(
    instance_type: InstanceType, settings: PlacementSettings, *, share: Fraction, hugepages: bool
) -> Headroom:
    """Return what one training container can ask for, when it is to have a share of the node; may be negative."""
    node = allocatable(instance_type, hugepages=hugepages)
    millicores = (node.millicores - settings.daemons_millicores) * share - AGENT.millicores
    memory = (node.mebibytes - settings.daemons_mebibytes) * share - AGENT.mebibytes
    return Headroom(millicores=math.floor(millicores / _CPU_STEP) * _CPU_STEP, mebibytes=math.floor(memory))


def smallest(rooms: Iterable[Headroom]) -> Headroom:
    """Return what all of several give."""
    found = list(rooms)
    return Headroom(millicores=min(room.millicores for room in found), mebibytes=min(room.mebibytes for room in found))
