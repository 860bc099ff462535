"""What a kind's pure `resolve` gets beside the spec, the same for every kind, and how complete specs are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagebridge.core.cluster.serving.model import ServedModel

Path = tuple[str, ...]
"""Where a value stands in a spec: ``("outputDataConfig", "s3OutputPath")``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one part of a spec asks for, where a spec has several that run code.

    Attributes:
        source_uri: where its packed ConfigMap is or will be; None without one.
        environment: the values of its ``environmentFrom``.
        image: the image of an earlier attempt, which holds for later ones; None for the first.
    """

    source_uri: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveContext:
    """What the manifest does not say itself.

    Attributes:
        job_name: the name in SageMaker.
        region: where the job runs.
        role_arn: the execution role.
        output_path: the default output path, an S3 URI; empty for a kind whose manifests have several, where there is
            no default bucket.
        source_uri: where the packed ConfigMap is or will be; None without one.
        model_artifact: the artifact of ``modelRef``, an S3 URI; None without one.
        model_name: the model in SageMaker that is made for the job; None for a kind or a manifest without one.
        environment: the values of ``environmentFrom``.
        tags: those that mark the owner.
        parts: by the path of a part in the spec, for kinds whose specs have several.
        parents: the names in SageMaker of the parents of a warm start, in the spec's order.
        waited_seconds: how long ago the object's first attempt was recorded; 0 for the first.
        served: what the job's pods serve, on the cluster; None elsewhere, and for a kind whose jobs serve nothing.
    """

    job_name: str
    region: str
    role_arn: str
    output_path: str
    source_uri: str | None = None
    model_artifact: str | None = None
    model_name: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    parents: tuple[str, ...] = ()
    waited_seconds: float = 0.0
    served: ServedModel | None = None


def value_at(spec: Mapping[str, Any], path: Path) -> Any:
    """The value at a path; None where it or what holds it is not given, and for an empty path."""
    found: Any = spec if path else None
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def instance_count(spec: Mapping[str, Any], path: Path) -> int | None:
    """How many instances a spec asks for in its resources at `path`: one if it names but their type.

    Args:
        spec: complete, or as the manifest has it, perhaps wrong.
        path: where its resources stand.

    Returns:
        None if it does not say, or leaves it to SageMaker to choose.
    """
    resources = value_at(spec, path)
    if not isinstance(resources, Mapping):
        return None
    if (count := _whole(resources.get("instanceCount"))) is not None:
        return count
    groups = [_whole(value_at(group, ("instanceCount",))) for group in resources.get("instanceGroups") or ()]
    if groups:
        return sum(filter(None, groups))
    return 1 if resources.get("instanceType") else None


def _whole(value: Any) -> int | None:
    """JSON may write a whole number with a point."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and value == int(value) else None


def with_value_at(spec: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of a spec with another value at a path."""
    key, *rest = path
    return {**spec, key: with_value_at(spec.get(key) or {}, tuple(rest), value) if rest else value}


def without_nulls(value: Any) -> Any:
    """Copy a JSON value, leaving out the fields that are null: they count as not given."""
    if isinstance(value, Mapping):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value
