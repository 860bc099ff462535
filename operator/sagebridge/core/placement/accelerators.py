"""Which accelerators each pod of a job asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.asked import Accelerators, Asked, read
from sagebridge.core.placement.fitting import fitting_types, named
from sagebridge.core.placement.gpus import check_shared, mig_devices, shared_gpu, whole_gpus
from sagebridge.core.placement.neurons import neuron

if TYPE_CHECKING:
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.training.section import Section


def accelerators(found: Candidates, cluster: Section) -> Accelerators:
    """Return what each pod of the job asks for.

    Raises:
        SpecError: the instance types have no such accelerators, or not so many.
    """
    asked = read(cluster)
    if not found.known:
        return _of_unknown_types(found, asked)
    _check_one_kind(found, asked)
    _check_product(found)
    if asked.count == 0:
        return Accelerators(whole_node=False)
    if found.known[0].neuron:
        return neuron(found, asked)
    return _gpus(found, asked) if found.known[0].gpu else _none(found, asked)


def _gpus(found: Candidates, asked: Asked) -> Accelerators:
    resource = asked.resource or extended.GPU
    if extended.mig_profile(resource):
        return mig_devices(found, asked, resource)
    if resource not in {extended.GPU, extended.SHARED_GPU}:
        message = f"{found.known[0].name} has no {resource}: use {extended.GPU} or {extended.MIG_PREFIX}<profile>"
        raise SpecError(asked.resource_field, message)
    if asked.shared or resource == extended.SHARED_GPU:
        return shared_gpu(found, asked, resource)
    return whole_gpus(found, asked)


def _check_product(found: Candidates) -> None:
    if found.product and not any(each.gpu for each in found.known):
        message = f"{found.known[0].name} has no GPUs: name an instance type with as many as the job is to have"
        raise SpecError(found.product.field, message)


def _of_unknown_types(found: Candidates, asked: Asked) -> Accelerators:
    """Return what is asked for of nodes of which nothing is known, so that all must be said."""
    resource = asked.resource or extended.GPU
    shared = asked.shared or resource == extended.SHARED_GPU
    count = asked.count if asked.count is not None else _unsaid_count(found, asked)
    if not count:
        return Accelerators(whole_node=False)
    if shared:
        check_shared(asked, resource)
    if resource == extended.NEURON:
        message = f"how many NeuronCores such a device has is not known: ask for {extended.NEURON_CORE}"
        raise SpecError(asked.resource_field, message)
    neurons = count if resource == extended.NEURON_CORE else 0
    gpus = 0 if neurons else count
    return Accelerators(resource=resource, count=count, whole_node=False, neurons=neurons, gpus=gpus)


def _unsaid_count(found: Candidates, asked: Asked) -> int:
    if asked.shared or asked.resource == extended.SHARED_GPU or _asks_mig(asked):
        return 1
    if asked.resource or found.product:
        raise SpecError(asked.count_field, "is missing: how many such a node has is not known")
    return 0


def _check_one_kind(found: Candidates, asked: Asked) -> None:
    """The pods of a job are equal: without a number given, all types must have as many of the same kind."""
    kinds = {(bool(each.gpu), bool(each.neuron)) for each in found.known}
    counts = {each.count for each in found.known}
    if len(kinds) == 1 and (len(counts) == 1 or asked.count is not None or asked.shared or _asks_mig(asked)):
        return
    groups: dict[str, list[str]] = {}
    for each in found.known:
        kind = "GPU" if each.gpu else "Neuron device" if each.neuron else "accelerator"
        groups.setdefault(f"{each.count} {kind}{'' if each.count == 1 else 's'}", []).append(each.name)
    said = "; ".join(f"{', '.join(names)} with {what}" for what, names in groups.items())
    advice = f", or give {asked.count_field}" if len(kinds) == 1 else ""
    raise SpecError(found.field, f"the pods of a job are equal, and these are not: {said}. Keep one group{advice}")


def _asks_mig(asked: Asked) -> bool:
    return asked.resource is not None and extended.mig_profile(asked.resource) is not None


def _none(found: Candidates, asked: Asked) -> Accelerators:
    wants = asked.resource or (extended.GPU if asked.count or asked.shared else None)
    if wants is None:
        return Accelerators()
    field = asked.resource_field if asked.resource else asked.count_field
    count = asked.count or 1
    raise SpecError(field, f"{found.known[0].name} has no {wants}: {named(_having(wants, count))}, or remove it")


def _having(resource: str, count: int) -> tuple[str, ...]:
    profile = extended.mig_profile(resource)
    if profile:
        return fitting_types(mig=(profile, count))
    if resource == extended.NEURON:
        return fitting_types(neuron_devices=count)
    return fitting_types(neuron_cores=count) if resource == extended.NEURON_CORE else fitting_types(gpus=count)
