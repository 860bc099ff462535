"""Which instance types would fit, for messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.placement import extended
from sagebridge.core.placement.headroom import allocatable
from sagebridge.core.placement.instance_types import InstanceType, known_types, sagemaker_name
from sagebridge.core.placement.quantity import MEBIBYTE, parse

if TYPE_CHECKING:
    from sagebridge.core.placement.request import Placement

_NAMED_AT_MOST: Final = 4


def fitting_types(
    *,
    gpus: int = 0,
    neuron_devices: int = 0,
    neuron_cores: int = 0,
    mig: tuple[str, int] | None = None,
    efa: int = 0,
    millicores: int = 0,
    mebibytes: int = 0,
) -> tuple[str, ...]:
    """Return the instance types whose nodes have at least that, the smallest first, by EC2's names.

    Without accelerators asked for, types that have some are left out.

    Args:
        gpus: whole GPUs.
        neuron_devices: Neuron devices.
        neuron_cores: NeuronCores, as the runtime counts them.
        mig: a MIG profile, such as 1g.5gb, and how many.
        efa: EFA interfaces.
        millicores: processors that a node must give its pods, in thousandths.
        mebibytes: memory likewise.
    """

    def fits(found: InstanceType) -> bool:
        room = allocatable(found, hugepages=efa > 0)
        if not (gpus or neuron_devices or neuron_cores or mig) and found.count:
            return False
        return (
            found.gpus >= gpus
            and found.neuron_devices >= neuron_devices
            and found.neuron_cores >= neuron_cores
            and (mig is None or _mig_devices(found, mig[0]) >= mig[1])
            and found.efa >= efa
            and room.millicores >= millicores
            and room.mebibytes >= mebibytes
        )

    return tuple(found.name for found in sorted(known_types().values(), key=_size) if fits(found))


def explain(placement: Placement) -> str:
    """Say in one sentence what each pod asks of a node, and which instance types have it."""
    requests: Mapping[str, Any] = placement.resources["requests"]
    asked = ", ".join(f"{name} {amount}" for name, amount in requests.items())
    return f"each pod asks for {asked}; {named(_types_for(requests))}"


def named(types: tuple[str, ...], *, like: str = "") -> str:
    """Say which of the types would do, first those of the family of a type like which they are to be."""
    if not types:
        return "no instance type in the table has that"
    family = like.partition(".")[0]
    nearest_first = sorted(types, key=lambda name: name.partition(".")[0] != family)
    # Both fields of a manifest take this form: resourceConfig.instanceType takes no other.
    listed = ", ".join(map(sagemaker_name, nearest_first[:_NAMED_AT_MOST]))
    return f"{listed}{' and larger ones' if len(types) > _NAMED_AT_MOST else ''} would fit"


def _types_for(requests: Mapping[str, Any]) -> tuple[str, ...]:
    devices = {name: int(parse(amount, name)) for name, amount in requests.items() if extended.is_extended(name)}
    profiles = [(profile, count) for name, count in devices.items() if (profile := extended.mig_profile(name))]
    return fitting_types(
        gpus=max(devices.get(extended.GPU, 0), devices.get(extended.SHARED_GPU, 0)),
        neuron_devices=devices.get(extended.NEURON, 0),
        neuron_cores=devices.get(extended.NEURON_CORE, 0),
        mig=profiles[0] if profiles else None,
        efa=devices.get(extended.EFA, 0),
        millicores=int(parse(requests.get("cpu", 0), "cpu") * 1000),
        mebibytes=int(parse(requests.get("memory", 0), "memory") / MEBIBYTE),
    )


def _mig_devices(found: InstanceType, profile: str) -> int:
    return found.gpus * found.gpu.mig_profiles.get(profile, 0) if found.gpu else 0


def _size(found: InstanceType) -> tuple[int, int, float, str]:
    return (found.count, found.vcpus, found.memory_gib, found.name)
