"""Autoscaling of a variant: `productionVariants[].autoscaling` as what application-autoscaling is asked for.

Sources:
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_RegisterScalableTarget.html
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScheduledAction.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

OURS = "sagebridge-"
"""Begins the names of the policies and scheduled actions that are made here; others are left alone."""

TARGET_POLICY = OURS + "target"


class Dimension(StrEnum):
    """What is scaled."""

    INSTANCES = "sagemaker:variant:DesiredInstanceCount"
    CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"


_METRICS: Mapping[str, str] = {
    "InvocationsPerInstance": "SageMakerVariantInvocationsPerInstance",
    "ConcurrentRequestsPerModel": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "ProvisionedConcurrencyUtilization": "SageMakerVariantProvisionedConcurrencyUtilization",
}
METRICS = tuple(_METRICS)
"""The words of ``autoscaling.metric``."""


_POLICY_MEMBERS = (
    "PolicyType",
    "PredictiveScalingPolicyConfiguration",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)
_ACTION_MEMBERS = ("EndTime", "ScalableTargetAction", "Schedule", "StartTime", "Timezone")


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetKey:
    """One scalable target of an endpoint."""

    variant: str
    dimension: Dimension

    @staticmethod
    def can_be(entry: Any) -> bool:
        """Whether an entry names a target."""
        if not isinstance(entry, Mapping) or entry.get("dimension") not in list(Dimension):
            return False
        return isinstance(entry.get("variantName"), str) and entry["variantName"] != ""

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> TargetKey:
        """From an entry of `status.scalableTargets`."""
        return cls(variant=str(entry["variantName"]), dimension=Dimension(entry["dimension"]))

    def dump(self) -> dict[str, Any]:
        """To an entry of `status.scalableTargets`."""
        return {"variantName": self.variant, "dimension": self.dimension.value}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingPlan:
    """How one variant is to be scaled.

    Attributes:
        dimension: what is scaled.
        minimum, maximum: its bounds.
        policies: by name, the members of PutScalingPolicy that say what a policy does.
        scheduled: by name, the members of PutScheduledAction that say what an action does.
    """

    dimension: Dimension
    minimum: int
    maximum: int
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scheduled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most."""
        return self.minimum, self.maximum

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> ScalingPlan:
        """From an entry of `status.revisions[].scaling`."""
        return cls(
            dimension=Dimension(entry["dimension"]),
            minimum=int(entry["minCapacity"]),
            maximum=int(entry["maxCapacity"]),
            policies=dict(entry.get("policies") or {}),
            scheduled=dict(entry.get("scheduled") or {}),
        )

    @staticmethod
    def can_be(entry: Any) -> bool:
        """Whether an entry is a plan: the schema lets anything through here."""
        if not isinstance(entry, Mapping) or entry.get("dimension") not in list(Dimension):
            return False
        return has_bounds(entry) and all(_holds_objects(entry.get(key) or {}) for key in ("policies", "scheduled"))

    def dump(self) -> dict[str, Any]:
        """To an entry of `status.revisions[].scaling`."""
        entry = {
            "dimension": self.dimension.value,
            "minCapacity": self.minimum,
            "maxCapacity": self.maximum,
            "policies": dict(self.policies),
            "scheduled": dict(self.scheduled),
        }
        return {key: value for key, value in entry.items() if value != {}}


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingView:
    """How one variant is scaled, as application-autoscaling tells; the same members as `ScalingPlan`."""

    dimension: Dimension
    minimum: int
    maximum: int
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    scheduled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_others(self) -> bool:
        """Whether all that scales it was made elsewhere."""
        names = [*self.policies, *self.scheduled]
        return bool(names) and not any(name.startswith(OURS) for name in names)

    @property
    def plan(self) -> ScalingPlan:
        """What brings it back just as it is, whoever has made it."""
        return ScalingPlan(
            dimension=self.dimension,
            minimum=self.minimum,
            maximum=self.maximum,
            policies={name: _only(policy, _POLICY_MEMBERS) for name, policy in self.policies.items()},
            scheduled={name: _only(action, _ACTION_MEMBERS) for name, action in self.scheduled.items()},
        )


def has_bounds(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a status has both capacities."""
    return all(isinstance(entry.get(key), int) for key in ("minCapacity", "maxCapacity"))


def _holds_objects(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, Mapping) for one in value.values())


def scaling_plan(autoscaling: Mapping[str, Any], *, serverless: bool) -> ScalingPlan:
    """What `autoscaling` asks for.

    Args:
        autoscaling: a variant's, in lowerCamelCase, as the schema lets it through.
        serverless: whether the variant is; then its provisioned concurrency is scaled.
    """
    policies: dict[str, Mapping[str, Any]] = {}
    if "targetValue" in autoscaling:
        policies[TARGET_POLICY] = _target_tracking(autoscaling, serverless=serverless)
    for step in autoscaling.get("stepScaling") or ():
        policies[OURS + step["name"]] = _step_scaling(step)
    return ScalingPlan(
        dimension=Dimension.CONCURRENCY if serverless else Dimension.INSTANCES,
        minimum=int(autoscaling["minCapacity"]),
        maximum=int(autoscaling["maxCapacity"]),
        policies=policies,
        scheduled={OURS + action["name"]: _scheduled(action) for action in autoscaling.get("scheduled") or ()},
    )


def targets_of(spec: Mapping[str, Any]) -> tuple[TargetKey, ...]:
    """The scalable targets that a spec asks for, whatever else it says."""
    return tuple(
        TargetKey(
            variant=variant["variantName"],
            dimension=Dimension.CONCURRENCY if "serverlessConfig" in variant else Dimension.INSTANCES,
        )
        for variant in spec.get("productionVariants") or ()
        if variant.get("autoscaling")
    )


def covers(found: Any, wanted: Any) -> bool:
    """Whether `found` says all that `wanted` does; AWS adds defaults of its own."""
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(covers(found.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        same_length = isinstance(found, Sequence) and len(found) == len(wanted)
        return same_length and all(covers(one, other) for one, other in zip(found, wanted, strict=True))
    return bool(found == wanted)


def _target_tracking(autoscaling: Mapping[str, Any], *, serverless: bool) -> dict[str, Any]:
    configuration: dict[str, Any] = {"TargetValue": float(autoscaling["targetValue"])}
    if "customizedMetric" in autoscaling:
        configuration["CustomizedMetricSpecification"] = _custom_metric(autoscaling["customizedMetric"])
    else:
        default = "ProvisionedConcurrencyUtilization" if serverless else "InvocationsPerInstance"
        metric = _METRICS[autoscaling.get("metric", default)]
        configuration["PredefinedMetricSpecification"] = {"PredefinedMetricType": metric}
    configuration |= _renamed(
        autoscaling,
        {
            "scaleInCooldown": "ScaleInCooldown",
            "scaleOutCooldown": "ScaleOutCooldown",
            "disableScaleIn": "DisableScaleIn",
        },
    )
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": configuration}


def _custom_metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    specification = _renamed(
        metric, {"metricName": "MetricName", "namespace": "Namespace", "statistic": "Statistic", "unit": "Unit"}
    )
    if metric.get("dimensions"):
        dimensions = [{"Name": item["name"], "Value": item["value"]} for item in metric["dimensions"]]
        specification["Dimensions"] = dimensions
    return specification


def _step_scaling(step: Mapping[str, Any]) -> dict[str, Any]:
    configuration = _renamed(
        step,
        {
            "adjustmentType": "AdjustmentType",
            "cooldown": "Cooldown",
            "metricAggregationType": "MetricAggregationType",
            "minAdjustmentMagnitude": "MinAdjustmentMagnitude",
        },
    )
    configuration["StepAdjustments"] = [_step_adjustment(adjustment) for adjustment in step["stepAdjustments"]]
    return {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": configuration}


def _step_adjustment(adjustment: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {
        "metricIntervalLowerBound": "MetricIntervalLowerBound",
        "metricIntervalUpperBound": "MetricIntervalUpperBound",
    }
    return {key: float(value) for key, value in _renamed(adjustment, bounds).items()} | {
        "ScalingAdjustment": int(adjustment["scalingAdjustment"])
    }


def _scheduled(action: Mapping[str, Any]) -> dict[str, Any]:
    members = _renamed(action, {"schedule": "Schedule", "timezone": "Timezone"})
    target = _renamed(action, {"minCapacity": "MinCapacity", "maxCapacity": "MaxCapacity"})
    return members | {"ScalableTargetAction": target}


def _only(found: Mapping[str, Any], members: Sequence[str]) -> dict[str, Any]:
    return {member: found[member] for member in members if found.get(member) is not None}


def _renamed(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {theirs: values[ours] for ours, theirs in names.items() if ours in values}
