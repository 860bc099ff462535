"""Scalable targets of endpoints, with their policies and scheduled actions, at Application Auto Scaling.

Sources:
    https://docs.aws.amazon.com/autoscaling/application/APIReference/CommonErrors.html
    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_PutScalingPolicy.html (Errors)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sagebridge.core.endpoint.scaling import ScalingPlan, ScalingView, TargetKey
from sagebridge.core.errors import AwsError, ErrorClass
from sagebridge.schema.convert import rfc3339
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.caller import Caller, gone_is_fine

AUTOSCALING: Final = "application-autoscaling"
_NAMESPACE: Final = "sagemaker"
# What these codes mean to this service, whatever they mean to others.
_CLASSES: Final[Mapping[str, ErrorClass]] = {"LimitExceededException": ErrorClass.SLOW_RETRY}
_CLASSES_OF_PUT: Final[Mapping[str, ErrorClass]] = {
    # Somebody has deregistered the target since it was looked at.
    "ObjectNotFoundException": ErrorClass.FAST_RETRY,
}


class ScalableTargets:
    """Every call for autoscaling. All may raise `AwsError`."""

    def __init__(self, *, caller: Caller) -> None:
        self._caller = caller

    async def look(self, handle: Handle, targets: Sequence[TargetKey]) -> dict[TargetKey, ScalingView]:
        """Those of `targets` that are registered."""
        if not targets:
            return {}
        ids = sorted({_resource_id(handle, key) for key in targets})
        request = {"ServiceNamespace": _NAMESPACE, "ResourceIds": ids}
        entries = await self._pages(handle, "DescribeScalableTargets", request, "ScalableTargets")
        bounds = {
            (entry["ResourceId"], entry["ScalableDimension"]): (entry["MinCapacity"], entry["MaxCapacity"])
            for entry in entries
        }
        found = {}
        for key in targets:
            registered = bounds.get((_resource_id(handle, key), key.dimension.value))
            if registered is not None:
                found[key] = await self._target(handle, key, registered)
        return found

    async def _target(self, handle: Handle, key: TargetKey, bounds: tuple[int, int]) -> ScalingView:
        request = _target_request(handle, key)
        policies = await self._pages(handle, "DescribeScalingPolicies", request, "ScalingPolicies")
        actions = await self._pages(handle, "DescribeScheduledActions", request, "ScheduledActions")
        return ScalingView(
            dimension=key.dimension,
            minimum=int(bounds[0]),
            maximum=int(bounds[1]),
            policies={entry["PolicyName"]: entry for entry in policies},
            scheduled={entry["ScheduledActionName"]: _in_words(entry) for entry in actions},
        )

    async def register(self, handle: Handle, key: TargetKey, plan: ScalingPlan) -> None:
        """Register a scalable target, or change its bounds."""
        request = _target_request(handle, key) | {"MinCapacity": plan.minimum, "MaxCapacity": plan.maximum}
        await self._call(handle, "RegisterScalableTarget", request)

    async def deregister(self, handle: Handle, key: TargetKey) -> None:
        """Deregister a scalable target, with its policies and actions."""
        with gone_is_fine():
            await self._call(handle, "DeregisterScalableTarget", _target_request(handle, key))

    async def put_policy(self, handle: Handle, key: TargetKey, name: str, definition: Mapping[str, Any]) -> str:
        """Make a scaling policy, or change it; its ARN."""
        # A definition that status has recorded must not lead elsewhere.
        request = {**definition, **_target_request(handle, key), "PolicyName": name}
        reply = await self._call(handle, "PutScalingPolicy", request)
        return str(reply.get("PolicyARN") or "")

    async def delete_policy(self, handle: Handle, key: TargetKey, name: str) -> None:
        """Delete a scaling policy."""
        with gone_is_fine():
            await self._call(handle, "DeleteScalingPolicy", _target_request(handle, key) | {"PolicyName": name})

    async def put_scheduled(self, handle: Handle, key: TargetKey, name: str, definition: Mapping[str, Any]) -> None:
        """Make a scheduled action, or change it."""
        request = {**definition, **_target_request(handle, key), "ScheduledActionName": name}
        await self._call(handle, "PutScheduledAction", request)

    async def delete_scheduled(self, handle: Handle, key: TargetKey, name: str) -> None:
        """Delete a scheduled action."""
        with gone_is_fine():
            request = _target_request(handle, key) | {"ScheduledActionName": name}
            await self._call(handle, "DeleteScheduledAction", request)

    async def _pages(self, handle: Handle, operation: str, request: Mapping[str, Any], member: str) -> list[Any]:
        found: list[Any] = []
        token: dict[str, str] = {}
        while True:
            reply = await self._call(handle, operation, {**request, **token})
            found += reply.get(member) or ()
            if not reply.get("NextToken"):
                return found
            token = {"NextToken": reply["NextToken"]}

    async def _call(self, handle: Handle, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await self._caller.call(handle, operation, request, service=AUTOSCALING)
        except AwsError as error:
            classes = {**_CLASSES, **(_CLASSES_OF_PUT if operation.startswith("Put") else {})}
            error.error_class = classes.get(error.code, error.error_class)
            raise


def _in_words(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry whose times can be written to a status, and sent again."""
    return {key: rfc3339(value) if isinstance(value, datetime) else value for key, value in entry.items()}


def _resource_id(handle: Handle, key: TargetKey) -> str:
    return f"endpoint/{handle.name}/variant/{key.variant}"


def _target_request(handle: Handle, key: TargetKey) -> dict[str, Any]:
    return {
        "ServiceNamespace": _NAMESPACE,
        "ResourceId": _resource_id(handle, key),
        "ScalableDimension": key.dimension.value,
    }
