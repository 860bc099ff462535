"""The instance types that a job may run on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement.instance_types import InstanceType, ec2_name, find, nearest, sagemaker_name
from sagebridge.core.placement.labels import GPU_PRODUCT, INSTANCE_TYPE, OLD_INSTANCE_TYPE, known_values
from sagebridge.core.placement.product import Product, product_of, types_with

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.core.placement.request import PlacementRequest
    from sagebridge.core.training.section import Section


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """The instance types, of which any will do.

    Attributes:
        field: where they stand in the manifest.
        names: EC2's names, the first choice first.
        known: those that are in the table, in the same order.
        product: the GPU product that the nodes must have, None for any.
        by_product: whether the nodes are found by the product alone, and the types only say how much is asked for.
    """

    field: str
    names: tuple[str, ...]
    known: tuple[InstanceType, ...]
    product: Product | None = None
    by_product: bool = False

    @property
    def first(self) -> str:
        """Return the first choice as SageMaker has it."""
        return sagemaker_name(self.names[0])


def candidates(request: PlacementRequest, cluster: Section) -> Candidates:
    """Return the instance types of the request that its nodeSelector leaves.

    Raises:
        SpecError: there are none, one is not known, or the nodeSelector excludes them all.
    """
    for_cluster = bool(cluster.values.get("instanceTypes"))
    given = _texts(cluster, "instanceTypes") if for_cluster else request.instance_types
    field = cluster.field("instanceTypes") if for_cluster else request.types_field
    names = tuple(dict.fromkeys(ec2_name(name) for name in given if name))
    if not names:
        raise SpecError(field, "is missing: name an instance type, such as ml.m5.xlarge")
    _check_known(names, field, cluster)
    product = product_of(cluster)
    having = types_with(product, names, types_field=field, for_cluster=for_cluster) if product else names
    left = _left_by_selector(having, cluster) if having else names
    sized = not having and _gives_size(cluster)
    return Candidates(
        field=field,
        names=left,
        known=() if sized else tuple(found for name in left if (found := find(name))),
        product=product,
        by_product=not having,
    )


def _texts(section: Section, key: str) -> tuple[str, ...]:
    value = section.values[key]
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise SpecError(section.field(key), "must be a list of texts, such as [g5.12xlarge]")
    return tuple(value)


def _check_known(names: tuple[str, ...], field: str, cluster: Section) -> None:
    if _gives_size(cluster):
        return
    unknown = next((name for name in names if find(name) is None), None)
    if unknown is None:
        return
    near = " or ".join(map(sagemaker_name, nearest(unknown)))
    hint = f"; did you mean {near}?" if near else "."
    other = f"For other nodes give cpu and memory in {cluster.field('resources')}.requests"
    raise SpecError(field, f"{unknown} is not known here{hint} {other}")


def _gives_size(cluster: Section) -> bool:
    """Whether the manifest says itself how much of a node it wants."""
    resources = cluster.section("resources")
    given = [resources.section(part) for part in ("requests", "limits")]
    return all(any(part.has(name) for part in given) for name in ("cpu", "memory"))


def _left_by_selector(names: tuple[str, ...], cluster: Section) -> tuple[str, ...]:
    selector = cluster.section("nodeSelector")
    left = names
    for label in selector.values:
        wanted = selector.text(label)
        matching = tuple(name for name in left if wanted is None or _can_have(name, label, wanted))
        if not matching:
            raise SpecError(
                selector.field(label), f"{wanted} excludes {_listed(left)}: remove it, or name other instance types"
            )
        left = matching
    return left


def _can_have(name: str, label: str, value: str) -> bool:
    if label in {INSTANCE_TYPE, OLD_INSTANCE_TYPE}:
        return ec2_name(value) == name
    found = find(name)
    if label == GPU_PRODUCT:
        return found is None or Product(label=value, field=label).is_of(found)
    values: Mapping[str, frozenset[str]] = known_values(found) if found else {}
    return label not in values or value in values[label]


def _listed(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"all of {', '.join(names)}"
