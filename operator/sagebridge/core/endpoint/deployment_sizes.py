"""How much of a fleet an update may move at a time.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CapacitySize.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.errors import SpecError

PERCENT: Final = "CAPACITY_PERCENT"
MOST_PERCENT: Final = 50
LEAST_PERCENT: Final = {"canarySize": 1, "linearStepSize": 10, "maximumBatchSize": 5}
"""By field. Of a rolling update's way back, AWS says no bounds."""

_ROUTING: Final = "spec.deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration"
_ROLLING: Final = "spec.deploymentConfig.rollingUpdatePolicy"
_NEEDED: Final = {"CANARY": "canarySize", "LINEAR": "linearStepSize"}


def check(spec: Mapping[str, Any]) -> None:
    """Let a spec through only if its deployment moves as much at a time as AWS allows.

    Raises:
        SpecError: a size is missing, does not go with the type, or is out of bounds; names the field.
    """
    deployment = spec["deploymentConfig"]
    routing = (deployment.get("blueGreenUpdatePolicy") or {}).get("trafficRoutingConfiguration") or {}
    _check_presence(routing)
    for name in ("canarySize", "linearStepSize"):
        _check_size(spec, name, routing.get(name), f"{_ROUTING}.{name}")
    rolling = deployment.get("rollingUpdatePolicy") or {}
    _check_size(spec, "maximumBatchSize", rolling.get("maximumBatchSize"), f"{_ROLLING}.maximumBatchSize")


def _check_presence(routing: Mapping[str, Any]) -> None:
    wanted = _NEEDED.get(routing.get("type", ""))
    if wanted and wanted not in routing:
        raise SpecError(_ROUTING, f"type {routing['type']} needs {wanted}.")
    superfluous = next((size for size in _NEEDED.values() if size in routing and size != wanted), None)
    if superfluous:
        raise SpecError(f"{_ROUTING}.{superfluous}", f"It does not go with type {routing.get('type')}: remove it.")


def _check_size(spec: Mapping[str, Any], name: str, size: Mapping[str, Any] | None, field: str) -> None:
    if not size:
        return
    value = size["value"]
    if size["type"] == PERCENT:
        if not LEAST_PERCENT[name] <= value <= MOST_PERCENT:
            raise SpecError(
                f"{field}.value", f"Give {LEAST_PERCENT[name]} to {MOST_PERCENT} percent of the instances, not {value}."
            )
        return
    count = _least_count(spec)
    # Of a single instance there is no half: what becomes of that is SageMaker's to say.
    if count is not None and value > max(1, count * MOST_PERCENT // 100):
        raise SpecError(
            f"{field}.value", f"Give at most {MOST_PERCENT} percent of a variant's {count} instances, not {value}."
        )


def _least_count(spec: Mapping[str, Any]) -> int | None:
    """Instances of the smallest variant; None where somebody else decides."""
    if "replicas" in spec:
        return int(spec["replicas"])
    variants = spec["productionVariants"]
    is_ours = all("autoscaling" not in one and "managedInstanceScaling" not in one for one in variants)
    return min(int(one.get("initialInstanceCount", 1)) for one in variants) if is_ours else None
