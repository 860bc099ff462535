"""Create, Describe, List, Update and Delete of endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors, tags, wire
from sagebridge_local.sagemaker.endpoints import configs, rollout, scaling
from sagebridge_local.sagemaker.endpoints.describe import describe as description
from sagebridge_local.sagemaker.endpoints.endpoint import BUSY, FAILED, Endpoint, Fleet, Variant, usages
from sagebridge_local.sagemaker.models.containers import definitions
from sagebridge_local.sagemaker.resources import (
    ENDPOINT,
    ENDPOINT_CONFIG,
    MODEL,
    Resource,
    ResourceTable,
    list_resources,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.operations import Call

INSTANCE_COUNT: Final = "DesiredInstanceCount"
WEIGHT: Final = "DesiredWeight"


def create(call: Call) -> dict[str, Any]:
    """Accept an endpoint and begin to deploy it.

    Raises:
        ServiceError: ValidationException for a name that is taken, a configuration or a model that is not there;
            ResourceLimitExceeded.
    """
    request = dict(call.request)
    given = request.pop("Tags", ())
    tags.check(given)
    table: ResourceTable[Endpoint] = call.resources(ENDPOINT)
    fleet = _fleet(call, request["EndpointConfigName"])
    table.check_free(request["EndpointName"])
    deployment_config = request.get("DeploymentConfig")
    rollout.check(deployment_config, new=fleet)
    _check_quota(call, fleet)
    endpoint = Endpoint(
        name=request["EndpointName"],
        arn=table.arn(request["EndpointName"]),
        account=call.account,
        region=call.region,
        request=request,
        creation_time=call.now,
        last_modified_time=call.now,
        tags={tag["Key"]: tag["Value"] for tag in given},
        config_name=fleet.config_name,
        deployment_config=deployment_config,
        green=fleet,
    )
    table.add(endpoint)
    _deploy(call, endpoint, deployment_config)
    return {"EndpointArn": endpoint.arn}


def describe(call: Call) -> bytes:
    """The Describe reply, encoded once per change of the endpoint."""
    endpoint = _found(call)
    if endpoint.described is None:
        endpoint.described = wire.dump(description(endpoint))
    return endpoint.described


def list_endpoints(call: Call) -> dict[str, Any]:
    """A page of endpoints."""
    return list_resources(
        call.resources(ENDPOINT),
        call.request,
        summarise=_summary,
        member="Endpoints",
        status=lambda endpoint: str(endpoint.status),
    )


def update(call: Call) -> dict[str, Any]:
    """Begin to deploy another configuration.

    Raises:
        ServiceError: ValidationException while the endpoint is busy or Failed, or for what is not there;
            ResourceLimitExceeded.
    """
    request = call.request
    endpoint = _free(call)
    fleet = _fleet(call, request["EndpointConfigName"])
    if request.get("RetainAllVariantProperties"):
        excluded = {each["VariantPropertyType"] for each in request.get("ExcludeRetainedVariantProperties", ())}
        if "DataCaptureConfig" in excluded:
            raise errors.validation("ExcludeRetainedVariantProperties does not support DataCaptureConfig")
        _retain(fleet, endpoint.fleet, excluded=excluded)
    elif request.get("ExcludeRetainedVariantProperties"):
        raise errors.validation("ExcludeRetainedVariantProperties needs RetainAllVariantProperties")
    deployment_config = request.get("DeploymentConfig")
    if request.get("RetainDeploymentConfig"):
        if deployment_config:
            raise errors.validation("DeploymentConfig and RetainDeploymentConfig exclude each other")
        deployment_config = endpoint.deployment_config
    rollout.check(deployment_config, new=fleet, old=endpoint.fleet)
    scaling.check_update(endpoint, fleet)
    _check_quota(call, fleet)
    if endpoint.green is not None:
        endpoint.green.stop()
    endpoint.green, endpoint.failure_reason = fleet, None
    endpoint.deployment_config = deployment_config
    _deploy(call, endpoint, deployment_config)
    return {"EndpointArn": endpoint.arn}


def update_weights(call: Call) -> dict[str, Any]:
    """Change weights and capacities of variants that serve.

    Raises:
        ServiceError: ValidationException while the endpoint is busy or Failed, for a variant that is not there, or for
            the capacity of more than one; ResourceLimitExceeded.
    """
    endpoint = _free(call)
    fleet = endpoint.fleet
    assert fleet is not None  # one that is neither busy nor Failed serves
    changes = call.request["DesiredWeightsAndCapacities"]
    if len(changes) > 1 and any(INSTANCE_COUNT in change for change in changes):
        raise errors.validation("Change the weights of one or more variants, or the capacity of one variant")
    variants = {variant.name: variant for variant in fleet.everything}
    for change in changes:
        if change["VariantName"] not in variants:
            raise errors.validation(f'Could not find variant "{change["VariantName"]}" of endpoint "{endpoint.arn}".')
        _check_change(variants[change["VariantName"]], change)
    _check_scale(call, changes, variants)
    for change in changes:
        _apply(variants[change["VariantName"]], change)
    call.service.endpoints.rescale(endpoint, at=call.now)
    return {"EndpointArn": endpoint.arn}


def delete(call: Call) -> dict[str, Any]:
    """Delete an endpoint; its configuration and models stay.

    Raises:
        ServiceError: ValidationException while it is busy.
    """
    endpoint = _found(call)
    _check_not_busy(endpoint)
    scaling.deregister(endpoint)
    call.service.endpoints.delete(endpoint, at=call.now)
    return {}


def _found(call: Call) -> Endpoint:
    found: Endpoint = call.resources(ENDPOINT).find(call.request["EndpointName"])
    return found


def _free(call: Call) -> Endpoint:
    """The endpoint, if it can be updated."""
    endpoint = _found(call)
    _check_not_busy(endpoint)
    if endpoint.status == FAILED:
        raise errors.validation(f'Cannot update endpoint "{endpoint.arn}" in status Failed. It can only be deleted.')
    return endpoint


def _check_not_busy(endpoint: Endpoint) -> None:
    if endpoint.status in BUSY:
        raise errors.validation(f'Cannot update in-progress endpoint "{endpoint.arn}".')


def _fleet(call: Call, config_name: str) -> Fleet:
    """The fleet that a configuration asks for, with its models as they are now."""
    config: Resource = call.resources(ENDPOINT_CONFIG).find(config_name)
    configs.check_models(call, config.request)
    models = call.resources(MODEL)

    def variant(wanted: Mapping[str, Any]) -> Variant:
        model = models.find(wanted["ModelName"]).request if "ModelName" in wanted else None
        if model is not None and "ServerlessConfig" in wanted:
            _check_serverless(model)
        return Variant.of(wanted, model)

    return Fleet(
        config_name=config.name,
        config=config.request,
        variants=[variant(each) for each in config.request["ProductionVariants"]],
        shadows=[variant(each) for each in config.request.get("ShadowProductionVariants", ())],
    )


def _check_serverless(model: Mapping[str, Any]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html (feature exclusions)."""
    containers = definitions(model)
    facts = {
        "several containers": len(containers) > 1,
        "multi-model containers": any(container.get("Mode") == "MultiModel" for container in containers),
        "ModelDataSource": any("ModelDataSource" in container for container in containers),
        "a VpcConfig": "VpcConfig" in model,
        "network isolation": bool(model.get("EnableNetworkIsolation")),
    }
    excluded = [what for what, holds in facts.items() if holds]
    if excluded:
        raise errors.validation(f"Serverless endpoints do not support models with {', '.join(excluded)}")


def _retain(fleet: Fleet, old: Fleet | None, *, excluded: set[str]) -> None:
    """RetainAllVariantProperties: counts and weights of what serves, by variant names."""
    if old is None:
        return
    present = {variant.name: variant for variant in old.everything}
    for variant in fleet.everything:
        kept = present.get(variant.name)
        if kept is None:
            continue
        if INSTANCE_COUNT not in excluded and variant.count is not None and kept.desired_count is not None:
            variant.count = variant.desired_count = kept.desired_count
        if WEIGHT not in excluded:
            variant.weight = variant.desired_weight = kept.desired_weight


def _deploy(call: Call, endpoint: Endpoint, deployment_config: Mapping[str, Any] | None) -> None:
    assert endpoint.green is not None  # the caller set it
    service = call.service
    service.endpoints.deploy(
        endpoint,
        rollout.plan(deployment_config, instances=endpoint.green.instances),
        at=call.now,
        doomed_after=service.settings.capacity_wait_seconds if call.lacks_capacity else None,
    )


def _check_quota(call: Call, fleet: Fleet) -> None:
    """Blue/green needs both fleets at once."""
    present: list[Endpoint] = call.resources(ENDPOINT).all()
    call.service.quotas.check_usage(
        usages(fleet), used=lambda usage: sum(endpoint.usages.get(usage, 0) for endpoint in present)
    )


def _check_change(variant: Variant, change: Mapping[str, Any]) -> None:
    if variant.serverless is None and "ServerlessUpdateConfig" in change:
        raise errors.validation(f"Variant {variant.name} is not serverless")
    if variant.serverless is not None and "DesiredInstanceCount" in change:
        raise errors.validation(f"Variant {variant.name} is serverless: it has no instances")


def _check_scale(call: Call, changes: list[Mapping[str, Any]], variants: Mapping[str, Variant]) -> None:
    asked: dict[str, int] = {}
    for change in changes:
        variant = variants[change["VariantName"]]
        more = change.get("DesiredInstanceCount", 0) - (variant.desired_count or 0)
        if more > 0 and "InstanceType" in variant.config:
            usage = f"{variant.config['InstanceType']} for endpoint usage"
            asked[usage] = asked.get(usage, 0) + more
    present: list[Endpoint] = call.resources(ENDPOINT).all()
    call.service.quotas.check_usage(
        asked, used=lambda usage: sum(endpoint.usages.get(usage, 0) for endpoint in present)
    )


def _apply(variant: Variant, change: Mapping[str, Any]) -> None:
    variant.desired_weight = float(change.get("DesiredWeight", variant.desired_weight))
    variant.desired_count = change.get("DesiredInstanceCount", variant.desired_count)
    if variant.desired_serverless is not None:
        variant.desired_serverless |= change.get("ServerlessUpdateConfig", {})


def _summary(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": wire.instant(endpoint.creation_time),
        "LastModifiedTime": wire.instant(endpoint.last_modified_time),
        "EndpointStatus": endpoint.status,
    }


HANDLERS: Final[Mapping[str, Callable[[Call], Mapping[str, Any] | bytes]]] = {
    "CreateEndpoint": create,
    "DescribeEndpoint": describe,
    "ListEndpoints": list_endpoints,
    "UpdateEndpoint": update,
    "UpdateEndpointWeightsAndCapacities": update_weights,
    "DeleteEndpoint": delete,
}
