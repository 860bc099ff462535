"""What is asked of the placement, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacementSettings:
    """What the operator's settings say about the cluster's nodes.

    Attributes:
        daemons_millicores: processors kept free on every node for DaemonSets, in thousandths.
        daemons_mebibytes: memory kept free for them.
        tolerations: further taints that every job tolerates, as in a Pod.
    """

    daemons_millicores: int = 500
    daemons_mebibytes: int = 768
    tolerations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacementRequest:
    """A job to be placed.

    Attributes:
        instance_types: as the manifest has them, with or without ``ml.``; several mean any of them.
        instance_count: pods of the job, one for each of SageMaker's instances.
        cluster: ``spec.cluster`` as the manifest has it; may be empty.
        spot: ``spec.enableManagedSpotTraining``.
        namespace: of the pods.
        labels: labels that select the pods of this job and no others.
        settings: the operator's.
        types_field: where the manifest names the instance types, unless ``spec.cluster`` does.
        count_field: where it says how many.
    """

    instance_types: tuple[str, ...]
    instance_count: int
    cluster: Mapping[str, Any]
    spot: bool
    namespace: str
    labels: Mapping[str, str]
    settings: PlacementSettings = field(default_factory=PlacementSettings)
    types_field: str = "spec.resourceConfig.instanceType"
    count_field: str = "spec.resourceConfig.instanceCount"


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """How the pods of a job are written so that they run where they should.

    Attributes:
        resources: ``{"requests": {...}, "limits": {...}}`` of the training container.
        node_selector: the pods' nodeSelector.
        affinity: the pods' affinity; may be empty.
        tolerations: the pods' tolerations.
        priority_class: the pods' priorityClassName.
        shared_memory: sizeLimit of an emptyDir with medium Memory at /dev/shm; it counts as the container's memory.
        hugepages: the container's hugepages-2Mi, which stands in resources too; None unless the manifest asks.
        environment: what the container needs in its environment; the job's own variables win.
        instance_type: the first choice, as SageMaker has it, for resourceconfig.json.
        gpus: GPUs, or MIG devices, of one pod, as SM_NUM_GPUS says.
        neurons: NeuronCores of one pod, as the runtime counts them and SM_NUM_NEURONS says.
        cpus: processors of one pod, as SM_NUM_CPUS says.
        lines: what the cluster must have for this, in words.
    """

    resources: Mapping[str, Any]
    node_selector: Mapping[str, str]
    affinity: Mapping[str, Any]
    tolerations: tuple[Mapping[str, Any], ...]
    priority_class: str | None
    shared_memory: str | None
    hugepages: str | None
    environment: Mapping[str, str]
    instance_type: str
    gpus: int
    neurons: int
    cpus: int
    lines: tuple[str, ...] = ()

    @property
    def processes_per_node(self) -> int:
        """Return how many processes torchrun or MPI starts in one pod: one for each accelerator, else one."""
        return self.gpus or self.neurons or 1
