"""Six hundred jobs, five thousand pods: what each asks for, and where its pods may be. Sizes are hosts of a job."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from scale.fleet import Node
from scale.machines import (
    C5_9,
    C7I_8,
    EFA,
    G4DN_12,
    G5_1,
    G5_12,
    G6_12,
    GPU,
    INF2_1,
    M5_4,
    MIG,
    NEURON,
    P4D,
    P4DE_MIG,
    P5,
    TRN1_32,
    Machine,
)

NAMESPACE = "scale"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own"
SUCCEEDS, FAILS = f"{IMAGE}:succeeds", f"{IMAGE}:fails"
_FAILS_EVERY = 20
# https://docs.aws.amazon.com/eks/latest/userguide/node-efa.html asks for so many huge pages in a pod with EFA.


@dataclass(frozen=True, kw_only=True)
class Sort:
    """Jobs that differ in their number of pods only.

    Attributes:
        name: what their names begin with.
        sizes: how many jobs by their number of pods.
        types: instance types that will do, the first as the manifest's own.
        devices: what of extended resources each pod must have.
        cluster: ``spec.cluster``.
        managed_spot: ``spec.enableManagedSpotTraining``.
        on_spot: whether its pods must be on spot nodes; None where both will do.
        one_a_node: whether each pod has a node of its own.
        one_zone: whether a job's pods must be in one zone.
    """

    name: str
    sizes: Mapping[int, int]
    types: tuple[Machine, ...]
    devices: Mapping[str, int] = field(default_factory=dict)
    cluster: Mapping[str, Any] = field(default_factory=dict)
    managed_spot: bool = False
    on_spot: bool | None = False
    one_a_node: bool = True
    one_zone: bool = False

    @cached_property
    def names(self) -> frozenset[str]:
        """The instance types by name."""
        return frozenset(machine.name for machine in self.types)

    def allows(self, node: Node) -> bool:
        """Whether a pod may be on a node, by its kind alone."""
        return node.is_usable and node.machine.name in self.names and self.on_spot in (None, node.is_spot)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One TrainingJob.

    Attributes:
        name: its name.
        sort: what it asks for.
        size: its number of pods.
        fails: whether its script ends with exit code 1.
    """

    name: str
    sort: Sort
    size: int
    fails: bool

    def manifest(self) -> dict[str, Any]:
        """As users write it."""
        sort = self.sort
        spec: dict[str, Any] = {
            "target": "Cluster",
            "algorithmSpecification": {"trainingImage": FAILS if self.fails else SUCCEEDS},
            "hyperParameters": {"epochs": 10},
            "inputDataConfig": [
                {"channelName": "train", "dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/data"}}}
            ],
            "resourceConfig": {"instanceType": f"ml.{sort.types[0].name}", "instanceCount": self.size},
            **({"cluster": dict(sort.cluster)} if sort.cluster else {}),
            **({"enableManagedSpotTraining": True} if sort.managed_spot else {}),
        }
        return {
            "apiVersion": "sagebridge.io/v1alpha1",
            "kind": "TrainingJob",
            "metadata": {"name": self.name, "namespace": NAMESPACE},
            "spec": spec,
        }


def _efa(machine: Machine, **devices: int) -> dict[str, int]:
    return {EFA: machine.devices[EFA], **devices}


SORTS = (
    Sort(
        name="p5",
        sizes={64: 1, 32: 3, 16: 6, 8: 10, 4: 10, 2: 10},
        types=(P5,),
        devices=_efa(P5, **{GPU: 8}),
    ),
    Sort(
        name="p4d-zone",
        sizes={32: 1, 16: 6, 8: 12, 4: 15, 2: 6},
        types=(P4D,),
        devices=_efa(P4D, **{GPU: 8}),
        cluster={"topologyKey": "topology.kubernetes.io/zone"},
        one_zone=True,
    ),
    Sort(
        name="mig",
        sizes={64: 2, 32: 5, 16: 10, 8: 10, 1: 13},
        types=(P4DE_MIG,),
        devices={MIG: 1},
        cluster={"gpu": {"resourceName": MIG, "count": 1}},
        one_a_node=False,
    ),
    Sort(name="g5-whole", sizes={64: 1, 16: 6, 8: 12, 4: 16, 2: 10, 1: 5}, types=(G5_12,), devices={GPU: 4}),
    Sort(
        name="g5-one",
        sizes={32: 4, 16: 10, 8: 20, 4: 20, 1: 6},
        types=(G5_12,),
        devices={GPU: 1},
        cluster={"gpu": {"count": 1}},
        one_a_node=False,
    ),
    Sort(
        name="g5-spot",
        sizes={32: 4, 16: 10, 8: 16, 4: 20, 1: 20},
        types=(G5_1,),
        devices={GPU: 1},
        managed_spot=True,
        on_spot=None,
    ),
    Sort(
        name="g6-spot",
        sizes={32: 2, 16: 6, 8: 12, 4: 10, 2: 10},
        types=(G6_12,),
        devices={GPU: 4},
        cluster={"spot": "Require"},
        managed_spot=True,
        on_spot=True,
    ),
    Sort(
        name="g5-or-g6",
        sizes={16: 5, 8: 10, 4: 15, 1: 10},
        types=(G6_12, G5_12),
        devices={GPU: 4},
        cluster={"instanceTypes": ["g6.12xlarge", "g5.12xlarge"]},
    ),
    Sort(
        name="g4dn-half",
        sizes={16: 4, 8: 10, 4: 10, 2: 6},
        types=(G4DN_12,),
        devices={GPU: 2},
        cluster={"gpu": {"count": 2}},
        one_a_node=False,
    ),
    Sort(
        name="trn1",
        sizes={32: 1, 16: 4, 8: 8, 4: 12, 2: 5},
        types=(TRN1_32,),
        devices=_efa(TRN1_32, **{NEURON: 16}),
    ),
    Sort(name="inf2", sizes={16: 4, 8: 8, 4: 10, 1: 18}, types=(INF2_1,), devices={NEURON: 1}),
    Sort(name="m5", sizes={64: 1, 32: 4, 16: 8, 8: 16, 4: 19, 1: 12}, types=(M5_4,)),
    Sort(
        name="c5-part",
        sizes={64: 2, 32: 4, 16: 8, 8: 10, 1: 6},
        types=(C5_9,),
        cluster={"resources": {"requests": {"cpu": "8", "memory": "14Gi"}}},
        managed_spot=True,
        on_spot=None,
        one_a_node=False,
    ),
    Sort(name="c7i", sizes={16: 6, 8: 10, 4: 8, 2: 6}, types=(C7I_8,)),
)


def workload(*, every: int = 1, largest: int = 64) -> list[Job]:
    """The jobs in the order in which they are applied: all sorts and sizes mixed, always the same.

    Args:
        every: of each sort only each so many-th job.
        largest: no job has more pods.
    """
    by_sort = [_of_sort(sort)[::every] for sort in SORTS]
    mixed = [entry for row in itertools.zip_longest(*by_sort) for entry in row if entry is not None]
    return [
        Job(
            name=f"{sort.name}-{index:03d}",
            sort=sort,
            size=min(size, largest),
            fails=index % _FAILS_EVERY == _FAILS_EVERY - 1,
        )
        for index, (sort, size) in enumerate(mixed)
    ]


def _of_sort(sort: Sort) -> list[tuple[Sort, int]]:
    """The sort's jobs by their sizes, the largest first."""
    return [(sort, size) for size, count in sort.sizes.items() for _ in range(count)]
