"""On which nodes the pods may run, as the scheduler sees it, whoever made the node."""

from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.placement import InstanceType, find

from tests.unit.placement import scheduling
from tests.unit.placement.jobs import placed

A100, H100 = "NVIDIA-A100-SXM4-40GB", "NVIDIA-H100-80GB-HBM3"


def known(name: str) -> InstanceType:
    found = find(name)
    assert found is not None
    return found


def group(name: str, **labels: str) -> Mapping[str, str]:
    """A node of a managed node group, with more labels, in which / is written __."""
    more = {label.replace("__", "/").replace("_", "."): value for label, value in labels.items()}
    return scheduling.managed_node_group(known(name), **more)


@pytest.mark.parametrize("name", ["m5.xlarge", "g5.12xlarge", "p4d.24xlarge", "trn1.32xlarge", "inf2.xlarge"])
@pytest.mark.parametrize(
    "node",
    [
        scheduling.managed_node_group,
        scheduling.karpenter,
        scheduling.auto_mode,
        scheduling.hyperpod,
        scheduling.self_managed,
    ],
)
def test_a_node_of_the_type_will_do_whoever_made_it(name: str, node: Any) -> None:
    placement = placed(f"ml.{name}")
    assert scheduling.may_run(placement, node(known(name)))
    assert not scheduling.may_run(placement, node(known("g6e.xlarge")))


@pytest.mark.parametrize("health", ["Unschedulable", "UnschedulablePendingReplacement", "UnschedulablePendingReboot"])
def test_a_node_of_hyperpod_that_is_not_well_will_not_do(health: str) -> None:
    node = scheduling.hyperpod(known("p4d.24xlarge"), health=health)
    assert not scheduling.may_run(placed("ml.p4d.24xlarge"), node)


@pytest.mark.parametrize(
    ("cluster", "node", "allowed", "reason"),
    [
        ({}, group("p4d.24xlarge", nvidia_com__gpu_product=A100), True, "whole GPUs"),
        ({}, group("p4d.24xlarge", **{"nvidia_com__gpu_sharing-strategy": "none"}), True, "not shared"),
        ({}, group("p4d.24xlarge", nvidia_com__gpu_product=f"{A100}-SHARED"), False, "shared, by the product"),
        ({}, group("p4d.24xlarge", **{"nvidia_com__gpu_sharing-strategy": "mps"}), False, "shared by MPS"),
        ({}, group("p4d.24xlarge", **{"nvidia_com__gpu_sharing-strategy": "time-slicing"}), False, "shared in turns"),
        ({}, group("p4d.24xlarge", nvidia_com__gpu_slices_gi="1"), False, "MIG devices that count as GPUs"),
        (
            {"gpu": {"allowShared": True}},
            group("p4d.24xlarge", **{"nvidia_com__gpu_sharing-strategy": "time-slicing"}),
            True,
            "shared ones are allowed",
        ),
        (
            {"gpu": {"allowShared": True}},
            group("p4d.24xlarge", nvidia_com__gpu_slices_gi="1"),
            False,
            "a MIG device is no shared GPU",
        ),
        (
            {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
            group("p4d.24xlarge", nvidia_com__mig_strategy="mixed"),
            True,
            "MIG devices are a resource of their own",
        ),
        ({"gpu": {"count": 0}}, group("p4d.24xlarge", nvidia_com__gpu_slices_gi="1"), True, "no GPU is asked for"),
    ],
)
def test_whole_shared_and_divided_gpus(
    cluster: dict[str, Any], node: Mapping[str, str], allowed: bool, reason: str
) -> None:
    assert scheduling.may_run(placed("ml.p4d.24xlarge", **cluster), node) is allowed, reason


@pytest.mark.parametrize(
    ("types", "cluster", "node", "allowed", "reason"),
    [
        (
            ("ml.p5.48xlarge",),
            {"gpu": {"product": H100}},
            scheduling.on_premises(H100),
            True,
            "a node elsewhere with that GPU",
        ),
        (
            ("ml.p5.48xlarge",),
            {"gpu": {"product": H100}},
            scheduling.karpenter(known("p5.48xlarge")),
            True,
            "a node of the type has it, labelled or not",
        ),
        (
            ("ml.p5.48xlarge", "ml.p4d.24xlarge"),
            {"gpu": {"product": H100}},
            scheduling.karpenter(known("p4d.24xlarge")),
            False,
            "only the types with that GPU are left",
        ),
        (
            ("ml.g5.12xlarge",),
            {"gpu": {"product": H100, "count": 2}},
            scheduling.on_premises(H100),
            True,
            "the type only says how much is asked for",
        ),
        (
            ("ml.g5.12xlarge",),
            {"gpu": {"product": H100, "count": 2}},
            scheduling.karpenter(known("g5.12xlarge")),
            False,
            "which has another GPU",
        ),
        (
            ("ml.g5.12xlarge",),
            {"gpu": {"product": H100}},
            scheduling.on_premises(f"{H100}-SHARED"),
            False,
            "a shared one is another product",
        ),
        (
            ("ml.g5.12xlarge",),
            {"gpu": {"product": f"{H100}-SHARED", "allowShared": True}},
            scheduling.on_premises(f"{H100}-SHARED"),
            True,
            "which can be asked for",
        ),
        (
            ("ml.g5.12xlarge",),
            {
                "instanceTypes": ["dgx-h100"],
                "gpu": {"product": H100, "count": 8},
                "resources": {"requests": {"cpu": 64, "memory": "512Gi"}},
            },
            {**scheduling.on_premises(H100), "node.kubernetes.io/instance-type": "dgx-h100"},
            True,
            "an own type with that product",
        ),
        (
            ("ml.g5.12xlarge",),
            {
                "instanceTypes": ["dgx-h100"],
                "gpu": {"product": H100, "count": 8},
                "resources": {"requests": {"cpu": 64, "memory": "512Gi"}},
            },
            {**scheduling.on_premises(A100), "node.kubernetes.io/instance-type": "dgx-h100"},
            False,
            "an own type without it",
        ),
    ],
)
def test_products(
    types: tuple[str, ...], cluster: dict[str, Any], node: Mapping[str, str], allowed: bool, reason: str
) -> None:
    assert scheduling.may_run(placed(*types, **cluster), node) is allowed, reason


def test_a_product_elsewhere_with_a_size_of_its_own_is_not_bound_by_the_type() -> None:
    placement = placed(
        "ml.g5.xlarge",
        count=2,
        gpu={"product": H100, "count": 4},
        resources={"requests": {"cpu": 32, "memory": "256Gi"}},
    )
    assert placement.resources["requests"] == {"cpu": "32", "memory": "256Gi", "nvidia.com/gpu": "4"}
    assert "podAntiAffinity" not in placement.affinity


def test_a_product_elsewhere_has_no_efa() -> None:
    placement = placed("ml.p4d.24xlarge", count=2, gpu={"product": H100})
    assert "vpc.amazonaws.com/efa" not in placement.resources["requests"]
    assert any("GPU feature discovery" in line for line in placement.lines)


def test_a_node_selector_narrows_the_types() -> None:
    placement = placed("ml.g5.12xlarge", "ml.g6.12xlarge", nodeSelector={"karpenter.k8s.aws/instance-family": "g6"})
    assert scheduling.may_run(placement, scheduling.karpenter(known("g6.12xlarge")))
    assert not scheduling.may_run(placement, scheduling.karpenter(known("g5.12xlarge")))
    assert placement.node_selector == {"karpenter.k8s.aws/instance-family": "g6"}


def test_the_manifests_own_terms_hold_beside_ours() -> None:
    zones = [
        {"matchExpressions": [{"key": "zone", "operator": "In", "values": [zone]}], "matchFields": fields}
        for zone, fields in (("a", []), ("b", [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]))
    ]
    own = {
        "nodeAffinity": {
            scheduling.REQUIRED: {"nodeSelectorTerms": zones},
            scheduling.PREFERRED: [{"weight": 1, "preference": {"matchExpressions": []}}],
        }
    }
    placement = placed("ml.g5.xlarge", affinity=own)
    node = scheduling.karpenter(known("g5.xlarge"))
    assert scheduling.may_run(placement, {**node, "zone": "a"})
    assert not scheduling.may_run(placement, {**node, "zone": "c"})
    assert not scheduling.may_run(placement, {**scheduling.karpenter(known("g6.xlarge")), "zone": "a"})
    terms = placement.affinity["nodeAffinity"][scheduling.REQUIRED]["nodeSelectorTerms"]
    assert [bool(term.get("matchFields")) for term in terms] == [False, True] * 3
    assert placement.affinity["nodeAffinity"][scheduling.PREFERRED][-1]["weight"] == 1


WELL_KNOWN_TO_KARPENTER = {
    "kubernetes.io/arch",
    "node.kubernetes.io/instance-type",
    "karpenter.sh/capacity-type",
    "karpenter.k8s.aws/instance-gpu-count",
}


@pytest.mark.parametrize(
    ("types", "fields", "reason"),
    [
        (("ml.g5.xlarge",), {}, "GPUs, no spot"),
        (("ml.p4d.24xlarge",), {"managed_spot": True, "count": 2}, "GPUs that can be divided"),
        (("ml.p4d.24xlarge",), {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}}, "MIG devices"),
        (("ml.g5.xlarge",), {"spot": "Require"}, "spot"),
        (("ml.g5.xlarge",), {"gpu": {"product": "NVIDIA-A10G"}}, "a product that the type has"),
        (("ml.trn1.32xlarge",), {}, "Neuron"),
        (("ml.m5.xlarge",), {}, "no accelerators"),
    ],
)
def test_karpenter_can_start_a_node_for_the_first_term_and_makes_up_no_labels(
    types: tuple[str, ...], fields: dict[str, Any], reason: str
) -> None:
    """It knows no others' labels, so that only their absence can be asked for; NotIn would give them made-up values."""
    terms = placed(*types, **fields).affinity["nodeAffinity"][scheduling.REQUIRED]["nodeSelectorTerms"]
    others = [each for each in terms[0]["matchExpressions"] if each["key"] not in WELL_KNOWN_TO_KARPENTER]
    assert {each["operator"] for each in others} <= {"DoesNotExist"}, reason
    own = known(types[0].removeprefix("ml."))
    spot = fields.get("spot") == "Require"
    assert all(scheduling.holds(each, scheduling.karpenter(own, spot=spot)) for each in terms[0]["matchExpressions"])


def test_what_karpenter_started_stays_fit_once_it_is_labelled() -> None:
    node = {
        **scheduling.karpenter(known("g5.xlarge")),
        "nvidia.com/gpu.product": "NVIDIA-A10G",
        "nvidia.com/gpu.sharing-strategy": "none",
    }
    assert scheduling.may_run(placed("ml.g5.xlarge"), node)
