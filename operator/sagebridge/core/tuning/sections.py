"""Where a tuning job's spec says how to train: once, or in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ONE: Final = "trainingJobDefinition"
SEVERAL: Final = "trainingJobDefinitions"


def sections(spec: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The training definitions by their paths in the spec: ``trainingJobDefinition``, ``trainingJobDefinitions[0]``."""
    found: dict[str, Mapping[str, Any]] = {}
    if isinstance(spec.get(ONE), Mapping):
        found[ONE] = spec[ONE]
    for index, definition in enumerate(spec.get(SEVERAL) or ()):
        if isinstance(definition, Mapping):
            found[f"{SEVERAL}[{index}]"] = definition
    return found
