"""Spot capacity: whether the pods must, should or must not run on it.

SageMaker runs a job on spot capacity only where the manifest says enableManagedSpotTraining. On a cluster that means:
spot nodes are preferred, since the cluster may have none and the same manifest shall run. Without it a job that may
not be interrupted is not put where it can be: nodes that are labelled as spot are left out. spec.cluster.spot, or a
label of capacity in the nodeSelector, says otherwise.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.placement.labels import SPOT_VALUES

if TYPE_CHECKING:
    from sagebridge.core.training.section import Section

Expression = Mapping[str, Any]


class Spot(StrEnum):
    """What ``spec.cluster.spot`` can say, and that the nodeSelector has said it all."""

    REQUIRE = "Require"
    PREFER = "Prefer"
    AVOID = "Avoid"
    SELECTED = "Selected"

    @property
    def may_be_spot(self) -> bool:
        """Whether the pods may run on spot nodes."""
        return self is not Spot.AVOID


_HEAVIEST: Final = 100


def spot_of(cluster: Section, *, managed_spot: bool) -> Spot:
    """Return what holds for a job.

    Raises:
        SpecError: nodeSelector and spot contradict each other, or spot is none of the three words.
    """
    said = _said(cluster)
    selected = _selected(cluster)
    if selected is None:
        return said or (Spot.PREFER if managed_spot else Spot.AVOID)
    field, is_spot = selected
    if (said is Spot.AVOID and is_spot) or (said is Spot.REQUIRE and not is_spot):
        raise SpecError(field, f"contradicts {cluster.field('spot')}: {said}: remove one of them")
    return Spot.SELECTED if is_spot else Spot.AVOID


def _said(cluster: Section) -> Spot | None:
    word = cluster.text("spot")
    if word is None:
        return None
    allowed = (Spot.REQUIRE, Spot.PREFER, Spot.AVOID)
    if word not in allowed:
        raise SpecError(cluster.field("spot"), f"{word} is not one of {', '.join(allowed)}")
    return Spot(word)


def _selected(cluster: Section) -> tuple[str, bool] | None:
    selector = cluster.section("nodeSelector")
    label = next((label for label in SPOT_VALUES if selector.text(label)), None)
    return None if label is None else (selector.field(label), selector.text(label) == SPOT_VALUES[label])


def is_spot(label: str) -> Expression:
    """Return the expression that a node is spot, by one provisioner's label."""
    return {"key": label, "operator": "In", "values": [SPOT_VALUES[label]]}


def not_spot() -> list[Expression]:
    """Return the expressions that a node is not labelled as spot by anyone; a node without the labels passes."""
    return [{"key": label, "operator": "NotIn", "values": [value]} for label, value in SPOT_VALUES.items()]


def preferred_spot() -> list[Mapping[str, Any]]:
    """Return the preferences for spot nodes; the weights differ since Karpenter gives up the lightest first."""
    return [
        {"weight": _HEAVIEST - index, "preference": {"matchExpressions": [is_spot(label)]}}
        for index, label in enumerate(SPOT_VALUES)
    ]
