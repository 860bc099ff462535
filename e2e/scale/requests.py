"""What a pod asks of its node, as the scheduler adds it up.

Source: https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

_BINARY = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}
_UNITS = {"cpu": Fraction(1, 1000), "memory": Fraction(1024**2), "hugepages-2Mi": Fraction(1024**2)}


def of_pod(spec: Mapping[str, Any]) -> dict[str, int]:
    """Thousandths of processors, MiB of memory and huge pages, devices, and itself: the most that runs at once."""
    together: Counter[str] = Counter()
    for container in spec["containers"]:
        together.update(_of_container(container))
    for container in spec.get("initContainers", ()):
        together |= _of_container(container)
    return {**together, "pods": 1}


def _of_container(container: Mapping[str, Any]) -> Counter[str]:
    asked = container.get("resources", {}).get("requests", {})
    return Counter({name: amount(name, value) for name, value in asked.items()})


def amount(name: str, quantity: str) -> int:
    """A quantity of a resource in our units, rounded up.

    Args:
        name: the resource.
        quantity: as Kubernetes writes it.
    """
    for suffix, factor in _BINARY.items():
        if quantity.endswith(suffix):
            return _units(name, Fraction(quantity.removesuffix(suffix)) * factor)
    if quantity.endswith("m"):
        return _units(name, Fraction(quantity.removesuffix("m")) / 1000)
    return _units(name, Fraction(quantity))


def _units(name: str, value: Fraction) -> int:
    found = value / _UNITS.get(name, Fraction(1))
    return -(-found.numerator // found.denominator)
