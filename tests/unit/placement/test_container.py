"""Requests and limits, /dev/shm, EFA and huge pages, the environment."""

from typing import Any

import pytest

from tests.unit.placement.jobs import placed, requests

EFA, PAGES = "vpc.amazonaws.com/efa", "hugepages-2Mi"
NO_EFA = {"resources": {"limits": {EFA: 0}}}


@pytest.mark.parametrize(
    ("resources", "asked", "limits", "reason"),
    [
        ({}, ("3320m", "13138Mi"), {"memory": "13138Mi"}, "memory is limited, processors are not"),
        ({"requests": {"cpu": 2}}, ("2", "13138Mi"), {"memory": "13138Mi"}, "one of them overridden"),
        ({"requests": {"memory": "2Gi"}}, ("3320m", "2Gi"), {"memory": "2Gi"}, "the limit follows"),
        ({"limits": {"memory": "4Gi"}}, ("3320m", "4Gi"), {"memory": "4Gi"}, "the request follows"),
        ({"limits": {"cpu": "2"}}, ("2", "13138Mi"), {"cpu": "2", "memory": "13138Mi"}, "the request follows here too"),
        (
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "8Gi", "cpu": 2}},
            ("2", "1Gi"),
            {"cpu": "2", "memory": "8Gi"},
            "both",
        ),
        (
            {"limits": {"memory": "16Gi", "cpu": 4}},
            ("3320m", "13138Mi"),
            {"cpu": "4", "memory": "16Gi"},
            "a limit of all the instance has asks for no more than the node gives",
        ),
        (
            {"requests": {"ephemeral-storage": "100Gi"}},
            ("3320m", "13138Mi"),
            {"memory": "13138Mi"},
            "others stay as they are",
        ),
        ({"requests": {"cpu": None}, "limits": None}, ("3320m", "13138Mi"), {"memory": "13138Mi"}, "nulls"),
    ],
)
def test_overrides(resources: dict[str, Any], asked: tuple[str, str], limits: dict[str, str], reason: str) -> None:
    placement = placed("ml.m5.xlarge", resources=resources)
    assert (requests(placement)["cpu"], requests(placement)["memory"]) == asked, reason
    assert placement.resources["limits"] == limits, reason


def test_what_is_given_beside_is_kept() -> None:
    asked = {"requests": {"ephemeral-storage": "100Gi"}}
    assert requests(placed("ml.m5.xlarge", resources=asked))["ephemeral-storage"] == "100Gi"


def test_shared_memory_is_half_of_the_memory() -> None:
    assert placed("ml.m5.xlarge").shared_memory == "6569Mi"
    assert placed("ml.m5.xlarge", resources={"limits": {"memory": "8Gi"}}).shared_memory == "4096Mi"


@pytest.mark.parametrize(
    ("types", "fields", "interfaces", "reason"),
    [
        (("ml.p4d.24xlarge",), {"count": 2}, "4", "several whole nodes of a type that is made for EFA"),
        (("ml.p4d.24xlarge",), {}, None, "one node has nobody to talk to"),
        (("ml.p4d.24xlarge",), {"count": 2, "gpu": {"count": 4}}, None, "a part of the node"),
        (("ml.p4d.24xlarge",), {"count": 2, **NO_EFA}, None, "told not to"),
        (("ml.p5.48xlarge", "ml.p4d.24xlarge"), {"count": 2}, "4", "as many as all of the types have"),
        (("ml.p3.16xlarge", "ml.p3dn.24xlarge"), {"count": 2}, None, "one of the types has none"),
        (("ml.trn1.32xlarge",), {"count": 2}, "8", "Trainium"),
        (("ml.trn1.2xlarge",), {"count": 2}, None, "the small Trainium has none"),
        (("ml.g5.48xlarge",), {"count": 2}, None, "an option that few node groups take"),
        (("ml.g5.48xlarge",), {"resources": {"limits": {EFA: 1}}}, "1", "asked for"),
        (("ml.p5.48xlarge",), {"resources": {"limits": {EFA: 16}}, "count": 2}, "16", "fewer"),
        (("ml.m6i.32xlarge",), {"count": 2}, None, "no accelerators"),
    ],
)
def test_efa(types: tuple[str, ...], fields: dict[str, Any], interfaces: str | None, reason: str) -> None:
    placement = placed(*types, **fields)
    assert requests(placement).get(EFA) == interfaces, reason
    assert placement.resources["limits"].get(EFA) == interfaces, reason
    assert placement.hugepages is None
    assert PAGES not in requests(placement)
    assert ("FI_PROVIDER" in placement.environment) is (interfaces is not None)
    assert any("EFA device plugin" in line for line in placement.lines) is (interfaces is not None)


def test_huge_pages_are_asked_for_where_the_manifest_does() -> None:
    """Karpenter starts no node for them by itself, and with FI_EFA_FORK_SAFE EFA does without."""
    without = placed("ml.p4d.24xlarge", count=2)
    assert without.environment["FI_EFA_FORK_SAFE"] == "1"
    assert not any(PAGES in line for line in without.lines)
    given = placed("ml.p4d.24xlarge", count=2, resources={"limits": {PAGES: "5Gi"}})
    assert (given.hugepages, requests(given)[PAGES]) == ("5120Mi", "5120Mi")
    assert any("NodeOverlay" in line for line in given.lines)


def test_memory_leaves_the_huge_pages_alone() -> None:
    with_pages, without = placed("ml.p4d.24xlarge", count=2), placed("ml.p4d.24xlarge")
    apart = int(requests(without)["memory"].removesuffix("Mi")) - int(requests(with_pages)["memory"].removesuffix("Mi"))
    assert apart == 2 * 5128


EFA_VARIABLES = {"FI_PROVIDER": "efa", "FI_EFA_FORK_SAFE": "1"}


@pytest.mark.parametrize(
    ("types", "fields", "environment", "reason"),
    [
        (("ml.m5.xlarge",), {"count": 2}, {}, "nothing to be told"),
        (("ml.g5.xlarge",), {}, {"NCCL_SOCKET_IFNAME": "eth0"}, "NCCL finds the pod's interface"),
        (
            ("ml.p4d.24xlarge",),
            {"count": 2},
            {"NCCL_SOCKET_IFNAME": "eth0", "FI_EFA_USE_DEVICE_RDMA": "1", **EFA_VARIABLES},
            "EFA with RDMA",
        ),
        (
            ("ml.p3dn.24xlarge",),
            {"count": 2},
            {"NCCL_SOCKET_IFNAME": "eth0", **EFA_VARIABLES},
            "no RDMA: it would abort",
        ),
        (
            ("ml.g5.48xlarge",),
            {"resources": {"limits": {EFA: 1}}},
            {"NCCL_SOCKET_IFNAME": "eth0", **EFA_VARIABLES},
            "no RDMA: it would abort",
        ),
        (("ml.trn1.2xlarge",), {}, {"CCOM_SOCKET_IFNAME": "eth0"}, "Neuron's collectives"),
        (
            ("ml.trn2.48xlarge",),
            {},
            {"CCOM_SOCKET_IFNAME": "eth0", "NEURON_LOGICAL_NC_CONFIG": "2"},
            "as many processes as we count",
        ),
    ],
)
def test_environment(types: tuple[str, ...], fields: dict[str, Any], environment: dict[str, str], reason: str) -> None:
    assert placed(*types, **fields).environment == environment, reason


def test_the_priority_class_is_the_manifests() -> None:
    assert placed("ml.m5.xlarge", priorityClassName="research").priority_class == "research"
    assert placed("ml.m5.xlarge").priority_class is None
