"""What Kubernetes' scheduler makes of nodeSelector, nodeAffinity and tolerations, for one node."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagebridge.core.placement import InstanceType, Placement

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"

Labels = Mapping[str, str]


def may_run(placement: Placement, labels: Labels, taints: Sequence[Mapping[str, str]] = ()) -> bool:
    """Whether a pod of the placement may run on a node with these labels and taints."""
    selected = all(labels.get(label) == value for label, value in placement.node_selector.items())
    return selected and fits_affinity(placement, labels) and all(tolerated(placement, taint) for taint in taints)


def fits_affinity(placement: Placement, labels: Labels) -> bool:
    terms = placement.affinity["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
    return any(all(holds(each, labels) for each in term["matchExpressions"]) for term in terms)


def score(placement: Placement, labels: Labels) -> int:
    """How much the pods like a node."""
    preferences = placement.affinity["nodeAffinity"].get(PREFERRED, [])
    return sum(
        each["weight"]
        for each in preferences
        if all(holds(expression, labels) for expression in each["preference"]["matchExpressions"])
    )


def holds(expression: Mapping[str, Any], labels: Labels) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise AssertionError(expression)


def tolerated(placement: Placement, taint: Mapping[str, str]) -> bool:
    return any(
        each["key"] == taint["key"]
        and (each["operator"] == "Exists" or each.get("value") == taint.get("value"))
        and each.get("effect", taint["effect"]) == taint["effect"]
        for each in placement.tolerations
    )


def managed_node_group(found: InstanceType, *, spot: bool = False, **more: str) -> Labels:
    return {
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": found.name,
        "eks.amazonaws.com/nodegroup": "training",
        "eks.amazonaws.com/capacityType": "SPOT" if spot else "ON_DEMAND",
        **more,
    }


def karpenter(found: InstanceType, *, spot: bool = False) -> Labels:
    return _karpenter("karpenter.k8s.aws", found, spot=spot)


def auto_mode(found: InstanceType, *, spot: bool = False) -> Labels:
    return {**_karpenter("eks.amazonaws.com", found, spot=spot), "eks.amazonaws.com/compute-type": "auto"}


def _karpenter(group: str, found: InstanceType, *, spot: bool) -> Labels:
    labels = {
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": found.name,
        "karpenter.sh/capacity-type": "spot" if spot else "on-demand",
        f"{group}/instance-family": found.family,
    }
    if found.gpu:
        labels |= {
            f"{group}/instance-gpu-name": found.gpu.instance_gpu_name,
            f"{group}/instance-gpu-count": str(found.gpus),
        }
    return labels


def hyperpod(found: InstanceType, *, health: str = "Schedulable") -> Labels:
    return {
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": f"ml.{found.name}",
        "sagemaker.amazonaws.com/node-health-status": health,
    }


def self_managed(found: InstanceType, *, spot: bool = False) -> Labels:
    lifecycle = {"node.kubernetes.io/lifecycle": "spot"} if spot else {}
    return {"kubernetes.io/arch": "amd64", "node.kubernetes.io/instance-type": found.name, **lifecycle}


def on_premises(product: str, **more: str) -> Labels:
    return {"kubernetes.io/arch": "amd64", "nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": product, **more}
