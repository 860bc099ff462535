"""Which taints the pods tolerate."""

from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.placement import PlacementSettings

from tests.unit.placement import scheduling
from tests.unit.placement.jobs import placed

EFA = {"resources": {"limits": {"vpc.amazonaws.com/efa": 1}}}


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> Mapping[str, str]:
    return {"key": key, "value": value, "effect": effect}


CASES: list[tuple[str, dict[str, Any], Mapping[str, str], bool, str]] = [
    ("ml.g5.xlarge", {}, taint("nvidia.com/gpu", "true"), True, "the usual taint of GPU nodes"),
    ("ml.g5.xlarge", {}, taint("nvidia.com/gpu", "present", "NoExecute"), True, "whatever its value and effect"),
    ("ml.m5.xlarge", {}, taint("nvidia.com/gpu"), False, "no job for a GPU node"),
    ("ml.m5.xlarge", {}, taint("aws.amazon.com/neuron"), False, "no job for a Neuron node"),
    ("ml.g5.xlarge", {}, taint("aws.amazon.com/neuron"), False, "other accelerators"),
    ("ml.g5.xlarge", {"gpu": {"count": 0}}, taint("nvidia.com/gpu"), False, "no GPU is asked for"),
    ("ml.trn1.2xlarge", {}, taint("aws.amazon.com/neuron", "true"), True, "the usual taint of Neuron nodes"),
    (
        "ml.trn1.2xlarge",
        {"gpu": {"resourceName": "aws.amazon.com/neuroncore"}},
        taint("aws.amazon.com/neuron"),
        True,
        "cores stand on the same nodes",
    ),
    (
        "ml.p4d.24xlarge",
        {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        taint("nvidia.com/gpu"),
        True,
        "MIG devices stand on GPU nodes",
    ),
    (
        "ml.p4d.24xlarge",
        {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        taint("nvidia.com/mig-1g.5gb"),
        True,
        "or on nodes named after them",
    ),
    ("ml.g5.48xlarge", EFA, taint("vpc.amazonaws.com/efa"), True, "EFA is asked for"),
    ("ml.g5.48xlarge", {}, taint("vpc.amazonaws.com/efa"), False, "EFA is not asked for"),
    ("ml.g5.xlarge", {}, taint("karpenter.sh/capacity-type", "spot"), False, "spot is avoided"),
    ("ml.g5.xlarge", {"spot": "Prefer"}, taint("karpenter.sh/capacity-type", "spot"), True, "spot is preferred"),
    ("ml.g5.xlarge", {"spot": "Require"}, taint("eks.amazonaws.com/capacityType", "SPOT"), True, "spot is required"),
    ("ml.g5.xlarge", {"spot": "Require"}, taint("node.kubernetes.io/lifecycle", "spot"), True, "spot by hand"),
    ("ml.g5.xlarge", {"spot": "Require"}, taint("karpenter.sh/capacity-type", "reserved"), False, "not spot"),
    (
        "ml.p5.48xlarge",
        {},
        taint("sagemaker.amazonaws.com/node-health-status", "Unschedulable"),
        False,
        "a node of HyperPod that is not well",
    ),
    (
        "ml.m5.xlarge",
        {"tolerations": [{"key": "team", "operator": "Equal", "value": "a", "effect": "NoSchedule"}]},
        taint("team", "a"),
        True,
        "the manifest's own",
    ),
    ("ml.m5.xlarge", {}, taint("team", "a"), False, "nobody's"),
]


@pytest.mark.parametrize(("name", "cluster", "node_taint", "expected", "reason"), CASES, ids=[c[-1] for c in CASES])
def test_taints(name: str, cluster: dict[str, Any], node_taint: Mapping[str, str], expected: bool, reason: str) -> None:
    assert scheduling.tolerated(placed(name, **cluster), node_taint) is expected


def test_the_operators_tolerations_hold_for_every_job() -> None:
    settings = PlacementSettings(tolerations=({"key": "dedicated", "operator": "Exists"},))
    assert scheduling.tolerated(placed("ml.m5.xlarge", settings=settings), taint("dedicated", "training"))


def test_what_is_said_twice_stands_once() -> None:
    own = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": None}]
    tolerations = placed("ml.g5.xlarge", tolerations=own).tolerations
    assert tolerations == ({"key": "nvidia.com/gpu", "operator": "Exists"},)
