"""Which nodes the pods may run on: the terms of nodeAffinity.

Terms are alternatives, the expressions of a term all hold. There is a term for each way in which a node can be marked.
NotIn and DoesNotExist also hold where a label is missing.

Karpenter takes the first term for which it can start a node. It starts none for a label that it does not know, and
where NotIn speaks of such a label it gives the node one with a value that it makes up. So the first term is for a node
that is yet to be started: of labels that others set later it says that they do not exist.

Sources:
    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#node-affinity
    https://karpenter.sh/docs/concepts/scheduling/#node-affinity
    https://github.com/kubernetes-sigs/karpenter/blob/main/pkg/controllers/provisioning/scheduling/nodeclaimtemplate.go
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sagebridge.core.placement import extended, labels
from sagebridge.core.placement.capacity import Expression, Spot, is_spot, not_spot
from sagebridge.core.placement.instance_types import sagemaker_name

if TYPE_CHECKING:
    from sagebridge.core.placement.asked import Accelerators
    from sagebridge.core.placement.candidates import Candidates

Term = Mapping[str, Any]


def node_terms(found: Candidates, *, asked: Accelerators, spot: Spot, shared: bool) -> list[Term]:
    """Return the alternatives, best first.

    Args:
        found: the instance types and the product.
        asked: the accelerators.
        spot: whether spot nodes will do.
        shared: whether shared GPUs will do.
    """
    devices = _devices(found, asked, shared=shared)
    everywhere = [*devices, *(not_spot() if spot is Spot.AVOID else [])]
    later: list[Term] = [
        {"matchExpressions": [*marks, *capacity, *everywhere]}
        for marks, capacity_labels in _marks(found)
        for capacity in ([[is_spot(label)] for label in capacity_labels] if spot is Spot.REQUIRE else [[]])
    ]
    if found.by_product or not (found.known or found.product is None):
        return later
    first: list[Expression] = [*_new(found), *_new_capacity(spot), *_without(devices)]
    return [{"matchExpressions": first}, *later]


def _new(found: Candidates) -> list[Expression]:
    """Return how a node that Karpenter, Auto Mode's or HyperPod's too, is yet to start will be known."""
    names = [*found.names, *(sagemaker_name(name) for name in found.names)]
    return [_in(labels.INSTANCE_TYPE, names), _missing(labels.HYPERPOD_HEALTH)]


def _new_capacity(spot: Spot) -> list[Expression]:
    if spot is Spot.REQUIRE:
        return [is_spot(labels.KARPENTER_CAPACITY)]
    if spot is not Spot.AVOID:
        return []
    own = [each for each in not_spot() if each["key"] == labels.KARPENTER_CAPACITY]
    return [*own, *_without(each for each in not_spot() if each not in own)]


def _without(expressions: Iterable[Expression]) -> list[Expression]:
    return [_missing(label) for label in dict.fromkeys(each["key"] for each in expressions)]


def _marks(found: Candidates) -> Iterator[tuple[list[Expression], Sequence[str]]]:
    """Yield how nodes are known, and by which labels such nodes tell that they are spot."""
    every = tuple(labels.SPOT_VALUES)
    product = _product(found)
    if found.by_product:
        yield product, every
        return
    unknown_gpus = product if not found.known else []
    yield [_in(labels.INSTANCE_TYPE, found.names), *unknown_gpus], every
    hyperpod = _in(labels.INSTANCE_TYPE, [sagemaker_name(name) for name in found.names])
    healthy = _in(labels.HYPERPOD_HEALTH, [labels.HYPERPOD_HEALTHY])
    yield [hyperpod, healthy, *unknown_gpus], (labels.KARPENTER_CAPACITY,)
    if found.known and product:
        yield product, every


def _product(found: Candidates) -> list[Expression]:
    return [_in(labels.GPU_PRODUCT, [found.product.label])] if found.product else []


def _devices(found: Candidates, asked: Accelerators, *, shared: bool) -> list[Expression]:
    """Return what keeps a job that wants whole GPUs from parts of them, which count under the same resource."""
    if asked.resource not in {extended.GPU, extended.SHARED_GPU}:
        return []
    models = [] if found.by_product else [each.gpu for each in found.known if each.gpu]
    expressions: list[Expression] = []
    if asked.resource == extended.GPU and (not models or any(model.mig_profiles for model in models)):
        expressions.append(_missing(labels.GPU_SLICES))
    if not shared:
        expressions.append(_not_in(labels.GPU_SHARING, labels.GPU_SHARING_KINDS))
        products = dict.fromkeys(model.product + labels.SHARED_SUFFIX for model in models)
        expressions.extend([_not_in(labels.GPU_PRODUCT, products)] if products else [])
    return expressions


def _in(label: str, values: Sequence[str]) -> Expression:
    return {"key": label, "operator": "In", "values": list(values)}


def _not_in(label: str, values: Sequence[str] | Mapping[str, Any]) -> Expression:
    return {"key": label, "operator": "NotIn", "values": list(values)}


def _missing(label: str) -> Expression:
    return {"key": label, "operator": "DoesNotExist"}
