"""The steps of an endpoint's plan. Each is idempotent; any process may die between two of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.core.conditions import Verdict
from sagebridge.core.endpoint.desired import ConfigPlan, ModelPlan
from sagebridge.core.endpoint.ledger import Ledger
from sagebridge.core.endpoint.scaling import ScalingPlan, TargetKey
from sagebridge.core.steps import Protect, Wait

__all__ = [
    "ApplyTags",
    "Claim",
    "Collect",
    "Conclude",
    "CreateConfig",
    "CreateEndpoint",
    "CreateModel",
    "DeleteEndpoint",
    "DeletePolicy",
    "DeleteScheduled",
    "Deregister",
    "Look",
    "Protect",
    "PutPolicy",
    "PutScheduled",
    "Register",
    "Release",
    "Remember",
    "Resolve",
    "Step",
    "Survey",
    "UpdateEndpoint",
    "UpdateNumbers",
    "Wait",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Conclude:
    """Say in status how things stand.

    Attributes:
        verdict: how.
        ledger: what status records.
        again_after: seconds until another look, None for none.
        quietly: without an Event; another one has told.
    """

    verdict: Verdict
    ledger: Ledger
    again_after: float | None = None
    quietly: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Describe the endpoint, and the scalable targets that may be there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolve:
    """Check the spec and resolve all it refers to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """Find out what an endpoint of ours that no record tells of runs, and how it is scaled."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Find out whether the endpoint of that name is this object's, by its tags; take it over where that is allowed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remember:
    """Write the ledger to status, before what it records is made.

    Attributes:
        ledger: what status records.
        news: what to tell as an Event once it is written; None for nothing.
    """

    ledger: Ledger
    news: Verdict | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateModel:
    """Create a model; one of that name has the same content."""

    model: ModelPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateConfig:
    """Create the config; one of that name has the same content."""

    config: ConfigPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateEndpoint:
    """Create the endpoint."""

    config_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateEndpoint:
    """Deploy another config.

    Attributes:
        config_name: the config.
        retain: whether variants keep what they have, but for the properties in `exclude`.
        exclude: ``excludeRetainedVariantProperties``, by type.
        deployment: ``deploymentConfig`` in lowerCamelCase, None for SageMaker's default.
    """

    config_name: str
    retain: bool
    exclude: tuple[str, ...]
    deployment: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateNumbers:
    """Change weights, or the count of one variant: SageMaker takes one or the other.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpointWeightsAndCapacities.html

    Attributes:
        weights: by variant.
        counts: by variant; one at most, and none beside weights.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """Tells this change from the others that lead to the same weights and counts."""
        return ".".join(("counts", *self.counts)) if self.counts else "weights"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteEndpoint:
    """Delete the endpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Register:
    """Register a scalable target, or change its bounds."""

    key: TargetKey
    plan: ScalingPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class Deregister:
    """Deregister a scalable target; its policies and scheduled actions go with it."""

    key: TargetKey


@dataclass(frozen=True, kw_only=True, slots=True)
class PutPolicy:
    """Make a scaling policy, or change it."""

    key: TargetKey
    name: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeletePolicy:
    """Delete a scaling policy."""

    key: TargetKey
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PutScheduled:
    """Make a scheduled action, or change it."""

    key: TargetKey
    name: str
    definition: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteScheduled:
    """Delete a scheduled action."""

    key: TargetKey
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyTags:
    """Bring the endpoint's tags to what the spec says."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Collect:
    """Delete a config and models that nothing uses; those that are not ours, or gone, are left. Then forget them."""

    config_name: str
    model_names: tuple[str, ...]
    ledger: Ledger


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """Let the object go. `orphan` says what may be left, and why."""

    orphan: str = ""


Step = (
    Wait
    | Protect
    | Conclude
    | Look
    | Resolve
    | Claim
    | Survey
    | Remember
    | CreateModel
    | CreateConfig
    | CreateEndpoint
    | UpdateEndpoint
    | UpdateNumbers
    | DeleteEndpoint
    | Register
    | Deregister
    | PutPolicy
    | DeletePolicy
    | PutScheduled
    | DeleteScheduled
    | ApplyTags
    | Collect
    | Release
)
