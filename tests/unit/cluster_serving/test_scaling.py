"""Who scales, and by what."""

from typing import Any

import pytest
from sagebridge.core.cluster.serving.scaling import Scaler, scaling_of
from sagebridge.core.errors import SpecError

BOUNDS = {"minCapacity": 1, "maxCapacity": 4}
TRIGGERS = [{"type": "prometheus", "metadata": {"threshold": "5"}}]


def by(metric: str, target: float, **more: Any) -> dict[str, Any]:
    return BOUNDS | {"targetValue": target, "customizedMetric": {"metricName": metric}} | more


def scaled(scaling: Any, triggers: Any = ()) -> Any:
    variant = {"variantName": "a"} | ({"autoscaling": scaling} if scaling else {})
    return scaling_of(variant, {"autoscaling": {"triggers": triggers}} if triggers else {}, at="v")


@pytest.mark.parametrize(
    ("reason", "scaling", "want"),
    [
        (
            "100 is one core, as CloudWatch counts it",
            by("CPUUtilization", 150),
            {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "1500m"}},
        ),
        (
            "a quantity is written as the API server writes it",
            by("CPUUtilization", 200),
            {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "2"}},
        ),
        (
            "a part of the memory",
            by("MemoryUtilization", 70),
            {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 70}},
        ),
    ],
)
def test_kubernetes_own_autoscaler(reason: str, scaling: Any, want: Any) -> None:
    found = scaled(scaling)
    assert found.scaler is Scaler.HPA, reason
    assert (found.spec["minReplicas"], found.spec["maxReplicas"]) == (1, 4)
    assert found.spec["metrics"] == [{"type": "Resource", "resource": want}], reason


def test_cooldowns_and_the_ban_on_scaling_in() -> None:
    found = scaled(by("CPUUtilization", 50, scaleInCooldown=600, scaleOutCooldown=60, disableScaleIn=True))
    assert found.spec["behavior"] == {
        "scaleDown": {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 600},
        "scaleUp": {"stabilizationWindowSeconds": 60},
    }


def test_keda_can_scale_to_none() -> None:
    found = scaled(BOUNDS | {"minCapacity": 0}, TRIGGERS)
    assert (found.scaler, found.spec) == (
        Scaler.KEDA,
        {"minReplicaCount": 0, "maxReplicaCount": 4, "triggers": TRIGGERS},
    )


def test_nobody_scales_what_does_not_ask_for_it() -> None:
    assert scaled(None) is None


@pytest.mark.parametrize(
    ("reason", "scaling", "triggers", "field", "told"),
    [
        ("a metric of SageMaker's", BOUNDS | {"targetValue": 70}, (), "v.autoscaling.metric", "InvocationsPerInstance"),
        ("no metric at all", BOUNDS, (), "v.autoscaling.metric", "cluster.autoscaling.triggers"),
        ("another metric", by("GPUUtilization", 50), (), "v.autoscaling.customizedMetric", "GPUUtilization"),
        ("none", by("CPUUtilization", 50, minCapacity=0), (), "v.autoscaling.minCapacity", "at least 1"),
        ("the clock", BOUNDS | {"scheduled": [{"name": "a"}]}, (), "v.autoscaling.scheduled", "cron"),
        ("steps", BOUNDS | {"stepScaling": [{"name": "a"}]}, TRIGGERS, "v.autoscaling.stepScaling", "KEDA"),
        ("two masters", by("CPUUtilization", 50), TRIGGERS, "v.autoscaling.targetValue", "does not go with"),
        ("no bounds", None, TRIGGERS, "v.autoscaling", "minCapacity and maxCapacity"),
        ("too long", by("CPUUtilization", 5, scaleInCooldown=4000), (), "v.autoscaling.scaleInCooldown", "3600"),
        (
            "credentials of the whole cluster",
            BOUNDS,
            [TRIGGERS[0] | {"authenticationRef": {"name": "a", "kind": "ClusterTriggerAuthentication"}}],
            "spec.cluster.autoscaling.triggers[0].authenticationRef.kind",
            "of this namespace",
        ),
    ],
)
def test_refused_with_what_to_do(reason: str, scaling: Any, triggers: Any, field: str, told: str) -> None:
    with pytest.raises(SpecError) as caught:
        scaled(scaling, triggers)
    assert caught.value.field == field, reason
    assert told in caught.value.message, reason
