"""What holds for whatever is asked: it is refused by name, or it can run."""

from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sagebridge.core.errors import SpecError
from sagebridge.core.placement import (
    InstanceType,
    Placement,
    PlacementRequest,
    explain,
    find,
    known_types,
    place,
)
from sagebridge.core.placement.extended import is_extended
from sagebridge.core.placement.headroom import allocatable
from sagebridge.core.placement.quantity import MEBIBYTE, parse

from tests.unit.placement import scheduling
from tests.unit.placement.jobs import job

RESOURCES = [
    "nvidia.com/gpu",
    "nvidia.com/gpu.shared",
    "nvidia.com/mig-1g.5gb",
    "nvidia.com/mig-1g.10gb",
    "nvidia.com/mig-7g.141gb",
    "aws.amazon.com/neuron",
    "aws.amazon.com/neuroncore",
    "vpc.amazonaws.com/efa",
    "hugepages-2Mi",
    "example.com/fpga",
    "cpu",
    "memory",
    "ephemeral-storage",
]
FAMILIES = ["p3.", "p4d", "p5", "g4dn", "g5.", "g6e", "trn", "inf2", "m5.", "c6i", "t3"]
PRODUCTS = ["NVIDIA-A10G", "NVIDIA-H100-80GB-HBM3", "NVIDIA-RTX-A6000", "Tesla-T4-SHARED"]
SELECTORS = [
    {"node.kubernetes.io/instance-type": "g5.12xlarge"},
    {"karpenter.k8s.aws/instance-family": "g5"},
    {"karpenter.sh/capacity-type": "spot"},
    {"eks.amazonaws.com/capacityType": "ON_DEMAND"},
    {"team": "a"},
]
relaxed = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


def instance_types() -> st.SearchStrategy[tuple[str, ...]]:
    """Types of one family, which often agree, or of any."""
    names = sorted(known_types())
    of_family = st.sampled_from(FAMILIES).flatmap(
        lambda family: st.sampled_from([name for name in names if name.startswith(family)])
    )
    return st.lists(of_family | st.sampled_from(names), min_size=1, max_size=2).map(tuple)


def amounts() -> st.SearchStrategy[Any]:
    return st.sampled_from([0, 1, 2, 4, 8, 16, "1", "500m", "2Gi", "64Gi", "100G", "1e3", "5120Mi"])


def quantities() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(RESOURCES), amounts(), max_size=3)


def clusters() -> st.SearchStrategy[dict[str, Any]]:
    gpu = st.fixed_dictionaries(
        {},
        optional={
            "resourceName": st.sampled_from(RESOURCES[:7]),
            "count": st.integers(0, 17),
            "product": st.sampled_from(PRODUCTS),
            "allowShared": st.booleans(),
        },
    )
    return st.fixed_dictionaries(
        {},
        optional={
            "gpu": gpu,
            "resources": st.fixed_dictionaries({}, optional={"requests": quantities(), "limits": quantities()}),
            "spot": st.sampled_from(["Require", "Prefer", "Avoid"]),
            "topologyKey": st.sampled_from(["topology.kubernetes.io/zone", "kubernetes.io/hostname"]),
            "nodeSelector": st.sampled_from(SELECTORS),
        },
    )


def asked_for() -> st.SearchStrategy[PlacementRequest]:
    return st.builds(
        lambda types, count, spot, cluster: job(*types, count=count, managed_spot=spot, **cluster),
        instance_types(),
        st.integers(1, 4),
        st.booleans(),
        clusters(),
    )


def outcome(request: PlacementRequest) -> Placement | SpecError:
    try:
        return place(request)
    except SpecError as error:
        return error


def accepted(request: PlacementRequest) -> Placement:
    result = outcome(request)
    assume(isinstance(result, Placement))
    assert isinstance(result, Placement)
    return result


@relaxed
@given(request=asked_for())
def test_what_is_refused_is_named(request: PlacementRequest) -> None:
    result = outcome(request)
    if isinstance(result, SpecError):
        assert result.field.startswith(("spec.resourceConfig.", "spec.cluster."))
        assert result.message


@relaxed
@given(request=asked_for())
def test_devices_are_the_same_in_requests_and_limits(request: PlacementRequest) -> None:
    placement = accepted(request)
    asked, limits = placement.resources["requests"], placement.resources["limits"]
    extended = {name: amount for name, amount in asked.items() if is_extended(name)}
    assert {name: amount for name, amount in limits.items() if is_extended(name)} == extended
    assert all(parse(amount, name) > 0 for name, amount in extended.items())
    assert all(parse(asked[name], name) <= parse(limits[name], name) for name in limits)
    assert set(limits) <= set(asked)


@relaxed
@given(request=asked_for())
def test_mig_devices_and_whole_gpus_are_never_mixed(request: PlacementRequest) -> None:
    names = [name for name in accepted(request).resources["requests"] if name.startswith("nvidia.com/")]
    assert len(names) <= 1


@relaxed
@given(request=asked_for())
def test_there_is_a_process_for_each_accelerator_and_at_least_one(request: PlacementRequest) -> None:
    placement = accepted(request)
    devices = [
        int(amount)
        for name, amount in placement.resources["requests"].items()
        if name.startswith(("nvidia.com/", "aws.amazon.com/"))
    ]
    assert placement.processes_per_node >= max(1, *devices, 1)
    assert placement.cpus >= 1


def allowed_types(request: PlacementRequest, placement: Placement) -> list[InstanceType]:
    """The types of the request on whose nodes the pods may run."""
    selector = {label: value for label, value in placement.node_selector.items() if "instance" not in label}
    found = [each for name in request.instance_types if (each := find(name))]
    return [
        each
        for each in found
        if any(scheduling.may_run(placement, {**node, **selector, **selected(each, placement)}) for node in nodes(each))
    ]


def nodes(found: InstanceType) -> list[scheduling.Labels]:
    makers = (scheduling.managed_node_group, scheduling.karpenter, scheduling.auto_mode, scheduling.self_managed)
    return [maker(found, spot=spot) for maker in makers for spot in (True, False)]


def selected(found: InstanceType, placement: Placement) -> dict[str, str]:
    families = {"karpenter.k8s.aws/instance-family": found.family}
    return {label: value for label, value in families.items() if label in placement.node_selector}


@relaxed
@given(request=asked_for())
def test_a_node_of_each_type_that_may_run_it_can(request: PlacementRequest) -> None:
    """Its processors and memory are enough, for the pod alone; so are its devices."""
    placement = accepted(request)
    asked = {name: parse(amount, name) for name, amount in placement.resources["requests"].items()}
    for found in allowed_types(request, placement):
        node = allocatable(found, hugepages="vpc.amazonaws.com/efa" in asked)
        assert asked["cpu"] * 1000 <= node.millicores
        assert asked["memory"] / MEBIBYTE <= node.mebibytes
        assert asked.get("nvidia.com/gpu", 0) <= found.gpus
        assert asked.get("aws.amazon.com/neuron", 0) <= found.neuron_devices
        assert asked.get("aws.amazon.com/neuroncore", 0) <= found.neuron_cores
        assert asked.get("vpc.amazonaws.com/efa", 0) <= found.efa


@relaxed
@given(request=asked_for())
def test_there_is_a_node_on_which_it_may_run(request: PlacementRequest) -> None:
    """A type of the request whose nodes will do, unless the nodes are found by a product that none of them has."""
    placement = accepted(request)
    product = (request.cluster.get("gpu") or {}).get("product")
    elsewhere = product is not None and scheduling.may_run(
        placement, {**scheduling.on_premises(product), **placement.node_selector}
    )
    spot_elsewhere = product is not None and request.cluster.get("spot") == "Require"
    labels_only = request.cluster.get("nodeSelector", {}).get("node.kubernetes.io/instance-type")
    assert allowed_types(request, placement) or elsewhere or spot_elsewhere or labels_only


@relaxed
@given(request=asked_for())
def test_several_whole_nodes_are_several_nodes(request: PlacementRequest) -> None:
    placement = accepted(request)
    assume(request.instance_count > 1)
    whole = all(
        placement.gpus + placement.neurons == each.gpus + each.neuron_cores
        for name in request.instance_types
        if (each := find(name))
    )
    if "podAntiAffinity" in placement.affinity:
        assert request.cluster.get("topologyKey") != "kubernetes.io/hostname"
        assert whole or "nodeSelector" in request.cluster or "product" in request.cluster["gpu"]


@relaxed
@given(request=asked_for())
def test_no_gpu_job_tolerates_less_and_no_other_job_more(request: PlacementRequest) -> None:
    placement = accepted(request)
    taint = {"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}
    wants = any(name.startswith("nvidia.com/") for name in placement.resources["requests"])
    assert scheduling.tolerated(placement, taint) is wants


@relaxed
@given(request=asked_for())
def test_a_placement_can_explain_itself(request: PlacementRequest) -> None:
    assert explain(accepted(request)).startswith("each pod asks for cpu ")


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 100) | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = [
    "instanceTypes",
    "nodeSelector",
    "tolerations",
    "affinity",
    "priorityClassName",
    "resources",
    "gpu",
    "spot",
    "topologyKey",
]


@relaxed
@given(types=instance_types(), cluster=st.dictionaries(st.sampled_from(FIELDS), anything, max_size=3))
def test_nonsense_is_refused_by_name_or_accepted_but_never_crashes(
    types: tuple[str, ...], cluster: dict[str, Any]
) -> None:
    result = outcome(job(*types, **cluster))
    if isinstance(result, SpecError):
        assert result.field.startswith("spec.")
