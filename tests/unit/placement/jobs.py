"""Jobs to be placed."""

from typing import Any

from sagebridge.core.placement import Placement, PlacementRequest, PlacementSettings, place

LABELS = {"sagebridge.io/job": "digits-0"}


def job(
    *types: str,
    count: int = 1,
    managed_spot: bool = False,
    settings: PlacementSettings | None = None,
    **cluster: Any,
) -> PlacementRequest:
    """A job on these instance types, whose spec.cluster has the other fields."""
    return PlacementRequest(
        instance_types=types,
        instance_count=count,
        cluster=cluster,
        spot=managed_spot,
        namespace="team-a",
        labels=LABELS,
        settings=settings or PlacementSettings(),
    )


def placed(*types: str, **fields: Any) -> Placement:
    return place(job(*types, **fields))


def requests(placement: Placement) -> dict[str, str]:
    return dict(placement.resources["requests"])
