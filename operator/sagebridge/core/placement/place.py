"""From a job and what it says of its nodes to what its pods need to land there, or why they never could."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended, fabric
from sagebridge.core.placement.accelerators import accelerators
from sagebridge.core.placement.affinity import affinity
from sagebridge.core.placement.candidates import Candidates, candidates
from sagebridge.core.placement.capacity import Spot, preferred_spot, spot_of
from sagebridge.core.placement.container import Container, container, given_devices
from sagebridge.core.placement.hints import hints
from sagebridge.core.placement.nodes import node_terms
from sagebridge.core.placement.quantity import mebibytes, parse
from sagebridge.core.placement.request import Placement, PlacementRequest
from sagebridge.core.placement.tolerations import tolerations
from sagebridge.core.placement.topology import check_topology
from sagebridge.core.training.section import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.placement.asked import Accelerators


def place(request: PlacementRequest) -> Placement:
    """Return how the pods of a job are to be written.

    Raises:
        SpecError: no node of the instance types could ever take them; the message says what would fit.
    """
    cluster = Section.of(request.cluster, "spec.cluster")
    if request.instance_count < 1:
        raise SpecError(request.count_field, "must be at least 1")
    found = candidates(request, cluster)
    asked = accelerators(found, cluster)
    devices = fabric.with_efa(
        given_devices(cluster), found, asked=asked, instance_count=request.instance_count, cluster=cluster
    )
    box = container(found, cluster, request.settings, asked=asked, devices=devices)
    return _placement(request, cluster, found=found, asked=asked, devices=devices, box=box)


def _placement(
    request: PlacementRequest,
    cluster: Section,
    *,
    found: Candidates,
    asked: Accelerators,
    devices: Mapping[str, int],
    box: Container,
) -> Placement:
    spot = spot_of(cluster, managed_spot=request.spot)
    shared = cluster.section("gpu").flag("allowShared")
    whole_node = box.whole_node and not found.by_product
    return Placement(
        resources={"requests": dict(box.requests), "limits": dict(box.limits)},
        node_selector=_selector(cluster),
        affinity=_affinity(request, cluster, found=found, asked=asked, spot=spot, box=box, whole_node=whole_node),
        tolerations=tolerations(devices, spot=spot.may_be_spot, settings=request.settings, cluster=cluster),
        priority_class=cluster.text("priorityClassName") or None,
        shared_memory=mebibytes(max(1, box.memory_mebibytes // 2)),
        hugepages=box.requests.get(extended.HUGEPAGES),
        environment=fabric.environment(found, asked, devices),
        instance_type=found.first,
        gpus=asked.gpus,
        neurons=asked.neurons,
        cpus=_cpus(found, box, whole_node=whole_node),
        lines=hints(found, asked, devices, shared=shared, instance_count=request.instance_count),
    )


def _affinity(
    request: PlacementRequest,
    cluster: Section,
    *,
    found: Candidates,
    asked: Accelerators,
    spot: Spot,
    box: Container,
    whole_node: bool,
) -> dict[str, Any]:
    check_topology(request, cluster, found=found, asked=asked, box=box, whole_node=whole_node)
    terms = node_terms(
        found,
        asked=asked,
        spot=spot,
        shared=cluster.section("gpu").flag("allowShared"),
    )
    preferred = preferred_spot() if spot is Spot.PREFER else []
    return affinity(request, cluster, terms=terms, preferred=preferred, whole_node=whole_node)


def _selector(cluster: Section) -> dict[str, str]:
    selector = cluster.section("nodeSelector")
    return {label: value for label in selector.values if (value := selector.text(label)) is not None}


def _cpus(found: Candidates, box: Container, *, whole_node: bool) -> int:
    """Return the processors as SageMaker would count them: those of the instance, where the pod has all of it."""
    if "cpu" in box.limits:
        return max(1, int(parse(box.limits["cpu"], "limits.cpu")))
    return min(each.vcpus for each in found.known) if whole_node and found.known else box.whole_cpus
