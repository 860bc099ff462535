"""What a manifest says of accelerators, and what that comes to for each pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.fitting import named
from sagebridge.core.placement.quantity import whole

if TYPE_CHECKING:
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.training.section import Section


@dataclass(frozen=True, kw_only=True, slots=True)
class Accelerators:
    """What each pod asks for.

    Attributes:
        resource: the extended resource; None for none.
        count: how many.
        shares: which part of a node's processors and memory goes with them, by instance type; all where not named.
        whole_node: whether no accelerator of the node is left for others.
        gpus: GPUs or MIG devices, as processes count them.
        neurons: NeuronCores, as processes count them.
    """

    resource: str | None = None
    count: int = 0
    shares: Mapping[str, Fraction] = field(default_factory=dict)
    whole_node: bool = True
    gpus: int = 0
    neurons: int = 0

    def share(self, instance_type: str) -> Fraction:
        """Return which part of a node of the type goes with them."""
        return self.shares.get(instance_type, Fraction(1))

    @property
    def is_mig(self) -> bool:
        """Whether they are MIG devices."""
        return self.resource is not None and extended.mig_profile(self.resource) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What the manifest says: the resource, how many, whether shared ones will do, and where each stands."""

    resource: str | None
    count: int | None
    shared: bool
    resource_field: str
    count_field: str


def read(cluster: Section) -> Asked:
    """Return what ``spec.cluster`` says of accelerators, in gpu and in resources.

    Raises:
        SpecError: the two contradict each other, or ask for two kinds.
    """
    gpu = cluster.section("gpu")
    count, name = gpu.number("count"), gpu.text("resourceName")
    if count is not None and count < 0:
        raise SpecError(gpu.field("count"), f"{count} is negative: give the number for each pod")
    asked = Asked(
        resource=name or None,
        count=count,
        shared=gpu.flag("allowShared"),
        resource_field=gpu.field("resourceName"),
        count_field=gpu.field("count"),
    )
    for part in ("requests", "limits"):
        asked = _joined(asked, cluster.section("resources").section(part))
    return asked


def _joined(asked: Asked, resources: Section) -> Asked:
    """Return what is asked for in the resources too, which must not say another thing."""
    for name, value in resources.values.items():
        if value is None or not extended.is_accelerator(name):
            continue
        field, count = resources.field(name), whole(value, resources.field(name))
        if asked.resource not in {None, name}:
            message = f"can't be asked for together with {asked.resource}: keep one of them"
            raise SpecError(field, message)
        if asked.count not in {None, count}:
            raise SpecError(field, f"{count} contradicts the {asked.count} of {asked.count_field}: give it once")
        asked = Asked(resource=name, count=count, shared=asked.shared, resource_field=field, count_field=field)
    return asked


def check_count(found: Candidates, asked: Asked, count: int, fitting: tuple[str, ...]) -> None:
    """Refuse more accelerators than each of the instance types has."""
    short = next((each for each in found.known if each.count < count), None)
    if short is not None:
        what = f"{short.count} {'GPU' if short.gpu else 'Neuron device'}{'' if short.count == 1 else 's'}"
        message = f"{short.name} has {what}, fewer than the {count} asked for: {named(fitting, like=short.name)}"
        size = ", or give cpu and memory in spec.cluster.resources.requests" if found.by_product else ""
        raise SpecError(asked.count_field, message + size)
