"""Pods that take a node each, and pods that must share a zone."""

from typing import Any

import pytest

from tests.unit.placement import scheduling
from tests.unit.placement.jobs import LABELS, placed

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def keys(affinity: dict[str, Any], kind: str) -> list[str]:
    return [term["topologyKey"] for term in affinity.get(kind, {}).get(scheduling.REQUIRED, [])]


@pytest.mark.parametrize(
    ("types", "fields", "apart", "reason"),
    [
        (("ml.p4d.24xlarge",), {"count": 2}, True, "each has all GPUs of a node"),
        (("ml.p4d.24xlarge",), {}, False, "one pod has no others"),
        (("ml.p4d.24xlarge",), {"count": 2, "gpu": {"count": 4}}, False, "two fit on a node"),
        (("ml.m5.xlarge",), {"count": 2}, True, "an instance each, also on a larger node"),
        (("ml.m5.xlarge",), {"count": 2, "resources": {"requests": {"cpu": 1}}}, False, "less than an instance"),
        (("ml.g5.xlarge",), {"count": 2, "resources": {"requests": {"cpu": 1}}}, True, "the GPU is still all"),
        (("ml.trn1.32xlarge",), {"count": 4}, True, "all Neuron devices"),
        (
            ("ml.p4d.24xlarge",),
            {"count": 2, "gpu": {"resourceName": "nvidia.com/mig-7g.40gb", "count": 8}},
            False,
            "MIG devices of one GPU each may stand elsewhere",
        ),
        (("ml.g5.xlarge",), {"count": 2, "gpu": {"allowShared": True}}, False, "the GPU is shared"),
        (
            ("ml.g5.xlarge", "ml.g5.12xlarge"),
            {"count": 2, "gpu": {"count": 1}},
            False,
            "several fit on the larger one",
        ),
    ],
)
def test_one_pod_a_node(types: tuple[str, ...], fields: dict[str, Any], apart: bool, reason: str) -> None:
    affinity = dict(placed(*types, **fields).affinity)
    assert keys(affinity, "podAntiAffinity") == ([HOST] if apart else []), reason


def test_pods_that_share_a_zone() -> None:
    affinity = dict(placed("ml.p4d.24xlarge", count=2, topologyKey=ZONE).affinity)
    (term,) = affinity["podAffinity"][scheduling.REQUIRED]
    assert term == {"labelSelector": {"matchLabels": LABELS}, "namespaces": ["team-a"], "topologyKey": ZONE}
    assert keys(affinity, "podAntiAffinity") == [HOST]


def test_one_pod_shares_with_nobody() -> None:
    assert "podAffinity" not in placed("ml.p4d.24xlarge", topologyKey=ZONE).affinity


def test_small_pods_can_share_a_node() -> None:
    affinity = dict(placed("ml.g5.12xlarge", count=4, gpu={"count": 1}, topologyKey=HOST).affinity)
    assert keys(affinity, "podAffinity") == [HOST]


def test_pods_that_fill_a_node_exactly_share_it() -> None:
    half = {"requests": {"cpu": "1960m", "memory": "7081Mi"}}
    affinity = dict(placed("ml.m5.xlarge", count=2, resources=half, topologyKey=HOST).affinity)
    assert keys(affinity, "podAffinity") == [HOST]


def test_the_manifests_own_terms_stand_beside_ours() -> None:
    other = {"labelSelector": {"matchLabels": {"app": "cache"}}, "topologyKey": ZONE}
    own = {
        "podAffinity": {scheduling.REQUIRED: [other]},
        "podAntiAffinity": {scheduling.PREFERRED: [{"weight": 5, "podAffinityTerm": other}]},
    }
    affinity = dict(placed("ml.m5.xlarge", count=2, topologyKey="rack", affinity=own).affinity)
    assert keys(affinity, "podAffinity") == ["rack", ZONE]
    assert keys(affinity, "podAntiAffinity") == [HOST]
    assert affinity["podAntiAffinity"][scheduling.PREFERRED][0]["weight"] == 5
