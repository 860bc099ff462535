"""What can never run is refused: the message names the field, and what would fit."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.placement import PlacementSettings

from tests.unit.placement.jobs import placed

GPU, EFA = "nvidia.com/gpu", "vpc.amazonaws.com/efa"


@dataclass(frozen=True, kw_only=True)
class Case:
    reason: str
    types: tuple[str, ...] = ("ml.g5.12xlarge",)
    cluster: dict[str, Any] = field(default_factory=dict)
    count: int = 1
    field: str
    says: str


CASES = [
    Case(reason="nothing to run on", types=(), field="spec.resourceConfig.instanceType", says="is missing"),
    Case(reason="no pods", count=0, field="spec.resourceConfig.instanceCount", says="at least 1"),
    Case(
        reason="an unknown type",
        types=("ml.g5.13xlarge",),
        field="spec.resourceConfig.instanceType",
        says="did you mean ml.g5.16xlarge or ml.g5.12xlarge",
    ),
    Case(
        reason="an unknown type of the cluster",
        cluster={"instanceTypes": ["dgx-h100"]},
        field="spec.cluster.instanceTypes",
        says="dgx-h100 is not known here. For other nodes give cpu and memory in spec.cluster.resources.requests",
    ),
    Case(
        reason="an unknown type of which the memory is missing",
        cluster={"instanceTypes": ["dgx-h100"], "resources": {"requests": {"cpu": 8}}},
        field="spec.cluster.instanceTypes",
        says="give cpu and memory",
    ),
    Case(
        reason="types that are no list",
        cluster={"instanceTypes": "g5.12xlarge"},
        field="spec.cluster.instanceTypes",
        says="must be a list",
    ),
    Case(
        reason="more GPUs than the type has",
        cluster={"gpu": {"count": 8}},
        field="spec.cluster.gpu.count",
        says="g5.12xlarge has 4 GPUs, fewer than the 8 asked for: ml.g5.48xlarge, ",
    ),
    Case(
        reason="more GPUs than any type has",
        cluster={"gpu": {"count": 64}},
        field="spec.cluster.gpu.count",
        says="no instance type in the table has that",
    ),
    Case(
        reason="more GPUs, said in resources",
        cluster={"resources": {"limits": {GPU: 5}}},
        field=f"spec.cluster.resources.limits.{GPU}",
        says="has 4 GPUs",
    ),
    Case(
        reason="a number that one of the types lacks",
        types=("ml.g5.12xlarge", "ml.g5.xlarge"),
        cluster={"gpu": {"count": 2}},
        field="spec.cluster.gpu.count",
        says="g5.xlarge has 1 GPU, fewer",
    ),
    Case(
        reason="more GPUs of a node elsewhere than the type has, which only says how much is asked for",
        types=("ml.g5.xlarge",),
        cluster={"gpu": {"count": 4, "product": "NVIDIA-H200"}},
        field="spec.cluster.gpu.count",
        says="or give cpu and memory in spec.cluster.resources.requests",
    ),
    Case(
        reason="a negative number",
        cluster={"gpu": {"count": -1}},
        field="spec.cluster.gpu.count",
        says="is negative",
    ),
    Case(
        reason="two numbers",
        cluster={"gpu": {"count": 2}, "resources": {"limits": {GPU: 4}}},
        field=f"spec.cluster.resources.limits.{GPU}",
        says="contradicts the 2",
    ),
    Case(
        reason="GPUs of a type without",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"count": 1}},
        field="spec.cluster.gpu.count",
        says="m5.xlarge has no nvidia.com/gpu: ml.g4dn.xlarge, ml.g5.xlarge",
    ),
    Case(
        reason="a MIG device of a type without GPUs",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        field="spec.cluster.gpu.resourceName",
        says="ml.p4d.24xlarge would fit",
    ),
    Case(
        reason="Neuron devices of a type without",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuron", "count": 1}},
        field="spec.cluster.gpu.resourceName",
        says="inf2.xlarge",
    ),
    Case(
        reason="more Neuron devices of a type without",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuron", "count": 12}},
        field="spec.cluster.gpu.resourceName",
        says="m5.xlarge has no aws.amazon.com/neuron: ml.inf2.48xlarge, ml.trn1.32xlarge",
    ),
    Case(
        reason="NeuronCores of a type without",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 12}},
        field="spec.cluster.gpu.resourceName",
        says="m5.xlarge has no aws.amazon.com/neuroncore: ml.inf2.24xlarge, ml.inf2.48xlarge",
    ),
    Case(
        reason="shared GPUs of a type without",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"allowShared": True}},
        field="spec.cluster.gpu.count",
        says="has no nvidia.com/gpu",
    ),
    Case(
        reason="MIG of a GPU that can't be divided",
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        field="spec.cluster.gpu.resourceName",
        says="g5.12xlarge can't be divided by MIG: ml.p4d.24xlarge would fit",
    ),
    Case(
        reason="a profile of another GPU",
        types=("ml.p5.48xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}},
        field="spec.cluster.gpu.resourceName",
        says="the H100 of p5.48xlarge has the profiles 1g.10gb",
    ),
    Case(
        reason="more MIG devices than fit",
        types=("ml.p4d.24xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-3g.20gb", "count": 17}},
        field="spec.cluster.gpu.count",
        says="has room for 16 of 3g.20gb",
    ),
    Case(
        reason="more MIG devices than fit on the smaller of two types",
        types=("ml.p5.48xlarge", "ml.p5.4xlarge"),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.10gb", "count": 8}},
        field="spec.cluster.gpu.count",
        says="p5.4xlarge has room for 7 of 1g.10gb",
    ),
    Case(
        reason="MIG and whole GPUs",
        types=("ml.p4d.24xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}, "resources": {"limits": {GPU: 1}}},
        field=f"spec.cluster.resources.limits.{GPU}",
        says="can't be asked for together with nvidia.com/mig-1g.5gb",
    ),
    Case(
        reason="MIG and whole GPUs, both in resources",
        types=("ml.p4d.24xlarge",),
        cluster={"resources": {"limits": {GPU: 1, "nvidia.com/mig-1g.5gb": 1}}},
        field="spec.cluster.resources.limits.nvidia.com/mig-1g.5gb",
        says="can't be asked for together with nvidia.com/gpu",
    ),
    Case(
        reason="a MIG device that is to be shared",
        types=("ml.p4d.24xlarge",),
        cluster={"gpu": {"resourceName": "nvidia.com/mig-1g.5gb", "allowShared": True}},
        field="spec.cluster.gpu.allowShared",
        says="a MIG device is not shared",
    ),
    Case(
        reason="a shared GPU that is not allowed",
        cluster={"gpu": {"resourceName": "nvidia.com/gpu.shared"}},
        field="spec.cluster.gpu.resourceName",
        says="set spec.cluster.gpu.allowShared: true",
    ),
    Case(
        reason="several shared GPUs",
        cluster={"gpu": {"allowShared": True, "count": 2}},
        field="spec.cluster.gpu.count",
        says="ask for 1, or for whole GPUs",
    ),
    Case(
        reason="several shared GPUs of an unknown type",
        cluster={
            "instanceTypes": ["dgx-h100"],
            "gpu": {"allowShared": True, "count": 2},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        },
        field="spec.cluster.gpu.count",
        says="ask for 1, or for whole GPUs",
    ),
    Case(
        reason="a shared GPU of an unknown type that is not allowed",
        cluster={
            "instanceTypes": ["dgx-h100"],
            "gpu": {"resourceName": "nvidia.com/gpu.shared"},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        },
        field="spec.cluster.gpu.resourceName",
        says="set spec.cluster.gpu.allowShared: true",
    ),
    Case(
        reason="GPUs of an unknown type, nobody knows how many",
        cluster={
            "instanceTypes": ["dgx-h100"],
            "gpu": {"resourceName": GPU},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        },
        field="spec.cluster.gpu.count",
        says="is missing",
    ),
    Case(
        reason="GPUs of a node elsewhere, nobody knows how many",
        cluster={
            "gpu": {"product": "NVIDIA-RTX-A6000"},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        },
        field="spec.cluster.gpu.count",
        says="is missing",
    ),
    Case(
        reason="a resource that the type has not",
        cluster={"gpu": {"resourceName": "amd.com/gpu"}},
        field="spec.cluster.gpu.resourceName",
        says="g5.12xlarge has no amd.com/gpu: use nvidia.com/gpu",
    ),
    Case(
        reason="GPUs of a Neuron type",
        types=("ml.trn1.32xlarge",),
        cluster={"gpu": {"resourceName": GPU, "count": 1}},
        field="spec.cluster.gpu.resourceName",
        says="has Neuron devices: use aws.amazon.com/neuron",
    ),
    Case(
        reason="shared Neuron devices",
        types=("ml.trn1.32xlarge",),
        cluster={"gpu": {"allowShared": True}},
        field="spec.cluster.gpu.allowShared",
        says="Neuron devices are not shared",
    ),
    Case(
        reason="a number of Neuron devices that is never given out",
        types=("ml.trn1.32xlarge",),
        cluster={"gpu": {"count": 5}},
        field="spec.cluster.gpu.count",
        says="numbers of 1, 4, 8, 16 only",
    ),
    Case(
        reason="more Neuron devices than there are",
        types=("ml.inf2.24xlarge",),
        cluster={"gpu": {"count": 8}},
        field="spec.cluster.gpu.count",
        says="inf2.24xlarge has 6 Neuron devices, fewer than the 8 asked for: ml.inf2.48xlarge",
    ),
    Case(
        reason="more cores than there are",
        types=("ml.inf2.xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 3}},
        field="spec.cluster.gpu.count",
        says="inf2.xlarge has 2 NeuronCores, fewer than the 3 asked for: ml.inf2.24xlarge",
    ),
    Case(
        reason="cores that are grouped",
        types=("ml.trn2.48xlarge",),
        cluster={"gpu": {"resourceName": "aws.amazon.com/neuroncore", "count": 3}},
        field="spec.cluster.gpu.resourceName",
        says="use aws.amazon.com/neuron",
    ),
    Case(
        reason="devices whose cores nobody knows",
        cluster={
            "instanceTypes": ["trn9.48xlarge"],
            "gpu": {"resourceName": "aws.amazon.com/neuron", "count": 1},
            "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        },
        field="spec.cluster.gpu.resourceName",
        says="ask for aws.amazon.com/neuroncore",
    ),
    Case(
        reason="devices with different numbers of cores",
        types=("ml.trn1.32xlarge", "ml.trn2.48xlarge"),
        field="spec.resourceConfig.instanceType",
        says="different numbers of NeuronCores",
    ),
    Case(
        reason="types with different numbers of GPUs",
        types=("ml.g5.12xlarge", "ml.g5.48xlarge", "ml.g6.12xlarge"),
        field="spec.resourceConfig.instanceType",
        says="g5.12xlarge, g6.12xlarge with 4 GPUs; g5.48xlarge with 8 GPUs",
    ),
    Case(
        reason="different numbers, in the cluster's own list",
        cluster={"instanceTypes": ["g5.xlarge", "g5.12xlarge"]},
        field="spec.cluster.instanceTypes",
        says="or give spec.cluster.gpu.count",
    ),
    Case(
        reason="GPUs and none",
        types=("ml.g5.xlarge", "ml.m5.xlarge"),
        cluster={"gpu": {"count": 1}},
        field="spec.resourceConfig.instanceType",
        says="m5.xlarge with 0 accelerators",
    ),
    Case(
        reason="GPUs and Neuron devices",
        types=("ml.g5.xlarge", "ml.trn1.2xlarge"),
        field="spec.resourceConfig.instanceType",
        says="trn1.2xlarge with 1 Neuron device",
    ),
    Case(
        reason="EFA where there is none",
        types=("ml.g5.xlarge",),
        cluster={"resources": {"limits": {EFA: 1}}},
        field=f"spec.cluster.resources.limits.{EFA}",
        says="g5.xlarge has no EFA, 1 asked for: ml.g5.8xlarge, ml.g5.16xlarge",
    ),
    Case(
        reason="more EFA than there is",
        types=("ml.p4d.24xlarge",),
        cluster={"resources": {"requests": {EFA: 32}}},
        field=f"spec.cluster.resources.requests.{EFA}",
        says="has 4 EFA interfaces, 32 asked for: ml.p5.48xlarge, ml.p5e.48xlarge would fit",
    ),
    Case(
        reason="requests and limits of a device that differ",
        cluster={"resources": {"requests": {"example.com/fpga": 1}, "limits": {"example.com/fpga": 2}}},
        field="spec.cluster.resources.limits.example.com/fpga",
        says="the same in both",
    ),
    Case(
        reason="a part of a device",
        cluster={"resources": {"limits": {"example.com/fpga": "500m"}}},
        field="spec.cluster.resources.limits.example.com/fpga",
        says="whole number",
    ),
    Case(
        reason="a part of a huge page",
        cluster={"resources": {"limits": {"hugepages-2Mi": "5Mi"}}},
        field="spec.cluster.resources.limits.hugepages-2Mi",
        says="a multiple of 2Mi",
    ),
    Case(
        reason="huge pages of no size",
        cluster={"resources": {"limits": {"hugepages-large": 1}}},
        field="spec.cluster.resources.limits.hugepages-large",
        says="'large' is not a quantity",
    ),
    Case(
        reason="no quantity",
        cluster={"resources": {"requests": {"memory": "16GB"}}},
        field="spec.cluster.resources.requests.memory",
        says="'16GB' is not a quantity",
    ),
    Case(
        reason="a limit that is no quantity",
        cluster={"resources": {"limits": {"cpu": "four"}}},
        field="spec.cluster.resources.limits.cpu",
        says="'four' is not a quantity",
    ),
    Case(
        reason="more requested than allowed",
        cluster={"resources": {"requests": {"cpu": 8}, "limits": {"cpu": 4}}},
        field="spec.cluster.resources.requests.cpu",
        says="8 is more than the limit of 4",
    ),
    Case(
        reason="more processors than the node gives",
        types=("ml.m5.xlarge",),
        cluster={"resources": {"requests": {"cpu": 4}}},
        field="spec.cluster.resources.requests.cpu",
        says="more than the 3920m that a node of m5.xlarge gives: ml.m5.2xlarge",
    ),
    Case(
        reason="more memory than the node gives",
        types=("ml.g5.xlarge",),
        cluster={"resources": {"requests": {"memory": "16Gi"}}},
        field="spec.cluster.resources.requests.memory",
        says="that a node of g5.xlarge gives: ml.g5.2xlarge",
    ),
    Case(
        reason="nothing asked for",
        cluster={"resources": {"requests": {"cpu": 0}}},
        field="spec.cluster.resources.requests.cpu",
        says="nothing is left",
    ),
    Case(
        reason="a nodeSelector for another type",
        cluster={"nodeSelector": {"node.kubernetes.io/instance-type": "g5.48xlarge"}},
        field="spec.cluster.nodeSelector.node.kubernetes.io/instance-type",
        says="g5.48xlarge excludes g5.12xlarge",
    ),
    Case(
        reason="a nodeSelector for another family",
        types=("ml.g5.12xlarge", "ml.g6.12xlarge"),
        cluster={"nodeSelector": {"eks.amazonaws.com/instance-family": "p5"}},
        field="spec.cluster.nodeSelector.eks.amazonaws.com/instance-family",
        says="excludes all of g5.12xlarge, g6.12xlarge",
    ),
    Case(
        reason="a nodeSelector for another GPU",
        cluster={"nodeSelector": {"nvidia.com/gpu.product": "NVIDIA-L4"}},
        field="spec.cluster.nodeSelector.nvidia.com/gpu.product",
        says="NVIDIA-L4 excludes g5.12xlarge",
    ),
    Case(
        reason="a nodeSelector for Arm",
        cluster={"nodeSelector": {"kubernetes.io/arch": "arm64"}},
        field="spec.cluster.nodeSelector.kubernetes.io/arch",
        says="arm64 excludes",
    ),
    Case(
        reason="a nodeSelector that is no text",
        cluster={"nodeSelector": {"gpus": 4}},
        field="spec.cluster.nodeSelector.gpus",
        says="put it in quotes",
    ),
    Case(
        reason="a product that none of the cluster's types has",
        cluster={"instanceTypes": ["g5.12xlarge"], "gpu": {"product": "NVIDIA-H200"}},
        field="spec.cluster.gpu.product",
        says="g5.12xlarge has no NVIDIA-H200: name one that has, such as p5e.48xlarge",
    ),
    Case(
        reason="a product that no type has",
        cluster={"instanceTypes": ["g5.12xlarge"], "gpu": {"product": "NVIDIA-RTX-A6000"}},
        field="spec.cluster.gpu.product",
        says="leave out spec.cluster.instanceTypes",
    ),
    Case(
        reason="a model instead of a product",
        cluster={"gpu": {"product": "a10g"}},
        field="spec.cluster.gpu.product",
        says="write NVIDIA-A10G",
    ),
    Case(
        reason="a product of shared GPUs that are not allowed",
        cluster={"gpu": {"product": "NVIDIA-A10G-SHARED"}},
        field="spec.cluster.gpu.product",
        says="set spec.cluster.gpu.allowShared: true",
    ),
    Case(
        reason="a product for a job without GPUs",
        types=("ml.m5.xlarge",),
        cluster={"gpu": {"product": "NVIDIA-A10G"}},
        field="spec.cluster.gpu.product",
        says="m5.xlarge has no GPUs",
    ),
    Case(
        reason="spot nodes are selected and avoided",
        cluster={"spot": "Avoid", "nodeSelector": {"karpenter.sh/capacity-type": "spot"}},
        field="spec.cluster.nodeSelector.karpenter.sh/capacity-type",
        says="contradicts spec.cluster.spot: Avoid",
    ),
    Case(
        reason="on-demand nodes are selected, spot is required",
        cluster={"spot": "Require", "nodeSelector": {"eks.amazonaws.com/capacityType": "ON_DEMAND"}},
        field="spec.cluster.nodeSelector.eks.amazonaws.com/capacityType",
        says="contradicts spec.cluster.spot: Require",
    ),
    Case(reason="no such word", cluster={"spot": "Selected"}, field="spec.cluster.spot", says="Require, Prefer, Avoid"),
    Case(
        reason="whole nodes on one node",
        cluster={"topologyKey": "kubernetes.io/hostname"},
        count=2,
        field="spec.cluster.topologyKey",
        says="the 2 pods take a node each",
    ),
    Case(
        reason="more pods on one node than fit",
        cluster={"topologyKey": "kubernetes.io/hostname", "gpu": {"count": 1}},
        count=5,
        field="spec.cluster.topologyKey",
        says="no node of g5.12xlarge has room for 5 such pods",
    ),
    Case(
        reason="more pods on one node than fit, without GPUs",
        types=("ml.m5.xlarge",),
        cluster={"topologyKey": "kubernetes.io/hostname", "resources": {"requests": {"cpu": 2}}},
        count=2,
        field="spec.cluster.topologyKey",
        says="has room for 2 such pods",
    ),
    Case(
        reason="an affinity that is none",
        cluster={"affinity": {"nodeAffinity": []}},
        field="spec.cluster.affinity.nodeAffinity",
        says="must be an object",
    ),
    Case(
        reason="expressions that are none",
        cluster={
            "affinity": {
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": 1}]}
                }
            }
        },
        field=(
            "spec.cluster.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution"
            ".nodeSelectorTerms[0].matchExpressions"
        ),
        says="must be a list",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.reason for case in CASES])
def test_refusals(case: Case) -> None:
    with pytest.raises(SpecError) as raised:
        placed(*case.types, count=case.count, **case.cluster)
    assert raised.value.field == case.field
    assert case.says in raised.value.message


def test_a_type_that_has_no_room_beside_the_nodes_daemons() -> None:
    settings = PlacementSettings(daemons_mebibytes=4096)
    with pytest.raises(SpecError, match="take a larger instance type") as raised:
        placed("ml.t3.medium", settings=settings)
    assert raised.value.field == "spec.resourceConfig.instanceType"
