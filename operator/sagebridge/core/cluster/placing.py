"""What an attempt's pods ask of the cluster's nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge.core.cluster.names import labels
from sagebridge.core.placement import PlacementRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.names import Owner
    from sagebridge.core.placement import PlacementSettings
    from sagebridge.core.resolution import Path


def wish(
    request: Mapping[str, Any],
    cluster: Mapping[str, Any],
    *,
    owner: Owner,
    attempt: int,
    kind: str,
    settings: PlacementSettings,
    resources: Path = ("resourceConfig",),
) -> PlacementRequest:
    """What to ask the placement for.

    Args:
        request: of the kind's Create operation, or a training definition of a tuning job's.
        cluster: ``spec.cluster``.
        owner: the object that it belongs to.
        attempt: which attempt of the object it is.
        kind: the object's kind.
        settings: what the operator says of all its pods.
        resources: where a spec has instanceType and instanceCount.
    """
    given: Any = request
    for name in resources:
        given = given[name[0].upper() + name[1:]]
    field = ".".join(("spec", *resources))
    return PlacementRequest(
        instance_types=tuple(cluster.get("instanceTypes") or ()) or (given["InstanceType"],),
        instance_count=int(given.get("InstanceCount", 1)),
        cluster=cluster,
        spot=bool(request.get("EnableManagedSpotTraining")),
        namespace=owner.namespace,
        labels=labels(owner, attempt, kind=kind),
        settings=settings,
        types_field=f"{field}.instanceType",
        count_field=f"{field}.instanceCount",
    )
