"""Requests and limits of the training container.

By default a container asks for what its share of a node leaves. Memory is limited to what is asked for, as on an
instance of its own it could have no more; processors are not limited, since what others leave idle is of use.

Source: https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.placement import extended
from sagebridge.core.placement.headroom import Headroom, for_container, smallest
from sagebridge.core.placement.quantity import MEBIBYTE, cores, mebibytes, parse, whole
from sagebridge.core.placement.room import check_room, has_hugepages

if TYPE_CHECKING:
    from sagebridge.core.placement.asked import Accelerators
    from sagebridge.core.placement.candidates import Candidates
    from sagebridge.core.placement.request import PlacementSettings
    from sagebridge.core.training.section import Section

_PARTS: Final = ("requests", "limits")


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """What the training container asks for.

    Attributes:
        requests: by resource.
        limits: by resource.
        whole_node: whether it asks for all that a node has.
    """

    requests: Mapping[str, str]
    limits: Mapping[str, str]
    whole_node: bool

    @property
    def memory_mebibytes(self) -> int:
        """Return how much memory it may use at most."""
        return int(parse(self.limits["memory"], "limits.memory") / MEBIBYTE)

    @property
    def whole_cpus(self) -> int:
        """Return how many whole processors it asks for, at least one."""
        return max(1, int(parse(self.requests["cpu"], "requests.cpu")))


def container(
    found: Candidates,
    cluster: Section,
    settings: PlacementSettings,
    *,
    asked: Accelerators,
    devices: Mapping[str, int],
) -> Container:
    """Return the requests and limits.

    Args:
        found: the instance types.
        cluster: ``spec.cluster``, whose resources override.
        settings: what else runs on each node.
        asked: the accelerators.
        devices: every extended resource that is asked for, accelerators among them, with how many.

    Raises:
        SpecError: what is asked for contradicts itself, or is more than a node of one of the types has.
    """
    resources = cluster.section("resources")
    given = {part: _plain(resources.section(part)) for part in _PARTS}
    base = _room(found, settings, asked=asked, hugepages=has_hugepages(devices))
    requests, limits = _overridden(base, given)
    _check_order(requests, limits, resources)
    check_room(found, requests, resources, devices)
    counted = {name: _amount(name, count) for name, count in devices.items()}
    overridden = any(name in given[part] for part in _PARTS for name in ("cpu", "memory"))
    return Container(
        requests=requests | counted,
        limits=limits | counted,
        whole_node=asked.whole_node and not (overridden and asked.resource is None),
    )


def given_devices(cluster: Section) -> dict[str, int]:
    """Return the extended resources that ``spec.cluster.resources`` asks for, also those that are 0.

    Raises:
        SpecError: requests and limits differ, or one is no whole number.
    """
    found: dict[str, int] = {}
    for part in _PARTS:
        section = cluster.section("resources").section(part)
        for name, value in section.values.items():
            if value is None or not extended.is_extended(name):
                continue
            count = _whole_number(name, value, section.field(name))
            if found.setdefault(name, count) != count:
                message = f"{count} is not the {found[name]} of requests: Kubernetes wants the same in both"
                raise SpecError(section.field(name), message)
    return found


def _whole_number(name: str, value: Any, field: str) -> int:
    count = whole(value, field)
    size = name.removeprefix(extended.HUGEPAGES_PREFIX)
    if name != size and count % max(1, whole(size, field)):
        raise SpecError(field, f"{value} is not a whole number of pages: give a multiple of {size}")
    return count


def _plain(section: Section) -> dict[str, str]:
    """Return what is given of resources that can be divided, once each is known to be a quantity."""
    given = {name: value for name, value in section.values.items() if value is not None}
    plain = {name: value for name, value in given.items() if not extended.is_extended(name)}
    for name, value in plain.items():
        parse(value, section.field(name))
    return {name: str(value) for name, value in plain.items()}


def _room(found: Candidates, settings: PlacementSettings, *, asked: Accelerators, hugepages: bool) -> Headroom | None:
    """Return what every type leaves; None when none is known."""
    if not found.known:
        return None
    return smallest(
        for_container(each, settings, share=asked.share(each.name), hugepages=hugepages) for each in found.known
    )


def _overridden(base: Headroom | None, given: Mapping[str, dict[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Return requests and limits; what is given in one of them only is not contradicted by our value in the other."""
    requests, limits = dict(given["requests"]), dict(given["limits"])
    ours = {} if base is None else {"cpu": cores(max(0, base.millicores)), "memory": mebibytes(max(0, base.mebibytes))}
    for name, amount in ours.items():
        if name not in limits or _is_less(amount, limits[name], name):
            requests.setdefault(name, amount)
    for name, limit in limits.items():
        requests.setdefault(name, limit)
    limits.setdefault("memory", requests["memory"])
    return _ordered(requests), _ordered(limits)


def _is_less(amount: str, limit: str, name: str) -> bool:
    return parse(amount, name) < parse(limit, name)


def _ordered(values: Mapping[str, str]) -> dict[str, str]:
    first = [name for name in ("cpu", "memory") if name in values]
    return {name: values[name] for name in (*first, *sorted(set(values) - set(first)))}


def _check_order(requests: Mapping[str, str], limits: Mapping[str, str], resources: Section) -> None:
    for name, limit in limits.items():
        most = parse(limit, resources.section("limits").field(name))
        least = parse(requests[name], resources.section("requests").field(name))
        if least > most:
            message = f"{requests[name]} is more than the limit of {limit}: raise the limit, or ask for less"
            raise SpecError(resources.section("requests").field(name), message)


def _amount(name: str, count: int) -> str:
    return mebibytes(count // MEBIBYTE) if name.startswith(extended.HUGEPAGES_PREFIX) else str(count)
