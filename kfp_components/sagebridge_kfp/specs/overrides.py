"""What `spec_overrides` does to a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(spec: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the spec with the overrides in it.

    Objects are merged, None removes a field, and everything else (lists too) takes the place of what was there: the
    rules of a JSON merge patch.

    Source: https://www.rfc-editor.org/rfc/rfc7396
    """
    merged = dict(spec)
    for name, value in overrides.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            before = merged.get(name)
            merged[name] = merge(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[name] = value
    return merged
