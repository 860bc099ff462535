"""Target tracking: instances follow a metric, as policies in moto's Application Auto Scaling ask for.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-policy.html and
https://docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.cloudwatch.metrics import PERIOD_SECONDS, Metric
from sagebridge_local.sagemaker.endpoints import measurements, scaling
from sagebridge_local.sagemaker.endpoints.endpoint import IN_SERVICE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge_local.sagemaker.cloudwatch.metrics import Metrics
    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Variant
    from sagebridge_local.sagemaker.endpoints.service import Endpoints

# What the alarms look like that Application Auto Scaling makes for such a policy.
OUT_MINUTES: Final = 3
IN_MINUTES: Final = 15
IN_SHARE: Final = 0.9
COOLDOWN_SECONDS: Final = 300.0
_PER_INSTANCE: Final = "SageMakerVariantInvocationsPerInstance"


def capacity(minutes: Sequence[float | None], *, current: int, target: float) -> int | None:
    """The instances that a metric's last minutes ask for; None for no change. Missing data change nothing.

    Args:
        minutes: The metric per instance in each whole minute, the latest last.
        current: The instances there are.
        target: TargetValue.
    """
    latest = [each for each in minutes[-OUT_MINUTES:] if each is not None]
    if len(latest) == OUT_MINUTES and min(latest) > target:
        return math.ceil(current * latest[-1] / target)
    long = [each for each in minutes[-IN_MINUTES:] if each is not None]
    if len(long) == IN_MINUTES and max(long) < target * IN_SHARE:
        fewer = math.ceil(current * max(long) / target)
        return fewer if fewer < current else None
    return None


class Tracking:
    """Carries out target tracking policies of variants that are scalable targets.

    Args:
        endpoints: what is scaled.
        metrics: what it follows.
    """

    def __init__(self, endpoints: Endpoints, metrics: Metrics) -> None:
        self._endpoints = endpoints
        self._metrics = metrics

    def look(self, at: float) -> None:
        """Scale what should be scaled at an instant."""
        for endpoint in list(self._endpoints.all()):
            if endpoint.status == IN_SERVICE and endpoint.fleet is not None:
                self._scale(endpoint, at)

    def _scale(self, endpoint: Endpoint, at: float) -> None:
        assert endpoint.fleet is not None  # the caller looked
        changed = False
        for variant in endpoint.fleet.variants:
            wanted = self._wanted(endpoint, variant, at)
            if wanted is not None and wanted != variant.count:
                variant.desired_count = wanted
                variant.scaled_at = at
                changed = True
        if changed:
            self._endpoints.rescale(endpoint, at=at)

    def _wanted(self, endpoint: Endpoint, variant: Variant, at: float) -> int | None:
        """The most that a policy wants, within the target's bounds; less only if all of them want less."""
        target = scaling.target_of(endpoint, variant.name)
        if target is None or not variant.count:
            return None
        policies = scaling.tracking_policies(endpoint, variant.name)
        asked = [self._asked(endpoint, variant, policy, at) for policy in policies]
        found = [each for each in asked if each is not None]
        more = [each for each in found if each > variant.count]
        suspended = target.suspended_state or {}
        if more:
            out = min(int(target.max_capacity), max(more))
            return None if suspended.get("DynamicScalingOutSuspended") else out
        kept = suspended.get("DynamicScalingInSuspended") or any(policy.get("DisableScaleIn") for policy in policies)
        if kept or not found or len(found) < len(asked):
            return None
        return max(int(target.min_capacity), *found)

    def _asked(self, endpoint: Endpoint, variant: Variant, policy: Mapping[str, Any], at: float) -> int | None:
        followed = _followed(endpoint, variant, policy)
        assert variant.count is not None  # the caller looked
        if followed is None:
            return None
        minutes = self._minutes(endpoint, *followed, at=at)
        wanted = capacity(minutes, current=variant.count, target=float(policy["TargetValue"]))
        if wanted is None:
            return None
        kind = "ScaleOutCooldown" if wanted > variant.count else "ScaleInCooldown"
        last = variant.scaled_at
        resting = last is not None and at - last < float(policy.get(kind, COOLDOWN_SECONDS))
        return None if resting else wanted

    def _minutes(self, endpoint: Endpoint, metric: Metric, statistic: str, *, at: float) -> list[float | None]:
        known = dict(self._metrics.minutes((endpoint.account, endpoint.region), metric))
        running = int(at) // PERIOD_SECONDS * PERIOD_SECONDS
        starts = [running - PERIOD_SECONDS * back for back in range(IN_MINUTES, 0, -1)]
        return [known[start].statistic(statistic) if start in known else None for start in starts]


def _followed(endpoint: Endpoint, variant: Variant, policy: Mapping[str, Any]) -> tuple[Metric, str] | None:
    """The metric and statistic of a policy; None for one that is not measured here."""
    predefined = policy.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if predefined == _PER_INSTANCE:
        return measurements.identity(measurements.PER_INSTANCE, endpoint.name, variant.name), "Sum"
    custom = policy.get("CustomizedMetricSpecification", {})
    if "MetricName" not in custom:
        return None
    dimensions = frozenset((each["Name"], each["Value"]) for each in custom.get("Dimensions", ()))
    return Metric(custom["Namespace"], custom["MetricName"], dimensions), custom["Statistic"]
