"""Neuron devices and NeuronCores.

Sources:
    https://karpenter.sh/docs/concepts/scheduling/#acceleratorsgpu-resources (numbers of connected devices)
    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/training/best-practices.html (a process per logical core)
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.asked import Accelerators, Asked, check_count
from sagebridge.core.placement.fitting import fitting_types, named

if TYPE_CHECKING:
    from sagebridge.core.placement.candidates import Candidates


def neuron(found: Candidates, asked: Asked) -> Accelerators:
    """Return all the Neuron devices of a node, or as many devices or cores as are asked for."""
    resource = asked.resource or extended.NEURON
    if resource not in {extended.NEURON, extended.NEURON_CORE}:
        message = f"{found.known[0].name} has Neuron devices: use {extended.NEURON}, or remove it"
        raise SpecError(asked.resource_field, message)
    if asked.shared:
        raise SpecError("spec.cluster.gpu.allowShared", "is for GPUs: remove it, Neuron devices are not shared")
    _check_equal_cores(found)
    return _neuron_cores(found, asked) if resource == extended.NEURON_CORE else _neuron_devices(found, asked)


def _check_equal_cores(found: Candidates) -> None:
    models = {each.accelerator for each in found.known}
    if len({each.neuron.cores for each in found.known if each.neuron}) > 1:
        message = f"{' and '.join(sorted(models))} have different numbers of NeuronCores: keep one of them"
        raise SpecError(found.field, message)


def _neuron_devices(found: Candidates, asked: Asked) -> Accelerators:
    count = found.known[0].count if asked.count is None else asked.count
    check_count(found, asked, count, fitting_types(neuron_devices=count))
    for each in found.known:
        groups = each.neuron.whole_groups if each.neuron else ()
        if groups and count not in groups:
            allowed = ", ".join(str(number) for number in groups)
            raise SpecError(asked.count_field, f"{each.name} gives out connected devices in numbers of {allowed} only")
    neuron = found.known[0].neuron
    return Accelerators(
        resource=extended.NEURON,
        count=count,
        shares={each.name: Fraction(count, each.count) for each in found.known},
        whole_node=all(count == each.count for each in found.known),
        neurons=count * neuron.cores if neuron else 0,
    )


def _neuron_cores(found: Candidates, asked: Asked) -> Accelerators:
    least = min(each.neuron_cores for each in found.known)
    count = least if asked.count is None else asked.count
    grouped = next(
        (each for each in found.known if each.neuron and each.neuron.cores != each.neuron.physical_cores), None
    )
    if grouped is not None:
        message = f"the cores of {grouped.name} are grouped, so they can't be counted: use {extended.NEURON}"
        raise SpecError(asked.resource_field, message)
    if count > least:
        fitting = named(fitting_types(neuron_cores=count), like=found.known[0].name)
        message = f"{found.known[0].name} has {least} NeuronCores, fewer than the {count} asked for: {fitting}"
        raise SpecError(asked.count_field, message)
    return Accelerators(
        resource=extended.NEURON_CORE,
        count=count,
        shares={each.name: Fraction(count, each.neuron_cores) for each in found.known},
        whole_node=all(count == each.neuron_cores for each in found.known),
        neurons=count,
    )
