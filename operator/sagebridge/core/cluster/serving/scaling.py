"""Autoscaling of an endpoint's pods: by Kubernetes' own HorizontalPodAutoscaler, or by KEDA.

Sources:
    https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/
    https://keda.sh/docs/latest/reference/scaledobject-spec/
    https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html (CPUUtilization: 100 for each core)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.placement.quantity import cores

if TYPE_CHECKING:
    from collections.abc import Mapping

_CPU, _MEMORY = "CPUUtilization", "MemoryUtilization"
_LONGEST_WINDOW_SECONDS: Final = 3600
_KEDA = "give cluster.autoscaling.triggers, which KEDA acts on"
_WITHOUT_HPA: Final = ("stepScaling", "scheduled")


class Scaler(StrEnum):
    """Who scales; the kinds of the objects."""

    HPA = "HorizontalPodAutoscaler"
    KEDA = "ScaledObject"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """How the pods are scaled.

    Attributes:
        scaler: who does it.
        spec: the object's spec, but for the reference to the Deployment.
    """

    scaler: Scaler
    spec: Mapping[str, Any]

    @property
    def least(self) -> int:
        """How many pods it keeps at least, but for KEDA, which scales from none and back by itself."""
        return int(self.spec["minReplicas"]) if self.scaler is Scaler.HPA else 0

    def of(self, deployment: str) -> dict[str, Any]:
        """The object's spec."""
        reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment}
        return {"scaleTargetRef": reference, **self.spec}


def scaling_of(variant: Mapping[str, Any], cluster: Mapping[str, Any], *, at: str) -> Scaling | None:
    """What a variant's ``autoscaling`` and ``cluster.autoscaling`` ask for; None if nothing.

    Args:
        variant: the production variant.
        cluster: ``spec.cluster``.
        at: where the variant stands in the manifest.

    Raises:
        SpecError: it is not to be had on the cluster; says what is.
    """
    triggers = (cluster.get("autoscaling") or {}).get("triggers") or []
    wanted = variant.get("autoscaling")
    field = f"{at}.autoscaling"
    if wanted is None:
        if triggers:
            raise SpecError(field, "is missing: cluster.autoscaling.triggers go with its minCapacity and maxCapacity")
        return None
    for key in _WITHOUT_HPA:
        if wanted.get(key):
            raise SpecError(f"{field}.{key}", f"can't be kept with target: Cluster: {_KEDA} (cron among them)")
    _check_cooldowns(wanted, field)
    return _keda(wanted, triggers, field) if triggers else _hpa(wanted, field)


def _check_cooldowns(wanted: Mapping[str, Any], field: str) -> None:
    for key in ("scaleInCooldown", "scaleOutCooldown"):
        if int(wanted.get(key) or 0) > _LONGEST_WINDOW_SECONDS:
            raise SpecError(f"{field}.{key}", f"Kubernetes has at most {_LONGEST_WINDOW_SECONDS} seconds of it")


def _keda(wanted: Mapping[str, Any], triggers: list[Mapping[str, Any]], field: str) -> Scaling:
    for key in ("targetValue", "metric", "customizedMetric"):
        if wanted.get(key) is not None:
            raise SpecError(f"{field}.{key}", "does not go with cluster.autoscaling.triggers, which say what counts")
    for index, trigger in enumerate(triggers):
        if (trigger.get("authenticationRef") or {}).get("kind", "TriggerAuthentication") != "TriggerAuthentication":
            raise SpecError(
                f"spec.cluster.autoscaling.triggers[{index}].authenticationRef.kind",
                "only a TriggerAuthentication of this namespace can be used: remove it",
            )
    behavior = _behavior(wanted)
    advanced = {"advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}}} if behavior else {}
    spec = {
        "minReplicaCount": int(wanted["minCapacity"]),
        "maxReplicaCount": int(wanted["maxCapacity"]),
        "triggers": [dict(trigger) for trigger in triggers],
        **advanced,
    }
    return Scaling(scaler=Scaler.KEDA, spec=spec)


def _hpa(wanted: Mapping[str, Any], field: str) -> Scaling:
    if int(wanted["minCapacity"]) < 1:
        raise SpecError(f"{field}.minCapacity", f"Kubernetes' own autoscaler keeps at least 1; for 0, {_KEDA}")
    behavior = _behavior(wanted)
    spec = {
        "minReplicas": int(wanted["minCapacity"]),
        "maxReplicas": int(wanted["maxCapacity"]),
        "metrics": [_metric(wanted, field)],
        **({"behavior": behavior} if behavior else {}),
    }
    return Scaling(scaler=Scaler.HPA, spec=spec)


def _metric(wanted: Mapping[str, Any], field: str) -> dict[str, Any]:
    name = (wanted.get("customizedMetric") or {}).get("metricName")
    target = wanted.get("targetValue")
    if name not in (_CPU, _MEMORY) or target is None:
        given = name or wanted.get("metric") or "InvocationsPerInstance"
        message = (
            f"the cluster knows nothing of {given}: give customizedMetric with metricName {_CPU} or {_MEMORY} and "
            f"targetValue, which Kubernetes' own autoscaler acts on, or {_KEDA}"
        )
        raise SpecError(f"{field}.{'customizedMetric' if name else 'metric'}", message)
    if name == _MEMORY:
        resource = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": round(target)}}
    else:
        # As CloudWatch counts it, 100 is one core, not all that the pod asks for.
        resource = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": cores(round(target * 10))}}
    return {"type": "Resource", "resource": resource}


def _behavior(wanted: Mapping[str, Any]) -> dict[str, Any]:
    down: dict[str, Any] = {}
    if wanted.get("disableScaleIn"):
        down["selectPolicy"] = "Disabled"
    if wanted.get("scaleInCooldown") is not None:
        down["stabilizationWindowSeconds"] = int(wanted["scaleInCooldown"])
    up = (
        {"stabilizationWindowSeconds": int(wanted["scaleOutCooldown"])}
        if wanted.get("scaleOutCooldown") is not None
        else {}
    )
    return {key: value for key, value in (("scaleDown", down), ("scaleUp", up)) if value}
