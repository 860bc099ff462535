"""What the cluster must have for a placement, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from sagebridge.core.placement import extended, fabric
from sagebridge.core.placement.labels import GPU_PRODUCT, INSTANCE_TYPE

if TYPE_CHECKING:
    from sagebridge.core.placement.asked import Accelerators
    from sagebridge.core.placement.candidates import Candidates

_NAMED_AT_MOST: Final = 4


def hints(
    found: Candidates, asked: Accelerators, devices: Mapping[str, int], *, shared: bool, instance_count: int
) -> tuple[str, ...]:
    """Return one line for each thing that not every cluster has, and what nodes are found by."""
    return (
        *fabric.lines(devices),
        *_of_gpus(asked, shared=shared),
        *_of_neuron(asked),
        *_of_nodes(found, instance_count),
    )


def _of_gpus(asked: Accelerators, *, shared: bool) -> Iterator[str]:
    if asked.is_mig:
        yield f"{asked.resource} needs nodes divided by MIG, and NVIDIA's device plugin with the strategy mixed"
        if asked.count > 1:
            yield "CUDA shows a process one MIG device: each process must choose its own by CUDA_VISIBLE_DEVICES"
    if asked.resource == extended.SHARED_GPU:
        yield f"{asked.resource} needs NVIDIA's device plugin with time-slicing or MPS and renameByDefault"
    elif shared:
        yield "On a node whose GPUs are shared, other pods use the same GPU and its memory"


def _of_neuron(asked: Accelerators) -> Iterator[str]:
    if asked.resource in {extended.NEURON, extended.NEURON_CORE} and asked.count > 1 and not asked.whole_node:
        yield f"{asked.resource}: {asked.count} of a larger node needs Neuron's scheduler extension"


def _of_nodes(found: Candidates, instance_count: int) -> Iterator[str]:
    if found.product is not None:
        yield f"Nodes are found by {GPU_PRODUCT}: {found.product.label}, which GPU feature discovery sets"
    if len({each.accelerator for each in found.known}) > 1 and instance_count > 1:
        yield f"The pods can get different accelerators; with topologyKey: {INSTANCE_TYPE} they get the same"
    if not found.by_product:
        yield f"Nodes are found by {INSTANCE_TYPE}: {_either(found.names)} (with or without ml.)"


def _either(names: Sequence[str]) -> str:
    """The first ones alone: a list may be long, and all of it is in the manifest."""
    return " or ".join((*names[:_NAMED_AT_MOST], *(("another",) if len(names) > _NAMED_AT_MOST else ())))
