"""How an object differs from its manifest, where the API server and others may have filled in more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def holds(wanted: Any, found: Any) -> bool:
    """Whether all that a manifest says is so, whatever else there is: defaults, and what others have set."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(holds(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        is_list = isinstance(found, list) and len(found) == len(wanted)
        return is_list and all(holds(one, other) for one, other in zip(wanted, found, strict=True))
    return bool(wanted == found)


def surplus(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that takes off what is there beside what a manifest says; lists become the manifest's."""
    changes: dict[str, Any] = {key: None for key in found if key not in wanted}
    for key, value in wanted.items():
        there = found.get(key)
        if isinstance(value, Mapping) and isinstance(there, Mapping):
            if inner := surplus(value, there):
                changes[key] = inner
        elif isinstance(value, list) and not holds(value, there):
            changes[key] = value
    return changes
