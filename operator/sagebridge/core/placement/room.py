"""Whether what a container asks for can be had on a node of each instance type."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.fitting import fitting_types, named
from sagebridge.core.placement.headroom import Headroom, allocatable
from sagebridge.core.placement.quantity import MEBIBYTE, cores, mebibytes, parse

if TYPE_CHECKING:
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.placement.instance_types import InstanceType
    from sagebridge.core.training.section import Section


def has_hugepages(devices: Mapping[str, int]) -> bool:
    """Whether the node has set memory apart for huge pages; one with EFA has, even if the pod asks for none."""
    return extended.EFA in devices or extended.HUGEPAGES in devices


def check_room(found: Candidates, requests: Mapping[str, str], resources: Section, devices: Mapping[str, int]) -> None:
    """Refuse what a node of one of the types can't give, or leaves nothing of.

    Raises:
        SpecError: the message says which types could.
    """
    asked = Headroom(
        millicores=math.ceil(parse(requests["cpu"], "cpu") * 1000),
        mebibytes=math.ceil(parse(requests["memory"], "memory") / MEBIBYTE),
    )
    for name, amount in (("cpu", asked.millicores), ("memory", asked.mebibytes)):
        if amount <= 0:
            message = f"nothing is left for the job on {', '.join(found.names)}: take a larger instance type"
            raise SpecError(_field(name, resources) or found.field, message)
    for each in found.known:
        short = _short(each, asked, devices)
        if short is not None:
            name, most = short
            fitting = named(_fitting(asked, devices), like=each.name)
            message = f"{requests[name]} is more than the {most} that a node of {each.name} gives: {fitting}"
            raise SpecError(_field(name, resources) or found.field, message)


def _short(instance_type: InstanceType, asked: Headroom, devices: Mapping[str, int]) -> tuple[str, str] | None:
    """Return what a node has too little of, and how much of it."""
    node = allocatable(instance_type, hugepages=has_hugepages(devices))
    if asked.millicores > node.millicores:
        return "cpu", cores(node.millicores)
    return ("memory", mebibytes(node.mebibytes)) if asked.mebibytes > node.mebibytes else None


def _fitting(asked: Headroom, devices: Mapping[str, int]) -> tuple[str, ...]:
    return fitting_types(
        gpus=devices.get(extended.GPU, 0),
        neuron_devices=devices.get(extended.NEURON, 0),
        neuron_cores=devices.get(extended.NEURON_CORE, 0),
        efa=devices.get(extended.EFA, 0),
        millicores=asked.millicores,
        mebibytes=asked.mebibytes,
    )


def _field(name: str, resources: Section) -> str | None:
    parts = (resources.section(part) for part in ("requests", "limits"))
    return next((part.field(name) for part in parts if part.has(name)), None)
