"""Which fleet and variant takes an invocation."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Fleet, Variant


@dataclass(frozen=True, slots=True)
class Route:
    """A variant of a fleet that answers."""

    fleet: Fleet
    variant: Variant


def route(
    endpoint: Endpoint, *, target_variant: str | None = None, chance: Callable[[], float] = random.random
) -> Route | None:
    """Choose by the deployment's shares, then by the variants' weights; TargetVariant overrides weights.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html

    Returns:
        None when nothing can take it: no fleet, no such variant, or no instances.
    """
    first, second = endpoint.fleet, endpoint.green
    if second is not None and endpoint.green_share > 0 and chance() < endpoint.green_share:
        first, second = second, first
    for fleet in (first, second if endpoint.green_share > 0 else None):
        found = _variant(fleet, target_variant, chance) if fleet is not None and fleet.hosted is not None else None
        if fleet is not None and found is not None:
            return Route(fleet, found)
    return None


def _variant(fleet: Fleet, target: str | None, chance: Callable[[], float]) -> Variant | None:
    able = [variant for variant in fleet.variants if variant.count is None or variant.count > 0 or not variant.model]
    if target is not None:
        return next((variant for variant in able if variant.name == target), None)
    total = sum(variant.weight for variant in able)
    if total <= 0:
        return None
    point = chance() * total
    for variant in able:
        point -= variant.weight
        if point < 0:
            return variant
    return able[-1]


def has_variant(endpoint: Endpoint, name: str) -> bool:
    """Whether a variant of that name serves."""
    return endpoint.fleet is not None and any(variant.name == name for variant in endpoint.fleet.variants)
