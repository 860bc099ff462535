"""The container definitions of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def definitions(model: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Those of a CreateModel request that was accepted: the only one, or all, in the order of their chain."""
    return model.get("Containers") or [model["PrimaryContainer"]]
