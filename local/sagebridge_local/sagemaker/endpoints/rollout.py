"""How a deployment shifts traffic: pure, from DeploymentConfig to steps.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.endpoints.endpoint import Fleet

ALL_AT_ONCE: Final = "ALL_AT_ONCE"
CANARY: Final = "CANARY"
LINEAR: Final = "LINEAR"
INSTANCE_COUNT: Final = "INSTANCE_COUNT"
MIN_PERCENT, MAX_PERCENT = 5, 50
MIN_LINEAR_PERCENT: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The steps of a deployment.

    Attributes:
        shares: The green fleet's share of the traffic at each step, ending in 1.
        wait_seconds: The baking period after each step.
        termination_wait_seconds: How long the old fleet stays after the last one.
        timeout_seconds: How long all may take.
        alarms: The CloudWatch alarms that are watched while baking.
        rollback_step: The share of the traffic that goes back at each step of a rollback.
    """

    shares: tuple[float, ...]
    wait_seconds: float = 0.0
    termination_wait_seconds: float = 0.0
    timeout_seconds: float = 28_800.0
    alarms: tuple[str, ...] = ()
    rollback_step: float = 1.0


def plan(config: Mapping[str, Any] | None, *, instances: int) -> Rollout:
    """The rollout of a DeploymentConfig; without one, all traffic shifts at once.

    Args:
        config: The DeploymentConfig.
        instances: Instances of the fleet, for sizes that are counted in them.
    """
    alarms = tuple(
        alarm["AlarmName"] for alarm in (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms", ())
    )
    if config and "RollingUpdatePolicy" in config:
        policy = config["RollingUpdatePolicy"]
        return Rollout(
            shares=_steps(_fraction(policy["MaximumBatchSize"], instances)),
            wait_seconds=policy["WaitIntervalInSeconds"],
            timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds", 28_800),
            alarms=alarms,
            rollback_step=_fraction(policy["RollbackMaximumBatchSize"], instances)
            if "RollbackMaximumBatchSize" in policy
            else 1.0,
        )
    if config and "BlueGreenUpdatePolicy" in config:
        policy = config["BlueGreenUpdatePolicy"]
        return Rollout(
            shares=_blue_green(policy["TrafficRoutingConfiguration"], instances),
            wait_seconds=policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"],
            termination_wait_seconds=policy.get("TerminationWaitInSeconds", 0),
            timeout_seconds=policy.get("MaximumExecutionTimeoutInSeconds", 28_800),
            alarms=alarms,
        )
    return Rollout(shares=(1.0,), alarms=alarms)


def check(config: Mapping[str, Any] | None, *, new: Fleet, old: Fleet | None = None) -> None:
    """Refuse a DeploymentConfig whose members don't fit together, or don't fit the fleets.

    Args:
        config: The DeploymentConfig.
        new: The fleet that is deployed.
        old: The fleet that it replaces.

    Raises:
        ServiceError: ValidationException.
    """
    if not config:
        return
    if old is not None:
        _check_fleets(config, new=new, old=old)
    instances = new.instances
    if "RollingUpdatePolicy" in config and "BlueGreenUpdatePolicy" in config:
        raise errors.validation("BlueGreenUpdatePolicy and RollingUpdatePolicy exclude each other")
    if "RollingUpdatePolicy" in config:
        _check_size("MaximumBatchSize", config["RollingUpdatePolicy"]["MaximumBatchSize"], MIN_PERCENT, instances)
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    kind = routing.get("Type")
    for member, wanted, least in (("CanarySize", CANARY, 0), ("LinearStepSize", LINEAR, MIN_LINEAR_PERCENT)):
        if kind == wanted and member not in routing:
            raise errors.validation(f"{member} is required for traffic routing of type {kind}")
        if kind != wanted and member in routing:
            raise errors.validation(f"{member} is not allowed for traffic routing of type {kind}")
        if member in routing:
            _check_size(member, routing[member], least, instances)


def _check_fleets(config: Mapping[str, Any], *, new: Fleet, old: Fleet) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html."""
    names, olds = ({variant.name for variant in fleet.variants} for fleet in (new, old))
    if names != olds:
        raise errors.validation(
            f"The new endpoint configuration must have the same variant names as the old one: {', '.join(sorted(olds))}"
        )
    if "RollingUpdatePolicy" not in config:
        return
    if any(len(fleet.variants) > 1 for fleet in (new, old)):
        raise errors.validation("Rolling deployments do not support endpoints with several variants")
    if any(variant.serverless for fleet in (new, old) for variant in fleet.variants):
        raise errors.validation("Rolling deployments do not support serverless endpoints")


def _check_size(member: str, size: Mapping[str, Any], least: int, instances: int) -> None:
    """At most half the fleet, as the API's reference has it for each of these sizes."""
    value = size["Value"]
    if size["Type"] == INSTANCE_COUNT:
        if value > max(1, instances * MAX_PERCENT // 100):
            raise errors.validation(
                f"{member} must be at most 50 % of the variant's {instances} instances, not {value}"
            )
    elif not least <= value <= MAX_PERCENT:
        raise errors.validation(f"{member} must be between {least} and {MAX_PERCENT} percent, not {value}")


def _blue_green(routing: Mapping[str, Any], instances: int) -> tuple[float, ...]:
    if routing["Type"] == CANARY:
        return (_fraction(routing["CanarySize"], instances), 1.0)
    if routing["Type"] == LINEAR:
        return _steps(_fraction(routing["LinearStepSize"], instances))
    return (1.0,)


def _fraction(size: Mapping[str, Any], instances: int) -> float:
    """A CapacitySize as a share of the fleet."""
    whole = max(1, instances) if size["Type"] == INSTANCE_COUNT else 100
    return min(1.0, float(size["Value"]) / whole)


def _steps(size: float) -> tuple[float, ...]:
    count = math.ceil(round(1.0 / size, 9))
    return tuple(round(min(1.0, size * step), 9) for step in range(1, count + 1))
