"""EFA: the network between the nodes of a job, and what it needs beside its interfaces.

EFA is asked for where a job of several pods takes whole nodes of a type that is made for it: those of the families p
and trn. Others have it as an option that few node groups take, so there it must be asked for.

Sources:
    https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html
    https://docs.aws.amazon.com/eks/latest/userguide/device-management-efa.html
    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa.html#efa-instance-types (which can read by RDMA)
    https://github.com/ofiwg/libfabric/blob/main/man/fi_efa.7.md (FI_EFA_USE_HUGE_PAGE)
    https://karpenter.sh/docs/concepts/nodeoverlays/
    https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/configuration-guide.html (CCOM_SOCKET_IFNAME)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.fitting import fitting_types, named

if TYPE_CHECKING:
    from sagebridge.core.placement.asked import Accelerators
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.training.section import Section

INTERFACE: Final = "eth0"
"""Of a pod, as Kubernetes' network plugins name it."""

_MADE_FOR_EFA: Final = ("p", "trn")
_WITHOUT_RDMA_READ: Final = ("p3dn",)


def with_efa(
    given: Mapping[str, int], found: Candidates, *, asked: Accelerators, instance_count: int, cluster: Section
) -> dict[str, int]:
    """Return the extended resources with accelerators and EFA; without those of which 0 are asked for.

    Huge pages are left to the manifest, as in AWS's examples of training with EFA; its test of NCCL asks for some. With
    FI_EFA_FORK_SAFE, which `environment` sets, EFA does without, and Karpenter by itself starts no node for them:
    https://github.com/aws-samples/awsome-distributed-training/tree/main/3.test_cases/pytorch/FSDP/kubernetes
    https://docs.aws.amazon.com/eks/latest/best-practices/aiml-networking.html

    Raises:
        SpecError: more EFA interfaces are asked for than a type has.
    """
    devices = dict(given)
    if asked.resource:
        devices = {asked.resource: asked.count} | devices
    types = () if found.by_product else found.known
    most = min((each.efa for each in types), default=None)
    made_for_it = all(each.family.startswith(_MADE_FOR_EFA) for each in types)
    if most and made_for_it and asked.whole_node and instance_count > 1:
        devices.setdefault(extended.EFA, most)
    count = devices.get(extended.EFA, 0)
    if most is not None and count > most:
        _refuse(found, most, count, cluster)
    return {name: number for name, number in devices.items() if number}


def _refuse(found: Candidates, most: int, count: int, cluster: Section) -> None:
    resources = cluster.section("resources")
    part = "limits" if extended.EFA in resources.section("limits").values else "requests"
    short = next(each for each in found.known if each.efa == most)
    fitting = fitting_types(gpus=min(1, short.gpus), neuron_devices=min(1, short.neuron_devices), efa=count)
    has = f"{most} EFA interface{'' if most == 1 else 's'}" if most else "no EFA"
    message = f"{short.name} has {has}, {count} asked for: {named(fitting, like=short.name)}"
    raise SpecError(resources.section(part).field(extended.EFA), message)


def environment(found: Candidates, asked: Accelerators, devices: Mapping[str, int]) -> dict[str, str]:
    """Return what libraries must be told of the network and of the accelerators."""
    variables: dict[str, str] = {}
    if asked.gpus:
        variables["NCCL_SOCKET_IFNAME"] = INTERFACE
    if asked.neurons:
        variables["CCOM_SOCKET_IFNAME"] = INTERFACE
        grouped = {each.neuron.physical_cores // each.neuron.cores for each in found.known if each.neuron} - {1}
        variables |= {"NEURON_LOGICAL_NC_CONFIG": str(max(grouped))} if grouped else {}
    if extended.EFA in devices:
        variables |= {"FI_PROVIDER": "efa", "FI_EFA_FORK_SAFE": "1"}
        if found.known and all(_reads_by_rdma(each.family) for each in found.known):
            variables["FI_EFA_USE_DEVICE_RDMA"] = "1"
    return variables


def _reads_by_rdma(family: str) -> bool:
    """Whether libfabric may be told to use RDMA; where the interface can't, it would end the process."""
    return family.startswith(_MADE_FOR_EFA) and family not in _WITHOUT_RDMA_READ


def lines(devices: Mapping[str, int]) -> Iterator[str]:
    """Say what the cluster must have for EFA, and for the huge pages that are asked for."""
    if extended.EFA in devices:
        yield (
            f"Each pod asks for {extended.EFA}: {devices[extended.EFA]}: the nodes need EFA interfaces and the EFA "
            f"device plugin; to do without, set {extended.EFA}: 0 in spec.cluster.resources.limits"
        )
    if extended.HUGEPAGES in devices:
        yield (
            f"Karpenter starts nodes for {extended.HUGEPAGES} only where a NodeOverlay says that they have some; "
            f"to do without, remove {extended.HUGEPAGES} from spec.cluster.resources"
        )
