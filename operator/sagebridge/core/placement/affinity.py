"""The pods' affinity: our terms for nodes and pods, and the manifest's own beside them.

Pods that must share a zone attract each other. The first of them finds none; Kubernetes lets it start where it is,
since its labels match its own term.

Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#inter-pod-affinity-and-anti-affinity
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.placement import labels

if TYPE_CHECKING:
    from sagebridge.core.placement.nodes import Term
    from sagebridge.core.placement.request import PlacementRequest
    from sagebridge.core.training.section import Section

REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"


def affinity(
    request: PlacementRequest,
    cluster: Section,
    *,
    terms: Sequence[Term],
    preferred: Sequence[Mapping[str, Any]],
    whole_node: bool,
) -> dict[str, Any]:
    """Return the pods' affinity.

    Args:
        request: the job.
        cluster: ``spec.cluster``.
        terms: which nodes will do.
        preferred: which are better.
        whole_node: whether each pod takes a node of its own.

    Raises:
        SpecError: the manifest's affinity is not of Kubernetes' form.
    """
    own = cluster.section("affinity")
    together = _together(request, cluster)
    apart = [_of_job(request, labels.HOSTNAME)] if whole_node and request.instance_count > 1 else []
    parts = {
        "nodeAffinity": _nodes(own.section("nodeAffinity"), terms, preferred),
        "podAffinity": _pods(own.section("podAffinity"), together),
        "podAntiAffinity": _pods(own.section("podAntiAffinity"), apart),
    }
    return {name: part for name, part in parts.items() if part}


def _nodes(own: Section, terms: Sequence[Term], preferred: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    theirs = own.section(REQUIRED).sections("nodeSelectorTerms")
    both = [_joined(term, other) for term in terms for other in theirs] if theirs else [dict(term) for term in terms]
    better = [*preferred, *(dict(each.values) for each in own.sections(PREFERRED))]
    return {REQUIRED: {"nodeSelectorTerms": both}} | ({PREFERRED: better} if better else {})


def _joined(term: Term, other: Section) -> dict[str, Any]:
    """Return one term for which both hold."""
    expressions = [*term["matchExpressions"], *(dict(each.values) for each in other.sections("matchExpressions"))]
    fields = [dict(each.values) for each in other.sections("matchFields")]
    return {"matchExpressions": expressions} | ({"matchFields": fields} if fields else {})


def _pods(own: Section, required: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    both = [*required, *(dict(each.values) for each in own.sections(REQUIRED))]
    better = [dict(each.values) for each in own.sections(PREFERRED)]
    return ({REQUIRED: both} if both else {}) | ({PREFERRED: better} if better else {})


def _together(request: PlacementRequest, cluster: Section) -> list[dict[str, Any]]:
    key = cluster.text("topologyKey")
    if not key or request.instance_count == 1:
        return []
    return [_of_job(request, key)]


def _of_job(request: PlacementRequest, topology_key: str) -> dict[str, Any]:
    return {
        "labelSelector": {"matchLabels": dict(request.labels)},
        "namespaces": [request.namespace],
        "topologyKey": topology_key,
    }
