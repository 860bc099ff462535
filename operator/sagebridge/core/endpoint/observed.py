"""What SageMaker and application-autoscaling tell of an endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.core.endpoint.pending import PendingDeployment
from sagebridge.core.endpoint.scaling import Dimension, ScalingPlan, ScalingView, TargetKey

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html (EndpointStatus)
CREATING = "Creating"
UPDATING = "Updating"
ROLLING_BACK = "RollingBack"
IN_SERVICE = "InService"
FAILED = "Failed"
DELETING = "Deleting"
OUT_OF_SERVICE = "OutOfService"
UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"
SETTLED = frozenset({IN_SERVICE, OUT_OF_SERVICE, UPDATE_ROLLBACK_FAILED})
"""Statuses in which an endpoint can be updated."""
FAILING = frozenset({FAILED, ROLLING_BACK, OUT_OF_SERVICE, UPDATE_ROLLBACK_FAILED})
"""Statuses in which a FailureReason is about what is so now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantView:
    """A production variant as it runs; counts are None for serverless ones, concurrency for all others."""

    name: str
    weight: float | None = None
    desired_weight: float | None = None
    count: int | None = None
    desired_count: int | None = None
    concurrency: int | None = None
    desired_concurrency: int | None = None
    status: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointView:
    """An endpoint as Describe shows it.

    Attributes:
        status: SageMaker's word.
        config_name: the config it runs.
        last_modified: an RFC 3339 time; another one says that something was done to it.
        failure_reason: empty if none.
        variants: the production variants.
        pending: the deployment under way; None without.
        fields: what to copy to status, in lowerCamelCase.
    """

    status: str
    config_name: str = ""
    last_modified: str = ""
    failure_reason: str = ""
    variants: tuple[VariantView, ...] = ()
    pending: PendingDeployment | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def variant_names(self) -> list[str]:
        """Of the production variants that serve; empty if they are not told."""
        return [variant.name for variant in self.variants]

    @property
    def next_config_name(self) -> str:
        """The config that it is on its way to run; empty if that is no other, or not told."""
        name = self.pending.config_name if self.pending else ""
        return name if name != self.config_name else ""

    @property
    def is_settled(self) -> bool:
        """Whether it can be updated now."""
        return self.status in SETTLED

    @property
    def is_busy(self) -> bool:
        """Whether SageMaker is at work on it, so that nothing can be done but wait."""
        return not self.is_settled and self.status != FAILED

    @property
    def failure_line(self) -> str:
        """FailureReason in one line."""
        return " ".join(self.failure_reason.split())


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigView:
    """The config that an endpoint runs, as Describe shows it; empty if it is gone.

    Attributes:
        model_names: of its variants, each once.
        instance_types: by production variant.
        shadow_instance_types: by shadow variant.
    """

    model_names: tuple[str, ...] = ()
    instance_types: Mapping[str, str] = field(default_factory=dict)
    shadow_instance_types: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One look.

    Attributes:
        endpoint: None if there is none.
        scaling: what is registered, by target; only targets that are asked for or in the ledger are looked for.
        config: what the endpoint runs; None but for one that no record tells of.
        pending_config: what it is on its way to run, if that is another, the same way.
    """

    endpoint: EndpointView | None
    scaling: Mapping[TargetKey, ScalingView] = field(default_factory=dict)
    config: ConfigView | None = None
    pending_config: ConfigView | None = None

    @property
    def policies(self) -> list[dict[str, str]]:
        """The scaling policies, for status: an alarm acts on an ARN."""
        return [
            {
                "variantName": key.variant,
                "policyName": name,
                "policyType": str(policy.get("PolicyType") or ""),
                "policyArn": str(policy.get("PolicyARN") or ""),
            }
            for key, view in self.scaling.items()
            for name, policy in view.policies.items()
        ]

    def with_target(self, key: TargetKey, plan: ScalingPlan) -> Observed:
        """After the target was registered."""
        known = self.scaling.get(key) or ScalingView(dimension=key.dimension, minimum=0, maximum=0)
        view = replace(known, minimum=plan.minimum, maximum=plan.maximum)
        return replace(self, scaling={**self.scaling, key: view})

    def without_target(self, key: TargetKey) -> Observed:
        """After the target was deregistered; its policies and actions go with it."""
        return replace(self, scaling={other: view for other, view in self.scaling.items() if other != key})

    def with_policy(self, key: TargetKey, name: str, definition: Mapping[str, Any] | None) -> Observed:
        """After a policy was put, or deleted."""
        view = self.scaling[key]
        view = replace(view, policies=_changed(view.policies, name, definition))
        return replace(self, scaling={**self.scaling, key: view})

    def with_scheduled(self, key: TargetKey, name: str, definition: Mapping[str, Any] | None) -> Observed:
        """After a scheduled action was put, or deleted."""
        view = self.scaling[key]
        view = replace(view, scheduled=_changed(view.scheduled, name, definition))
        return replace(self, scaling={**self.scaling, key: view})


def target_of(variant: str, plan: ScalingPlan) -> TargetKey:
    """The scalable target of a variant."""
    return TargetKey(variant=variant, dimension=Dimension(plan.dimension))


def _changed(
    items: Mapping[str, Mapping[str, Any]], name: str, definition: Mapping[str, Any] | None
) -> dict[str, Mapping[str, Any]]:
    kept = {key: value for key, value in items.items() if key != name}
    return kept if definition is None else {**kept, name: definition}
