"""Which instance types would fit."""

from typing import Any

import pytest
from sagebridge.core.placement import explain, fitting_types

from tests.unit.placement.jobs import placed

LABEL = "Nodes are found by node.kubernetes.io/instance-type"


@pytest.mark.parametrize(
    ("asked", "first", "reason"),
    [
        ({}, "c4.large", "the smallest"),
        ({"gpus": 1}, "g4dn.xlarge", "the smallest with a GPU"),
        ({"gpus": 2}, "g7.12xlarge", "two"),
        ({"gpus": 8, "efa": 32}, "p5.48xlarge", "with many EFA interfaces"),
        ({"gpus": 1, "mebibytes": 240_000}, "p5.4xlarge", "with much memory"),
        ({"millicores": 190_000}, "c7i.48xlarge", "many processors"),
        ({"neuron_devices": 12}, "inf2.48xlarge", "Neuron"),
        ({"mig": ("1g.10gb", 33)}, "p4de.24xlarge", "MIG devices, more than the A100 of 40 GB has of that profile"),
    ],
)
def test_the_smallest_that_fits_comes_first(asked: dict[str, Any], first: str, reason: str) -> None:
    assert fitting_types(**asked)[0] == first, reason


def test_types_with_accelerators_are_for_those_who_ask_for_them() -> None:
    assert not [name for name in fitting_types() if name.startswith(("g", "p", "trn", "inf"))]


def test_nothing_fits() -> None:
    assert fitting_types(gpus=17) == ()


@pytest.mark.parametrize(
    ("name", "fields", "said", "reason"),
    [
        ("ml.m5.xlarge", {}, "cpu 3320m, memory 13138Mi; ml.m4.xlarge, ml.m5.xlarge", "a type without accelerators"),
        ("ml.p4d.24xlarge", {"count": 2}, "vpc.amazonaws.com/efa 4", "EFA"),
        ("ml.p4d.24xlarge", {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}}, "; ml.p4d.24xlarge would fit", "MIG"),
        ("ml.trn1.32xlarge", {}, "; ml.trn1.32xlarge, ml.trn1n.32xlarge, ml.trn2.48xlarge would fit", "Neuron"),
        ("ml.inf2.xlarge", {"gpu": {"resourceName": "aws.amazon.com/neuroncore"}}, "inf2.xlarge", "cores"),
        (
            "ml.g5.xlarge",
            {"gpu": {"resourceName": "nvidia.com/gpu.shared", "allowShared": True}},
            "g5.xlarge",
            "a shared GPU",
        ),
    ],
)
def test_a_placement_explains_itself(name: str, fields: dict[str, Any], said: str, reason: str) -> None:
    assert said in explain(placed(name, **fields)), reason


@pytest.mark.parametrize(
    ("fields", "said", "reason"),
    [
        ({}, (), "nothing that not every cluster has"),
        ({"gpu": {"count": 0}}, (), "no GPUs"),
        ({"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}}, ("the strategy mixed",), "one MIG device"),
        (
            {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb", "count": 2}},
            ("the strategy mixed", "CUDA_VISIBLE_DEVICES"),
            "several",
        ),
        ({"gpu": {"allowShared": True}}, ("other pods use the same GPU",), "a shared GPU"),
        (
            {"gpu": {"allowShared": True, "resourceName": "nvidia.com/gpu.shared"}},
            ("renameByDefault",),
            "a shared GPU under a name of its own",
        ),
    ],
)
def test_lines_say_what_the_cluster_must_have(fields: dict[str, Any], said: tuple[str, ...], reason: str) -> None:
    *lines, label = placed("ml.p4d.24xlarge", **fields).lines
    assert label == f"{LABEL}: p4d.24xlarge (with or without ml.)"
    assert len(lines) == len(said), reason
    assert all(part in line for part, line in zip(said, lines, strict=True)), reason


def test_lines_for_several_pods_and_devices() -> None:
    mixed, label = placed("ml.g5.xlarge", "ml.g6.xlarge", count=2).lines
    assert mixed.startswith("The pods can get different accelerators")
    assert "instance-type: g5.xlarge or g6.xlarge (" in label
    extension, _ = placed("ml.trn1.32xlarge", gpu={"count": 4}).lines
    assert "scheduler extension" in extension
    efa, pages, _ = placed("ml.p4d.24xlarge", count=2, resources={"limits": {"hugepages-2Mi": "5Gi"}}).lines
    assert "EFA device plugin" in efa
    assert "NodeOverlay" in pages


@pytest.mark.parametrize(
    ("types", "fields", "said", "reason"),
    [
        (
            ("ml.c5.xlarge", "ml.m5.xlarge", "ml.m4.xlarge", "ml.t3.xlarge", "ml.r5.xlarge"),
            {},
            f"{LABEL}: c5.xlarge or m5.xlarge or m4.xlarge or t3.xlarge or another (with or without ml.)",
            "many types",
        ),
        (
            ("ml.m5.xlarge",),
            {"instanceTypes": ["dgx"], "resources": {"requests": {"cpu": 8, "memory": "8Gi"}}},
            f"{LABEL}: dgx (with or without ml.)",
            "a label of one's own",
        ),
        (
            ("ml.g5.12xlarge",),
            {"gpu": {"product": "NVIDIA-RTX-A6000"}},
            "Nodes are found by nvidia.com/gpu.product: NVIDIA-RTX-A6000, which GPU feature discovery sets",
            "a product that stands for the types",
        ),
    ],
)
def test_the_label_that_nodes_are_found_by(
    types: tuple[str, ...], fields: dict[str, Any], said: str, reason: str
) -> None:
    assert placed(*types, **fields).lines == (said,), reason
