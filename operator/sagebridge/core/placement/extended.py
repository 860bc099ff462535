"""Kubernetes' names of what is counted in whole devices.

Sources:
    https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#extended-resources
    https://github.com/NVIDIA/k8s-device-plugin#shared-access-to-gpus
    https://docs.nvidia.com/datacenter/cloud-native/kubernetes/latest/index.html (MIG: strategy mixed)
    https://docs.aws.amazon.com/eks/latest/userguide/device-management-neuron.html
    https://docs.aws.amazon.com/eks/latest/userguide/device-management-efa.html
"""

from __future__ import annotations

from typing import Final

GPU: Final = "nvidia.com/gpu"
SHARED_GPU: Final = "nvidia.com/gpu.shared"
MIG_PREFIX: Final = "nvidia.com/mig-"
NEURON: Final = "aws.amazon.com/neuron"
NEURON_CORE: Final = "aws.amazon.com/neuroncore"
EFA: Final = "vpc.amazonaws.com/efa"
HUGEPAGES: Final = "hugepages-2Mi"
HUGEPAGES_PREFIX: Final = "hugepages-"


def is_extended(resource: str) -> bool:
    """Whether Kubernetes wants the same of it in requests and limits."""
    return "/" in resource or resource.startswith(HUGEPAGES_PREFIX)


def is_accelerator(resource: str) -> bool:
    """Whether it is a GPU, a part of one, or a Neuron device."""
    return resource in {GPU, SHARED_GPU, NEURON, NEURON_CORE} or resource.startswith(MIG_PREFIX)


def mig_profile(resource: str) -> str | None:
    """Return the MIG profile of a resource, such as 1g.5gb; None when it is no MIG device."""
    return resource.removeprefix(MIG_PREFIX) if resource.startswith(MIG_PREFIX) else None
