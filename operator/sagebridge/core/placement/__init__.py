"""Where the pods of a job run: from an instance type to what a pod asks of Kubernetes' scheduler, or a refusal.

It knows what AWS's instance types have, what of it a node leaves to a job, and by which labels and taints the nodes of
managed node groups, Karpenter, EKS Auto Mode, HyperPod and clusters elsewhere are told apart. It reads no cluster.

Sources:
    https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/
    https://docs.aws.amazon.com/eks/latest/userguide/ml-workload-placement.html
"""

from sagebridge.core.placement.fitting import explain, fitting_types
from sagebridge.core.placement.headroom import AGENT
from sagebridge.core.placement.instance_types import InstanceType, find, known_types, nearest
from sagebridge.core.placement.place import place
from sagebridge.core.placement.request import Placement, PlacementRequest, PlacementSettings

__all__ = [
    "AGENT",
    "InstanceType",
    "Placement",
    "PlacementRequest",
    "PlacementSettings",
    "explain",
    "find",
    "fitting_types",
    "known_types",
    "nearest",
    "place",
]
