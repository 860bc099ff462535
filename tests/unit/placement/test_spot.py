"""Spot nodes: required, preferred, avoided."""

from typing import Any

import pytest
from sagebridge.core.placement import InstanceType, find

from tests.unit.placement import scheduling
from tests.unit.placement.jobs import placed

NODES = [scheduling.managed_node_group, scheduling.karpenter, scheduling.auto_mode, scheduling.self_managed]


def g5() -> InstanceType:
    found = find("g5.xlarge")
    assert found is not None
    return found


# enableManagedSpotTraining, spec.cluster; whether it may run on spot, elsewhere, and is fonder of spot
CASES: list[tuple[bool, dict[str, Any], bool, bool, bool, str]] = [
    (False, {}, False, True, False, "a job that may not be interrupted"),
    (True, {}, True, True, True, "managed spot training"),
    (True, {"spot": "Prefer"}, True, True, True, "said twice"),
    (False, {"spot": "Prefer"}, True, True, True, "only said for the cluster"),
    (True, {"spot": "Require"}, True, False, False, "spot or nothing"),
    (False, {"spot": "Require"}, True, False, False, "spot or nothing, on the cluster only"),
    (True, {"spot": "Avoid"}, False, True, False, "spot on SageMaker only"),
]


@pytest.mark.parametrize(("managed", "cluster", "on_spot", "elsewhere", "fonder", "reason"), CASES)
@pytest.mark.parametrize("node", NODES)
def test_spot(
    managed: bool, cluster: dict[str, Any], on_spot: bool, elsewhere: bool, fonder: bool, reason: str, node: Any
) -> None:
    placement = placed("ml.g5.xlarge", managed_spot=managed, **cluster)
    spot, other = node(g5(), spot=True), node(g5())
    assert scheduling.may_run(placement, spot) is on_spot, reason
    assert scheduling.may_run(placement, other) is elsewhere, reason
    assert (scheduling.score(placement, spot) > scheduling.score(placement, other)) is fonder, reason


@pytest.mark.parametrize("cluster", [{"spot": "Require"}, {"spot": "Prefer"}, {"spot": "Avoid"}])
def test_nodes_that_say_nothing_of_spot(cluster: dict[str, Any]) -> None:
    node = scheduling.hyperpod(g5())
    assert scheduling.may_run(placed("ml.g5.xlarge", **cluster), node) is (cluster["spot"] != "Require")


def test_the_preferences_have_different_weights() -> None:
    preferred = placed("ml.g5.xlarge", managed_spot=True).affinity["nodeAffinity"][scheduling.PREFERRED]
    weights = [each["weight"] for each in preferred]
    assert sorted(set(weights), reverse=True) == weights


@pytest.mark.parametrize(
    ("selector", "spot", "reason"),
    [
        ({"karpenter.sh/capacity-type": "spot"}, True, "Karpenter's spot"),
        ({"eks.amazonaws.com/capacityType": "SPOT"}, True, "a node group's spot"),
        ({"karpenter.sh/capacity-type": "on-demand"}, False, "on demand"),
        ({"karpenter.sh/capacity-type": "reserved"}, False, "a reservation"),
        ({"eks.amazonaws.com/capacityType": "CAPACITY_BLOCK"}, False, "a capacity block"),
    ],
)
def test_a_node_selector_can_say_it(selector: dict[str, str], spot: bool, reason: str) -> None:
    placement = placed("ml.g5.xlarge", nodeSelector=selector)
    taint = {"key": "karpenter.sh/capacity-type", "value": "spot", "effect": "NoSchedule"}
    assert scheduling.tolerated(placement, taint) is spot, reason
    node = {"node.kubernetes.io/instance-type": "g5.xlarge", **selector}
    assert scheduling.may_run(placement, node), reason
