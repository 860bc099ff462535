"""Create, Describe, List and Delete of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import tags, wire
from sagebridge_local.sagemaker.models import checks
from sagebridge_local.sagemaker.resources import MODEL, Resource, list_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sagebridge_local.sagemaker.jobs.operations import Call


def create(call: Call) -> dict[str, Any]:
    """Keep a model; nothing is looked at until it is used.

    Raises:
        ServiceError: ValidationException for a name that is taken, or members that don't fit together.
    """
    request = dict(call.request)
    table = call.resources(MODEL)
    given = request.pop("Tags", ())
    tags.check(given)
    checks.check(request, account=call.account)
    table.check_free(request["ModelName"])
    model = Resource(
        name=request["ModelName"],
        arn=table.arn(request["ModelName"]),
        account=call.account,
        region=call.region,
        request=request,
        creation_time=call.now,
        last_modified_time=call.now,
        tags={tag["Key"]: tag["Value"] for tag in given},
    )
    table.add(model)
    return {"ModelArn": model.arn}


def describe(call: Call) -> dict[str, Any]:
    """The model as it was asked for; a container without a Mode is a SingleModel."""
    model: Resource = call.resources(MODEL).find(call.request["ModelName"])
    shown = {
        **model.request,
        "ModelArn": model.arn,
        "CreationTime": wire.instant(model.creation_time),
        "EnableNetworkIsolation": model.request.get("EnableNetworkIsolation", False),
    }
    if "PrimaryContainer" in shown:
        shown["PrimaryContainer"] = _shown(shown["PrimaryContainer"])
    if "Containers" in shown:
        shown["Containers"] = [_shown(container) for container in shown["Containers"]]
    return shown


def list_models(call: Call) -> dict[str, Any]:
    """A page of models."""
    return list_resources(call.resources(MODEL), call.request, summarise=_summary, member="Models")


def delete(call: Call) -> dict[str, Any]:
    """Forget a model; endpoints that use it go on."""
    table = call.resources(MODEL)
    table.remove(table.find(call.request["ModelName"]))
    return {}


def _shown(container: Mapping[str, Any]) -> dict[str, Any]:
    return {"Mode": "SingleModel", **container}


def _summary(model: Resource) -> dict[str, Any]:
    return {"ModelName": model.name, "ModelArn": model.arn, "CreationTime": wire.instant(model.creation_time)}


HANDLERS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "CreateModel": create,
    "DescribeModel": describe,
    "ListModels": list_models,
    "DeleteModel": delete,
}
