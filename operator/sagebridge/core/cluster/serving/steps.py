"""The steps of the plan of an Endpoint on the cluster. Each is idempotent; any process may die between two of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sagebridge.core.cluster.serving.record import Record
from sagebridge.core.conditions import Verdict
from sagebridge.core.endpoint.steps import Release, Resolve
from sagebridge.core.steps import Protect, Wait

__all__ = [
    "Apply",
    "Begin",
    "Collect",
    "Conclude",
    "Delete",
    "Deploy",
    "Leave",
    "Protect",
    "Release",
    "Remember",
    "Resolve",
    "Restore",
    "Scale",
    "Step",
    "Wait",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Remember:
    """Write a record to status, before or after what it is about is done."""

    record: Record


@dataclass(frozen=True, kw_only=True, slots=True)
class Begin:
    """Make the ConfigMap of a revision."""

    revision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Deploy:
    """Bring the Deployment to a revision: the newest, or an earlier one that is known from its ReplicaSet."""

    revision: str
    earlier: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Restore:
    """Put an earlier revision's template back, and leave all else of the Deployment: its spec can't be followed."""

    revision: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Give the Deployment so many pods."""

    replicas: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Apply:
    """Bring what goes with the Deployment to what the spec says: its Service, and who scales it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Collect:
    """Delete the ConfigMaps of revisions but for these."""

    keep: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclude:
    """Say in status how things stand."""

    verdict: Verdict
    fields: dict[str, Any]
    again_after: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Delete:
    """Delete all that the endpoint consists of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Leave:
    """Leave all that the endpoint consists of to itself.

    Attributes:
        is_last: whether its object goes next, with what was not left: then each part is tried, seen or not.
    """

    is_last: bool = False


Step = (
    Apply
    | Begin
    | Collect
    | Conclude
    | Delete
    | Deploy
    | Leave
    | Protect
    | Release
    | Remember
    | Resolve
    | Restore
    | Scale
    | Wait
)
