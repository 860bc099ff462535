"""Create, Describe, List and Delete of endpoint configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import tags, wire
from sagebridge_local.sagemaker.endpoints import config_checks
from sagebridge_local.sagemaker.resources import ENDPOINT_CONFIG, MODEL, Resource, list_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.operations import Call


def create(call: Call) -> dict[str, Any]:
    """Keep a configuration.

    Raises:
        ServiceError: ValidationException for a name that is taken, a model that is not there, or members that don't
            fit together.
    """
    request = dict(call.request)
    table = call.resources(ENDPOINT_CONFIG)
    given = request.pop("Tags", ())
    tags.check(given)
    config_checks.check(request)
    table.check_free(request["EndpointConfigName"])
    check_models(call, request)
    config = Resource(
        name=request["EndpointConfigName"],
        arn=table.arn(request["EndpointConfigName"]),
        account=call.account,
        region=call.region,
        request=request,
        creation_time=call.now,
        last_modified_time=call.now,
        tags={tag["Key"]: tag["Value"] for tag in given},
    )
    table.add(config)
    return {"EndpointConfigArn": config.arn}


def check_models(call: Call, config: Mapping[str, Any]) -> None:
    """Refuse a configuration whose models do not exist.

    Raises:
        ServiceError: ValidationException `Could not find model "ARN".`
    """
    models = call.resources(MODEL)
    for variant in (*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())):
        if "ModelName" in variant:
            models.find(variant["ModelName"])


def describe(call: Call) -> dict[str, Any]:
    """The configuration as it was asked for; a variant without a weight has 1."""
    config: Resource = call.resources(ENDPOINT_CONFIG).find(call.request["EndpointConfigName"])
    shown = {
        **config.request,
        "EndpointConfigArn": config.arn,
        "CreationTime": wire.instant(config.creation_time),
        "EnableNetworkIsolation": config.request.get("EnableNetworkIsolation", False),
    }
    for member in ("ProductionVariants", "ShadowProductionVariants"):
        if member in shown:
            shown[member] = [{"InitialVariantWeight": 1.0, **variant} for variant in shown[member]]
    return shown


def list_configs(call: Call) -> dict[str, Any]:
    """A page of configurations."""
    return list_resources(call.resources(ENDPOINT_CONFIG), call.request, summarise=_summary, member="EndpointConfigs")


def delete(call: Call) -> dict[str, Any]:
    """Forget a configuration; an endpoint that uses it goes on."""
    table = call.resources(ENDPOINT_CONFIG)
    table.remove(table.find(call.request["EndpointConfigName"]))
    return {}


def _summary(config: Resource) -> dict[str, Any]:
    return {
        "EndpointConfigName": config.name,
        "EndpointConfigArn": config.arn,
        "CreationTime": wire.instant(config.creation_time),
    }


HANDLERS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "CreateEndpointConfig": create,
    "DescribeEndpointConfig": describe,
    "ListEndpointConfigs": list_configs,
    "DeleteEndpointConfig": delete,
}
