"""Whether the pods of a job can share what their topologyKey says they must."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement.headroom import allocatable
from sagebridge.core.placement.labels import HOSTNAME
from sagebridge.core.placement.quantity import MEBIBYTE, parse

if TYPE_CHECKING:
    from sagebridge.core.placement.asked import Accelerators
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.placement.container import Container
    from sagebridge.core.placement.instance_types import InstanceType
    from sagebridge.core.placement.request import PlacementRequest
    from sagebridge.core.training.section import Section


def check_topology(
    request: PlacementRequest,
    cluster: Section,
    *,
    found: Candidates,
    asked: Accelerators,
    box: Container,
    whole_node: bool,
) -> None:
    """Refuse pods that must share a node and can't.

    Raises:
        SpecError: each takes a node of its own, or no node of the types has room for all of them.
    """
    count = request.instance_count
    if count == 1 or cluster.text("topologyKey") != HOSTNAME:
        return
    field = cluster.field("topologyKey")
    if whole_node:
        raise SpecError(field, f"the {count} pods take a node each: use a zone's label, or ask for less than a node")
    if found.known and not any(_has_room(each, count, asked=asked, box=box) for each in found.known):
        names = ", ".join(found.names)
        raise SpecError(field, f"no node of {names} has room for {count} such pods: use a zone's label")


def _has_room(instance_type: InstanceType, count: int, *, asked: Accelerators, box: Container) -> bool:
    node = allocatable(instance_type)
    return (
        (asked.resource is None or asked.share(instance_type.name) * count <= 1)
        and parse(box.requests["cpu"], "cpu") * 1000 * count <= node.millicores
        and parse(box.requests["memory"], "memory") / MEBIBYTE * count <= node.mebibytes
    )
