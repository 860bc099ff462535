"""The objects that a spec refers to, and waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.core.endpoint.build import containers_of

TUNING_JOB = "HPTuningJob"


def missing(what: str, *, where: str = "there") -> str:
    """What is said while something has to be made by somebody: not of what is there, and not ready yet."""
    return f"waiting for {what}, which is not {where}."


def awaited(spec: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Kind and name of each object that must have ended before what the spec asks for can be made."""
    containers = [container for model in spec.get("models") or () for container in containers_of(model)]
    models = [section["modelRef"] for section in (spec, *containers) if section.get("modelRef")]
    found = [(model["kind"], model["name"]) for model in models]
    found += [(TUNING_JOB, parent["ref"]["name"]) for parent in warm_start_parents(spec) if parent.get("ref")]
    return tuple(found)


def warm_start_parents(spec: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parents of a warm start, each by its name in SageMaker or by a reference."""
    config = spec.get("warmStartConfig") or {}
    return list(config.get("parentHyperParameterTuningJobs") or ())
