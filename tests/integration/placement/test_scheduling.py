"""Placements before the real API server and the real scheduler."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import kubernetes
import pytest
from sagebridge.core.placement import PlacementRequest, PlacementSettings, place

from tests.integration.placement.cluster import TOLERATIONS, Cluster, Node, known
from tests.unit.placement import scheduling
from tests.unit.placement.test_goldens import JOBS

H100 = "NVIDIA-H100-80GB-HBM3"
EFA = "vpc.amazonaws.com/efa"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"


def group(name: str, *, spot: bool = False, **more: str) -> Mapping[str, str]:
    return scheduling.managed_node_group(known(name), spot=spot, **more)


def labelled(product: str, *, sharing: str = "none") -> dict[str, str]:
    return {"nvidia.com/gpu.product": product, "nvidia.com/gpu.sharing-strategy": sharing}


def nodes() -> tuple[Node, ...]:
    g5, p4d = known("g5.12xlarge"), known("p4d.24xlarge")
    gpu = {"nvidia.com/gpu": "true"}
    efa = {**gpu, EFA: "present"}
    return (
        Node(name="g5-group", instance_type="g5.12xlarge", labels=group("g5.12xlarge") | labelled("NVIDIA-A10G")),
        Node(
            name="g5-spot",
            instance_type="g5.12xlarge",
            labels=scheduling.karpenter(g5, spot=True),
            taints={**gpu, "karpenter.sh/capacity-type": "spot"},
        ),
        Node(
            name="g5-shared",
            instance_type="g5.12xlarge",
            labels=group("g5.12xlarge") | labelled("NVIDIA-A10G-SHARED", sharing="time-slicing"),
            devices={"nvidia.com/gpu": 16},
            taints=gpu,
        ),
        Node(
            name="p4d-one",
            instance_type="p4d.24xlarge",
            labels=scheduling.hyperpod(p4d),
            hugepages=True,
            taints=efa,
            zone="a",
        ),
        Node(
            name="p4d-two",
            instance_type="p4d.24xlarge",
            labels=scheduling.hyperpod(p4d),
            hugepages=True,
            taints=efa,
            zone="b",
        ),
        Node(
            name="p4d-unwell",
            instance_type="p4d.24xlarge",
            labels=scheduling.hyperpod(p4d, health="UnschedulablePendingReboot"),
            hugepages=True,
        ),
        Node(
            name="p4d-mig",
            instance_type="p4d.24xlarge",
            labels=group("p4d.24xlarge") | {"nvidia.com/mig.strategy": "mixed"},
            devices={"nvidia.com/mig-1g.5gb": 56},
            taints=gpu,
        ),
        Node(
            name="trn1",
            instance_type="trn1.32xlarge",
            labels=scheduling.auto_mode(known("trn1.32xlarge")),
            taints={"aws.amazon.com/neuron": "true"},
        ),
        Node(name="m5-a", instance_type="m5.xlarge", labels=group("m5.xlarge"), zone="a"),
        Node(name="m5-b", instance_type="m5.xlarge", labels=scheduling.karpenter(known("m5.xlarge")), zone="b"),
        Node(name="m5-c", instance_type="m5.2xlarge", labels=group("m5.2xlarge"), zone="b"),
        Node(
            name="elsewhere",
            instance_type="p5.48xlarge",
            labels=scheduling.on_premises(H100, **{"nvidia.com/gpu.sharing-strategy": "none"}),
            taints=gpu,
        ),
    )


@pytest.fixture(scope="module")
def cluster(kube: kubernetes.client.ApiClient) -> Iterator[Cluster]:
    name = f"test-{secrets.token_hex(5)}"
    core = kubernetes.client.CoreV1Api(kube)
    core.create_namespace({"metadata": {"name": name}})
    made = Cluster(client=kube, namespace=name, nodes=nodes())
    made.start()
    yield made
    made.stop()
    core.delete_namespace(name)


@pytest.mark.parametrize("name", JOBS)
def test_the_api_server_takes_every_golden(cluster: Cluster, name: str) -> None:
    cluster.check(place(JOBS[name]))


# instance types, pods, spec.cluster; on which nodes each may come, none where that is impossible
CASES: list[tuple[str, tuple[str, ...], int, dict[str, Any], set[str]]] = [
    ("GPUs", ("ml.g5.12xlarge",), 1, {}, {"g5-group"}),
    ("spot GPUs", ("ml.g5.12xlarge",), 1, {"spot": "Require"}, {"g5-spot"}),
    ("spot GPUs rather than others", ("ml.g5.12xlarge",), 1, {"spot": "Prefer"}, {"g5-spot"}),
    ("a second whole node that there is not", ("ml.g5.12xlarge",), 2, {}, {"g5-group", ""}),
    ("parts of one node", ("ml.g5.12xlarge",), 4, {"gpu": {"count": 1}, "topologyKey": HOST}, {"g5-group"}),
    ("a fifth part of four", ("ml.g5.12xlarge",), 5, {"gpu": {"count": 1}}, {"g5-group", ""}),
    (
        "a shared GPU",
        ("ml.g5.12xlarge",),
        1,
        {
            "gpu": {"allowShared": True, "product": "NVIDIA-A10G-SHARED"},
            "nodeSelector": {"nvidia.com/gpu.sharing-strategy": "time-slicing"},
        },
        {"g5-shared"},
    ),
    ("HyperPod with EFA", ("ml.p4d.24xlarge",), 2, {}, {"p4d-one", "p4d-two"}),
    (
        "nodes of one zone, of which there is one",
        ("ml.p4d.24xlarge",),
        2,
        {"topologyKey": ZONE},
        {"p4d-one", "p4d-two", ""},
    ),
    ("MIG devices", ("ml.p4d.24xlarge",), 3, {"gpu": {"resourceName": "nvidia.com/mig-1g.5gb"}}, {"p4d-mig"}),
    ("Neuron devices", ("ml.trn1.32xlarge",), 1, {}, {"trn1"}),
    ("no accelerators", ("ml.m5.xlarge",), 2, {}, {"m5-a", "m5-b"}),
    ("any of two types", ("ml.m5.xlarge", "ml.m5.2xlarge"), 3, {}, {"m5-a", "m5-b", "m5-c"}),
    ("one zone", ("ml.m5.xlarge", "ml.m5.2xlarge"), 2, {"topologyKey": ZONE}, {"m5-b", "m5-c"}),
    ("a product elsewhere", ("ml.p5.48xlarge",), 1, {"gpu": {"product": H100}}, {"elsewhere"}),
    ("a type that there is not", ("ml.g6.xlarge",), 1, {}, {""}),
]


@pytest.mark.parametrize(("reason", "types", "count", "fields", "expected"), CASES, ids=[case[0] for case in CASES])
def test_the_scheduler_puts_pods_where_they_should_be(
    cluster: Cluster, reason: str, types: tuple[str, ...], count: int, fields: dict[str, Any], expected: set[str]
) -> None:
    labels = {"sagebridge.io/job": f"job-{secrets.token_hex(4)}"}
    request = PlacementRequest(
        instance_types=types,
        instance_count=count,
        cluster=fields,
        spot=False,
        namespace=cluster.namespace,
        labels=labels,
        settings=PlacementSettings(tolerations=TOLERATIONS),
    )
    found = cluster.scheduled(place(request), labels=labels, count=count, some_wait="" in expected)
    assert set(found) <= expected
    assert ("" in found) is ("" in expected)
