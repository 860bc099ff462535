"""Endpoints on SageMaker, with the models and configs they run, and their autoscaling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sagebridge.core.endpoint.desired import ConfigPlan, ModelPlan
from sagebridge.core.endpoint.observed import ConfigView, EndpointView, Observed, VariantView
from sagebridge.core.endpoint.pending import PendingDeployment
from sagebridge.core.endpoint.scaling import Dimension, TargetKey
from sagebridge.core.errors import AwsError, ErrorClass, SpecError
from sagebridge.core.names import TAG_ADOPTED, is_owned_by_anyone
from sagebridge.core.serving import Repack
from sagebridge.schema.convert import ConversionError, from_response, rfc3339, to_request
from sagebridge.targets.protocol import Handle, NameConflictError, NotOwnedError
from sagebridge.targets.sagemaker.alarms import Alarms
from sagebridge.targets.sagemaker.caller import Caller, gone_is_fine, malformed
from sagebridge.targets.sagemaker.owned import arn_of, assert_same_account
from sagebridge.targets.sagemaker.repacking import Repacker
from sagebridge.targets.sagemaker.scalable_targets import ScalableTargets
from sagebridge.targets.sagemaker.tags import change_tags, list_tags, listed

_STATUS_FIELDS = (
    "endpointArn",
    "endpointConfigName",
    "endpointStatus",
    "failureReason",
    "creationTime",
    "lastModifiedTime",
)
_PENDING = "pendingDeploymentSummary"
_STAGE = "stage"
OBSERVED_FIELDS = (*_STATUS_FIELDS, _PENDING, _STAGE, "variants", "traffic", "replicas", "scalingPolicies")
"""The fields of status that a look fills."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """Whose an endpoint is.

    Attributes:
        is_ours: whether its tags say it is this object's, or an earlier one's of the same name.
        is_adopted: whether it was there before.
        conflict: why it is not ours; empty if it is.
    """

    is_ours: bool
    is_adopted: bool = False
    conflict: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What a List tells of one endpoint."""

    status: str
    last_modified: str


class SageMakerEndpoints:
    """Every call for endpoints; `scaling` has those for their autoscaling, and `alarms` for what rolls updates back.

    All may raise `AwsError`; or `NotAllowedError`, where the policy leads elsewhere.
    """

    def __init__(self, *, caller: Caller, repacker: Repacker) -> None:
        self._caller = caller
        self._repacker = repacker
        self.scaling = ScalableTargets(caller=caller)
        self.alarms = Alarms(caller=caller)

    # --- looking -------------------------------------------------------------------------------------------------

    async def summaries(self, handle: Handle) -> Mapping[str, Summary]:
        """All endpoints of the handle's account and region, by name."""
        found: dict[str, Summary] = {}
        token = ""
        while True:
            request = {"MaxResults": 100} | ({"NextToken": token} if token else {})
            reply = await self._caller.call(handle, "ListEndpoints", request)
            if not isinstance(reply.get("Endpoints"), list):
                raise malformed("ListEndpoints", "Endpoints")
            for entry in reply["Endpoints"]:
                status = Summary(status=entry["EndpointStatus"], last_modified=rfc3339(entry["LastModifiedTime"]))
                found[entry["EndpointName"]] = status
            token = reply.get("NextToken") or ""
            if not token:
                return found

    async def look(self, handle: Handle, *, targets: Sequence[TargetKey]) -> Observed:
        """The endpoint, and those of `targets` that are registered."""
        try:
            reply = await self._caller.call(handle, "DescribeEndpoint", {"EndpointName": handle.name})
        except AwsError as error:
            if error.error_class is not ErrorClass.NOT_FOUND:
                raise
            await assert_same_account(self._caller, handle, what=handle.name, remedy="delete the endpoint")
            endpoint = None
        else:
            endpoint = _view(reply)
        return Observed(endpoint=endpoint, scaling=await self.scaling.look(handle, targets))

    async def survey(self, handle: Handle, seen: Observed) -> Observed:
        """The same with the configs that the endpoint runs and is to run, and what scales it, if it may be ours."""
        if seen.endpoint is None:
            return seen
        config = await self._config(handle, seen.endpoint.config_name)
        following = seen.endpoint.next_config_name
        pending = await self._config(handle, following) if following else None
        names = [view.name for view in seen.endpoint.variants]
        keys = [TargetKey(variant=name, dimension=dimension) for name in names for dimension in Dimension]
        registered = await self.scaling.look(handle, keys)
        left = {key: view for key, view in registered.items() if not view.is_others}
        return replace(seen, scaling={**seen.scaling, **left}, config=config, pending_config=pending)

    async def _config(self, handle: Handle, name: str) -> ConfigView:
        reply: Mapping[str, Any] = {}
        with gone_is_fine():
            reply = await self._caller.call(handle, "DescribeEndpointConfig", {"EndpointConfigName": name})
        production = reply.get("ProductionVariants") or ()
        shadows = reply.get("ShadowProductionVariants") or ()
        models = dict.fromkeys(entry["ModelName"] for entry in (*production, *shadows) if entry.get("ModelName"))
        return ConfigView(
            model_names=tuple(models),
            instance_types=_instance_types(production),
            shadow_instance_types=_instance_types(shadows),
        )

    async def claim(self, handle: Handle, *, adopt: bool) -> Claimed:
        """Whether the endpoint is this object's; with `adopt`, an untagged one becomes so."""
        arn = await arn_of(self._caller, handle, "endpoint", handle.name)
        tags = await list_tags(self._caller, handle, arn)
        if handle.owner.owns_by_name(tags):
            return Claimed(is_ours=True, is_adopted=TAG_ADOPTED in tags)
        if is_owned_by_anyone(tags):
            conflict = f"Endpoint {handle.name} belongs to another Sagebridge object. Choose another name."
        elif not adopt:
            conflict = (
                f"Endpoint {handle.name} is there already and is not ours. Choose another name, or annotate this "
                'object with sagebridge.io/adopt: "true" to take it over.'
            )
        elif not handle.tenant.allow_adopt:
            conflict = f"Endpoint {handle.name} is there already, and this namespace's tenant policy forbids adopting."
        else:
            await change_tags(self._caller, handle, arn, tags={**handle.owner.tags(), TAG_ADOPTED: "true"})
            return Claimed(is_ours=True, is_adopted=True)
        return Claimed(is_ours=False, conflict=conflict)

    # --- making --------------------------------------------------------------------------------------------------

    async def create_model(self, handle: Handle, model: ModelPlan, *, tags: Mapping[str, str]) -> None:
        """Create a model; one of that name that is ours has the same content."""
        request = _request("CreateModel", {**model.request, "modelName": model.name}, tags)
        try:
            await self._caller.call(handle, "CreateModel", request)
        except AwsError as error:
            await self._assert_ours_after(error, handle, "model", model.name)

    async def repack(self, handle: Handle, repack: Repack, *, uri: str) -> None:
        """Put a model's archive with its inference code where the model looks for it, unless it is there."""
        await self._repacker.repack(handle, repack, uri=uri)

    async def create_config(self, handle: Handle, config: ConfigPlan, *, tags: Mapping[str, str]) -> None:
        """Create a config; one of that name that is ours has the same content."""
        spec = {**config.request, "endpointConfigName": config.name}
        try:
            await self._caller.call(handle, "CreateEndpointConfig", _request("CreateEndpointConfig", spec, tags))
        except AwsError as error:
            await self._assert_ours_after(error, handle, "endpoint-config", config.name)

    async def create_endpoint(self, handle: Handle, *, config_name: str, tags: Mapping[str, str]) -> None:
        """Create the endpoint. Whose one is that is there already, is asked before anything is done to it."""
        spec = {"endpointName": handle.name, "endpointConfigName": config_name}
        await self._caller.call(handle, "CreateEndpoint", _request("CreateEndpoint", spec, tags))

    async def update_endpoint(
        self,
        handle: Handle,
        *,
        config_name: str,
        retain: bool,
        exclude: Sequence[str],
        deployment: Mapping[str, Any] | None,
    ) -> None:
        """Deploy another config.

        Raises:
            NotOwnedError: the endpoint does not carry this object's tags.
        """
        spec: dict[str, Any] = {
            "endpointName": handle.name,
            "endpointConfigName": config_name,
            "retainAllVariantProperties": retain,
        }
        if exclude:
            spec["excludeRetainedVariantProperties"] = [{"variantPropertyType": word} for word in exclude]
        if deployment:
            spec["deploymentConfig"] = dict(deployment)
        request = _request("UpdateEndpoint", spec, None)
        await self.assert_owned(handle)
        await self._caller.call(handle, "UpdateEndpoint", request)

    async def update_numbers(self, handle: Handle, *, weights: Mapping[str, float], counts: Mapping[str, int]) -> None:
        """Change weights by variant, or the count of one variant.

        Raises:
            NotOwnedError: the endpoint does not carry this object's tags.
        """
        await self.assert_owned(handle)
        wanted: list[dict[str, Any]] = [
            {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
        ]
        wanted += [{"VariantName": name, "DesiredInstanceCount": count} for name, count in counts.items()]
        request = {"EndpointName": handle.name, "DesiredWeightsAndCapacities": wanted}
        await self._caller.call(handle, "UpdateEndpointWeightsAndCapacities", request)

    async def tag(self, handle: Handle, *, tags: Mapping[str, str], remove: Sequence[str]) -> None:
        """Set tags of the endpoint, and take off the keys in `remove`.

        Raises:
            NotOwnedError: the endpoint does not carry this object's tags.
        """
        await self.assert_owned(handle)
        arn = await arn_of(self._caller, handle, "endpoint", handle.name)
        await change_tags(self._caller, handle, arn, tags=tags, remove=remove)

    # --- deleting ------------------------------------------------------------------------------------------------

    async def delete_endpoint(self, handle: Handle) -> None:
        """Delete the endpoint; one that is gone is left.

        Raises:
            NotOwnedError: it does not carry this object's tags, or was there before the object.
        """
        with gone_is_fine():
            if TAG_ADOPTED in await self.assert_owned(handle):
                raise NotOwnedError(f"{handle.name} was there before this object; it is left alone.")
            await self._caller.call(handle, "DeleteEndpoint", {"EndpointName": handle.name})

    async def delete_config(self, handle: Handle, name: str) -> None:
        """Delete a config, if it is there and ours."""
        with gone_is_fine():
            if await self._is_ours(handle, "endpoint-config", name):
                await self._caller.call(handle, "DeleteEndpointConfig", {"EndpointConfigName": name})

    async def delete_model(self, handle: Handle, name: str) -> None:
        """Delete a model, if it is there and ours."""
        with gone_is_fine():
            if await self._is_ours(handle, "model", name):
                await self._caller.call(handle, "DeleteModel", {"ModelName": name})

    # --- whose it is ---------------------------------------------------------------------------------------------

    async def _is_ours(self, handle: Handle, resource: str, name: str) -> bool:
        tags = await list_tags(self._caller, handle, await arn_of(self._caller, handle, resource, name))
        return handle.owner.owns_by_name(tags)

    async def assert_owned(self, handle: Handle) -> Mapping[str, str]:
        """The endpoint's tags, read right before something is done to it: since the last look it may be another's.

        Raises:
            NotOwnedError: it does not carry this object's tags.
        """
        tags = await list_tags(self._caller, handle, await arn_of(self._caller, handle, "endpoint", handle.name))
        if not handle.owner.owns_by_name(tags):
            raise NotOwnedError(f"{handle.name} does not carry this object's tags; it is left alone.")
        return tags

    async def _assert_ours_after(self, error: AwsError, handle: Handle, resource: str, name: str) -> None:
        """After a refusal to create: fine if it is there already, and ours."""
        if error.error_class is not ErrorClass.CONFLICT:
            raise error
        if not await self._is_ours(handle, resource, name):
            raise NameConflictError(f"{name} is there already, and is not ours: delete it, or rename this object.")


def _view(reply: Mapping[str, Any]) -> EndpointView:
    status = reply.get("EndpointStatus")
    if not isinstance(status, str):
        raise malformed("DescribeEndpoint", "EndpointStatus")
    variants = tuple(_variant(entry) for entry in reply.get("ProductionVariants") or ())
    shadows = tuple(_variant(entry) for entry in reply.get("ShadowProductionVariants") or ())
    shown = [_shown(view) for view in variants]
    shown += [_shown(view) | {"shadow": True} for view in shadows]
    counts = [view.count for view in variants if view.count is not None]
    summary = from_response("DescribeEndpoint", reply, fields=[_PENDING]).get(_PENDING)
    pending = PendingDeployment.parse(summary) if summary else None
    return EndpointView(
        status=status,
        config_name=str(reply.get("EndpointConfigName") or ""),
        last_modified=rfc3339(reply["LastModifiedTime"]) if reply.get("LastModifiedTime") else "",
        failure_reason=str(reply.get("FailureReason") or ""),
        variants=variants,
        pending=pending,
        fields={
            **dict.fromkeys(_STATUS_FIELDS),
            **from_response("DescribeEndpoint", reply, fields=_STATUS_FIELDS),
            _PENDING: pending.dump() if pending else None,
            _STAGE: (pending.stage_name or None) if pending else None,
            "variants": shown or None,
            "traffic": _traffic(variants, shadows),
            "replicas": sum(counts) if counts else None,
        },
    )


def _variant(entry: Mapping[str, Any]) -> VariantView:
    return VariantView(
        name=entry["VariantName"],
        weight=entry.get("CurrentWeight"),
        desired_weight=entry.get("DesiredWeight", entry.get("CurrentWeight")),
        count=entry.get("CurrentInstanceCount"),
        desired_count=entry.get("DesiredInstanceCount", entry.get("CurrentInstanceCount")),
        concurrency=(entry.get("CurrentServerlessConfig") or {}).get("ProvisionedConcurrency"),
        desired_concurrency=(entry.get("DesiredServerlessConfig") or {}).get("ProvisionedConcurrency"),
        status=next((one["Status"] for one in entry.get("VariantStatus") or ()), ""),
    )


def _instance_types(variants: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {entry["VariantName"]: entry.get("InstanceType", "") for entry in variants}


def _traffic(variants: Sequence[VariantView], shadows: Sequence[VariantView]) -> str | None:
    """The variants and their present weights in one line, which kubectl can print."""
    words = [f"{view.name}={view.weight or 0:g}" for view in variants] if len(variants) > 1 else []
    words = words or [view.name for view in variants]
    return ", ".join([*words, *(f"{view.name} (shadow)" for view in shadows)]) or None


def _shown(view: VariantView) -> dict[str, Any]:
    entry = {
        "variantName": view.name,
        "currentWeight": view.weight,
        "desiredWeight": view.desired_weight,
        "currentInstanceCount": view.count,
        "desiredInstanceCount": view.desired_count,
        "currentProvisionedConcurrency": view.concurrency,
        "desiredProvisionedConcurrency": view.desired_concurrency,
        "status": view.status,
    }
    return {key: value for key, value in entry.items() if value not in (None, "")}


def _request(operation: str, spec: Mapping[str, Any], tags: Mapping[str, str] | None) -> dict[str, Any]:
    try:
        request = to_request(operation, spec)
    except ConversionError as error:
        raise SpecError(error.path, error.message) from error
    return request | ({"Tags": listed(tags)} if tags else {})
