"""How much of a fleet an update may move at a time.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrafficRoutingConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RollingUpdatePolicy.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CapacitySize.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from sagebridge.core.errors import SpecError

PERCENT: Final = "CAPACITY_PERCENT"
MOST_PERCENT: Final = 50
LEAST_PERCENT: Final = {"canarySize": 1, "linearStepSize": 10, "maximumBatchSize": 5}
"""By field. Of a rolling update's way back, AWS says no bounds."""

_ROUTING: Final = "spec.deploymentConfig.blueGreenUpdatePolicy.trafficRoutingConfiguration"
_ROLLING: Final = "spec.deploymentConfig.rollingUpdatePolicy"
NEEDED: Final = {"CANARY": "canarySize", "LINEAR": "linearStepSize"}
"""The size that goes with a type of routing."""


def check(deployment: Mapping[str, Any]) -> None:
    """Let a spec's ``deploymentConfig`` through only if its sizes can be right, however many instances there are.

    Raises:
        SpecError: a size is missing, does not go with the type, or is out of bounds; names the field.
    """
    routing = (deployment.get("blueGreenUpdatePolicy") or {}).get("trafficRoutingConfiguration") or {}
    _check_presence(routing)
    for field, size in _sizes(deployment):
        least, value = LEAST_PERCENT[field.rpartition(".")[2]], size["value"]
        if size["type"] == PERCENT and not least <= value <= MOST_PERCENT:
            raise SpecError(f"{field}.value", f"Give {least} to {MOST_PERCENT} percent of the instances, not {value}.")


def check_update(deployment: Mapping[str, Any], *, count: int) -> None:
    """Let an update begin only if it moves as many instances at a time as AWS allows.

    Args:
        deployment: ``deploymentConfig``.
        count: instances of the only variant, after the update.

    Raises:
        SpecError: it would move too many; names the field.
    """
    # Of a single instance there is no half: what becomes of that is SageMaker's to say.
    most = max(1, count * MOST_PERCENT // 100)
    for field, size in _sizes(deployment):
        if size["type"] != PERCENT and size["value"] > most:
            raise SpecError(
                f"{field}.value",
                f"An update moves at most {MOST_PERCENT} percent of the variant's {count} instances at a time: give at "
                f"most {most}, not {size['value']}.",
            )


def _sizes(deployment: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each size that AWS bounds, after its field."""
    routing = (deployment.get("blueGreenUpdatePolicy") or {}).get("trafficRoutingConfiguration") or {}
    rolling = deployment.get("rollingUpdatePolicy") or {}
    for name, policy, at in (
        ("canarySize", routing, _ROUTING),
        ("linearStepSize", routing, _ROUTING),
        ("maximumBatchSize", rolling, _ROLLING),
    ):
        if policy.get(name):
            yield f"{at}.{name}", policy[name]


def _check_presence(routing: Mapping[str, Any]) -> None:
    wanted = NEEDED.get(routing.get("type", ""))
    if wanted and wanted not in routing:
        raise SpecError(_ROUTING, f"type {routing['type']} needs {wanted}.")
    superfluous = next((size for size in NEEDED.values() if size in routing and size != wanted), None)
    if superfluous:
        raise SpecError(f"{_ROUTING}.{superfluous}", f"It does not go with type {routing.get('type')}: remove it.")
