"""Inputs that several components have, as their functions get them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self


class Inputs:
    """A group of a component's inputs. Empty texts, zeros and empty objects are inputs that were not given."""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Take the group's own out of all that a component was given."""
        return cls(**{field.name: given[field.name] for field in fields(cls)})  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, slots=True)
class Code(Inputs):
    """What runs: an algorithm, a framework with a script, or an image."""

    algorithm: str
    algorithm_version: str
    framework: str
    framework_version: str
    python_version: str
    base_framework: str
    image: str
    entry_point: str
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines(Inputs):
    """What a training job runs on, for how long, and what of it may be taken away."""

    instance_type: str
    instance_count: int
    volume_size_gb: int
    max_runtime_seconds: int
    spot: bool
    max_wait_seconds: int
    checkpoints: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Common(Inputs):
    """What every kind has."""

    role_arn: str
    region: str
    target: str
    cluster: Mapping[str, Any]
    tags: Mapping[str, Any]
    deletion_policy: str
    spec_overrides: Mapping[str, Any]
