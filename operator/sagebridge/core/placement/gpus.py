"""Whole GPUs, shared GPUs and MIG devices.

Sources:
    https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-sharing.html (several replicas of a shared
    GPU can be one GPU)
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.asked import Accelerators, Asked, check_count
from sagebridge.core.placement.fitting import fitting_types, named

if TYPE_CHECKING:
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.placement.instance_types import InstanceType

# Chosen here: how many pods a shared GPU is thought to serve, which divides the node's processors and memory.
_SHARED_GPU_PODS: Final = 4


def whole_gpus(found: Candidates, asked: Asked) -> Accelerators:
    """Return all the GPUs of a node, or as many as are asked for."""
    count = found.known[0].gpus if asked.count is None else asked.count
    check_count(found, asked, count, fitting_types(gpus=count))
    return Accelerators(
        resource=extended.GPU,
        count=count,
        shares={each.name: Fraction(count, each.gpus) for each in found.known},
        whole_node=all(count == each.gpus for each in found.known),
        gpus=count,
    )


def shared_gpu(found: Candidates, asked: Asked, resource: str) -> Accelerators:
    """Return one GPU that other pods may use too."""
    check_shared(asked, resource)
    shares = {each.name: Fraction(1, each.gpus * _SHARED_GPU_PODS) for each in found.known}
    return Accelerators(resource=resource, count=1, shares=shares, whole_node=False, gpus=1)


def check_shared(asked: Asked, resource: str) -> None:
    """Refuse shared GPUs that are not allowed, and several of them.

    Raises:
        SpecError: one of the two.
    """
    if not asked.shared:
        message = f"{resource} is shared between pods: set spec.cluster.gpu.allowShared: true, or use {extended.GPU}"
        raise SpecError(asked.resource_field, message)
    if (asked.count or 1) > 1:
        message = "several of a shared GPU can be one and the same: ask for 1, or for whole GPUs without allowShared"
        raise SpecError(asked.count_field, message)


def mig_devices(found: Candidates, asked: Asked, resource: str) -> Accelerators:
    """Return so many MIG devices of one profile, one unless a number is given."""
    profile, count = resource.removeprefix(extended.MIG_PREFIX), asked.count or 1
    if asked.shared:
        raise SpecError("spec.cluster.gpu.allowShared", "is for whole GPUs: remove it, a MIG device is not shared")
    rooms = [_mig_devices(each, profile, asked) for each in found.known]
    if count > min(rooms):
        least = found.known[rooms.index(min(rooms))]
        fitting = named(fitting_types(mig=(profile, count)))
        message = f"{least.name} has room for {min(rooms)} of {profile}, fewer than the {count} asked for: {fitting}"
        raise SpecError(asked.count_field, message)
    shares = {each.name: Fraction(count, room) for each, room in zip(found.known, rooms, strict=True)}
    return Accelerators(resource=resource, count=count, shares=shares, whole_node=False, gpus=count)


def _mig_devices(each: InstanceType, profile: str, asked: Asked) -> int:
    gpu = each.gpu
    if gpu is None or not gpu.mig_profiles:
        fitting = named(fitting_types(mig=(profile, 1)))
        raise SpecError(asked.resource_field, f"{each.name} can't be divided by MIG: {fitting}")
    if profile not in gpu.mig_profiles:
        known = ", ".join(gpu.mig_profiles)
        fitting = named(fitting_types(mig=(profile, 1)))
        raise SpecError(asked.resource_field, f"the {gpu.name} of {each.name} has the profiles {known}; {fitting}")
    return each.gpus * gpu.mig_profiles[profile]
