"""The GPU product that the nodes must have, and what that makes of the instance types.

Nodes outside AWS have no instance type that the table knows: they are found by nvidia.com/gpu.product, and the
instance type of the manifest then only says how large a part of them the job is to have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sagebridge.core.errors import SpecError
from sagebridge.core.placement.devices import GPUS
from sagebridge.core.placement.instance_types import InstanceType, find, known_types
from sagebridge.core.placement.labels import SHARED_SUFFIX

if TYPE_CHECKING:
    from sagebridge.core.training.section import Section


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """A value of the label nvidia.com/gpu.product.

    Attributes:
        label: as the manifest has it.
        field: where it stands.
    """

    label: str
    field: str

    def is_of(self, instance_type: InstanceType) -> bool:
        """Whether the GPUs of an instance type are this product."""
        return instance_type.gpu is not None and _bare(instance_type.gpu.product) == _bare(self.label)


def product_of(cluster: Section) -> Product | None:
    """Return the product that is asked for; None when any will do.

    Raises:
        SpecError: it is a model's name and not the label's value, or a shared GPU where those are not allowed.
    """
    gpu = cluster.section("gpu")
    label, field = gpu.text("product"), gpu.field("product")
    if not label:
        return None
    exact = next((each.product for name, each in GPUS.items() if name.lower() == label.lower()), None)
    if exact is not None:
        raise SpecError(field, f"{label} is not what nodes are labelled with: write {exact}")
    if label.endswith(SHARED_SUFFIX) and not gpu.flag("allowShared"):
        raise SpecError(field, f"{label} is shared between pods: set {gpu.field('allowShared')}: true as well")
    return Product(label=label, field=field)


def types_with(product: Product, names: tuple[str, ...], *, types_field: str, for_cluster: bool) -> tuple[str, ...]:
    """Return the instance types that have the product; none when nodes are to be found by the product alone.

    Args:
        product: what is asked for.
        names: the instance types; those that are not in the table may have any GPU.
        types_field: where they stand.
        for_cluster: whether they speak of this cluster's nodes, and so must fit.

    Raises:
        SpecError: none of the cluster's instance types has it.
    """
    left = tuple(name for name in names if (found := find(name)) is None or product.is_of(found))
    if left or not for_cluster:
        return left
    having = [each.name for each in known_types().values() if product.is_of(each)]
    hint = f"name one that has, such as {having[0]}" if having else f"leave out {types_field}"
    raise SpecError(product.field, f"{', '.join(names)} has no {product.label}: {hint}")


def _bare(product: str) -> str:
    return product.removesuffix(SHARED_SUFFIX).partition("-MIG-")[0].lower().removeprefix("nvidia-")
