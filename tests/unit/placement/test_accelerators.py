"""How many devices each pod asks for, and how many processes run in it."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.unit.placement.jobs import placed, requests

GPU, NEURON, EFA = "nvidia.com/gpu", "aws.amazon.com/neuron", "vpc.amazonaws.com/efa"


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    types: tuple[str, ...]
    cluster: dict[str, Any] = field(default_factory=dict)
    devices: dict[str, str]
    processes: int


CASES = [
    Case(reason="all GPUs of the node", types=("ml.p4d.24xlarge",), devices={GPU: "8"}, processes=8),
    Case(reason="one GPU", types=("ml.g5.xlarge",), devices={GPU: "1"}, processes=1),
    Case(reason="no accelerators", types=("ml.m5.xlarge",), devices={}, processes=1),
    Case(
        reason="fewer GPUs",
        types=("ml.g5.48xlarge",),
        cluster={"gpu": {"count": 2}},
        devices={GPU: "2"},
        processes=2,
    ),
    Case(
        reason="fewer GPUs, said in resources",
        types=("ml.g5.48xlarge",),
        cluster={"resources": {"limits": {GPU: 4}}},
        devices={GPU: "4"},
        processes=4,
    ),
    Case(
        reason="none of the node's GPUs",
        types=("ml.g5.48xlarge",),
        cluster={"gpu": {"count": 0}},
        devices={},
        processes=1,
    ),
    Case(
        reason="several types that agree",
        types=("ml.g5.12xlarge", "ml.g6.12xlarge"),
        devices={GPU: "4"},
        processes=4,
    ),
    Case(
        reason="several types that differ, with a number that all have",
        types=("ml.g5.xlarge", "ml.g5.12xlarge"),
        cluster={"gpu": {"count": 1}},
        devices={GPU: "1"},
        processes=1,
    ),
    Case(
        reason="one MIG device, unless a number is given",
        types=("ml.p4d.24xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        devices={"nvidia.com/mig-1g.5gb": "1"},
        processes=1,
    ),
    Case(
        reason="MIG devices, of which each is a GPU to a process",
        types=("ml.p5.48xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-3g.40gb", "count": 16}},
        devices={"nvidia.com/mig-3g.40gb": "16"},
        processes=16,
    ),
    Case(
        reason="a shared GPU, where the node's GPUs may be shared",
        types=("ml.g5.12xlarge",),
        cluster={"gpu": {"allowShared": True}},
        devices={GPU: "1"},
        processes=1,
    ),
    Case(
        reason="a shared GPU under a name of its own",
        types=("ml.g5.xlarge",),
        cluster={"gpu": {"allowShared": True, "resourceName": "nvidia.com/gpu.shared", "count": 1}},
        devices={"nvidia.com/gpu.shared": "1"},
        processes=1,
    ),
    Case(reason="a process for each core of Trn1", types=("ml.trn1.32xlarge",), devices={NEURON: "16"}, processes=32),
    Case(
        reason="a process for each logical core of Trn2",
        types=("ml.trn2.48xlarge",),
        devices={NEURON: "16"},
        processes=64,
    ),
    Case(
        reason="fewer Neuron devices",
        types=("ml.trn1.32xlarge",),
        cluster={"gpu": {"count": 4}},
        devices={NEURON: "4"},
        processes=8,
    ),
    Case(
        reason="single cores",
        types=("ml.trn1.2xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 1}},
        devices={"aws.amazon.com/neuroncore": "1"},
        processes=1,
    ),
    Case(reason="Inferentia2", types=("ml.inf2.24xlarge",), devices={NEURON: "6"}, processes=12),
    Case(
        reason="another device beside",
        types=("ml.m5.xlarge",),
        cluster={"resources": {"limits": {"example.com/fpga": 1}}},
        devices={"example.com/fpga": "1"},
        processes=1,
    ),
    Case(
        reason="an unknown type says all itself",
        types=("dgx-h100",),
        cluster={"resources": {"requests": {"cpu": 16, "memory": "64Gi"}}, "gpu": {"count": 4}},
        devices={GPU: "4"},
        processes=4,
    ),
    Case(
        reason="an unknown type without accelerators",
        types=("my-node",),
        cluster={"resources": {"requests": {"cpu": 16, "memory": "64Gi"}}},
        devices={},
        processes=1,
    ),
    Case(
        reason="a MIG device of an unknown type",
        types=("dgx-h100",),
        cluster={
            "resources": {"requests": {"cpu": 16, "memory": "64Gi"}},
            "gpu": {"resourceName": "nvidia.com/mig-1g.12gb"},
        },
        devices={"nvidia.com/mig-1g.12gb": "1"},
        processes=1,
    ),
    Case(
        reason="a shared GPU of an unknown type",
        types=("dgx-h100",),
        cluster={"resources": {"requests": {"cpu": 16, "memory": "64Gi"}}, "gpu": {"allowShared": True}},
        devices={GPU: "1"},
        processes=1,
    ),
    Case(
        reason="cores of an unknown type",
        types=("trn9.48xlarge",),
        cluster={
            "resources": {"requests": {"cpu": 16, "memory": "64Gi"}},
            "gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 8},
        },
        devices={"aws.amazon.com/neuroncore": "8"},
        processes=8,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.reason for case in CASES])
def test_devices_and_processes(case: Case) -> None:
    placement = placed(*case.types, **case.cluster)
    asked, limits = requests(placement), placement.resources["limits"]
    assert {name: amount for name, amount in asked.items() if "/" in name} == case.devices
    assert {name: amount for name, amount in limits.items() if "/" in name} == case.devices
    assert placement.processes_per_node == case.processes


def test_a_part_of_the_gpus_goes_with_that_part_of_processors_and_memory() -> None:
    whole, half = requests(placed("ml.g5.12xlarge")), requests(placed("ml.g5.12xlarge", gpu={"count": 2}))
    assert (whole["cpu"], half["cpu"]) == ("47210m", "23550m")
    assert (whole["memory"], half["memory"]) == ("172376Mi", "86060Mi")


def test_four_pods_of_a_quarter_fit_on_a_node() -> None:
    quarter = requests(placed("ml.g5.12xlarge", gpu={"count": 1}))
    assert 4 * (int(quarter["cpu"].removesuffix("m")) + 100) + 500 <= 47810
    assert 4 * (int(quarter["memory"].removesuffix("Mi")) + 256) + 768 <= 173400


@pytest.mark.parametrize(
    ("types", "fields", "cpus", "reason"),
    [
        (("ml.p4d.24xlarge",), {}, 96, "as SageMaker counts them, where the pod has the node"),
        (("ml.g5.12xlarge",), {"gpu": {"count": 1}}, 11, "what it asks for, where it has a part"),
        (("ml.m5.2xlarge", "ml.m5.xlarge"), {}, 4, "those of the smallest"),
        (("ml.m5.xlarge",), {"resources": {"requests": {"cpu": "1500m"}}}, 1, "whole ones"),
        (("ml.m5.xlarge",), {"resources": {"requests": {"cpu": "100m"}}}, 1, "never none"),
        (("ml.g5.12xlarge",), {"resources": {"limits": {"cpu": 8}}}, 8, "not more than the limit"),
    ],
)
def test_processors(types: tuple[str, ...], fields: dict[str, Any], cpus: int, reason: str) -> None:
    assert placed(*types, **fields).cpus == cpus, reason


@pytest.mark.parametrize(
    ("types", "cluster", "named", "reason"),
    [
        (("ml.g5.xlarge", "ml.g4dn.xlarge"), {}, "ml.g5.xlarge", "the first"),
        (("g5.xlarge",), {}, "ml.g5.xlarge", "as SageMaker has it"),
        (("ml.g5.xlarge",), {"instanceTypes": ["g6.xlarge"]}, "ml.g6.xlarge", "the cluster's own come first"),
        (
            ("ml.g5.xlarge", "ml.g6.xlarge"),
            {"nodeSelector": {"karpenter.k8s.aws/instance-family": "g6"}},
            "ml.g6.xlarge",
            "the one that the nodeSelector leaves",
        ),
    ],
)
def test_the_instance_type_that_the_container_reads(
    types: tuple[str, ...], cluster: dict[str, Any], named: str, reason: str
) -> None:
    assert placed(*types, **cluster).instance_type == named, reason
