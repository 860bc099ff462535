"""The objects that a spec refers to, and waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

TUNING_JOB = "HPTuningJob"


def awaited(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Kind and name of each object that must have ended before the spec's job can be created."""
    model = spec.get("modelRef")
    found = [(model["kind"], model["name"])] if model else []
    found += [(TUNING_JOB, parent["ref"]["name"]) for parent in warm_start_parents(spec) if parent.get("ref")]
    return tuple(found)


def warm_start_parents(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parents of a warm start, each by its name in SageMaker or by a reference."""
    config = spec.get("warmStartConfig") or {}
    return list(config.get("parentHyperParameterTuningJobs") or ())
