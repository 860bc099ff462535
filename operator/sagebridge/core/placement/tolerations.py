"""Taints that the pods tolerate.

By Kubernetes' convention a taint that keeps others off a node with special devices has the name of the extended
resource. Spot nodes are tainted with the label that marks them. Taints that say a node is unfit, such as HyperPod's
sagemaker.amazonaws.com/node-health-status, are never tolerated.

Sources:
    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#extendedresourcetoleration
    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-hyperpod-eks-resiliency-node-labels.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sagebridge.core.placement import extended
from sagebridge.core.placement.labels import SPOT_VALUES

if TYPE_CHECKING:
    from sagebridge.core.placement.request import PlacementSettings
    from sagebridge.core.training.section import Section

Toleration = Mapping[str, Any]


def tolerations(
    devices: Mapping[str, int], *, spot: bool, settings: PlacementSettings, cluster: Section
) -> tuple[Toleration, ...]:
    """Return the pods' tolerations: those of devices and of spot nodes, the operator's, the manifest's; each once."""
    own = [
        {key: value for key, value in each.values.items() if value is not None}
        for each in cluster.sections("tolerations")
    ]
    distinct: list[Toleration] = []
    for toleration in (*_of_devices(devices), *_of_spot(spot), *settings.tolerations, *own):
        if toleration not in distinct:
            distinct.append(dict(toleration))
    return tuple(distinct)


def _of_devices(devices: Mapping[str, int]) -> Iterator[Toleration]:
    keys = [name for name in devices if "/" in name]
    if any(name.startswith("nvidia.com/") for name in keys):
        keys.insert(0, extended.GPU)
    if extended.NEURON_CORE in keys:
        keys.insert(0, extended.NEURON)
    for key in dict.fromkeys(keys):
        yield {"key": key, "operator": "Exists"}


def _of_spot(spot: bool) -> Iterator[Toleration]:
    if spot:
        for key, value in SPOT_VALUES.items():
            yield {"key": key, "operator": "Equal", "value": value}
