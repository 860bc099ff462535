"""What SageMaker holds for endpoints: what serves, what is left over, and what was done to what served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3

from faults.cluster import Body

_SERVING = frozenset({"InService", "Updating", "RollingBack", "UpdateRollbackFailed"})
_DEFAULT_HISTORY = 3
_SCALED = ("ScalableDimension", "MinCapacity", "MaxCapacity")
_OUTSIDE = ("ResponseMetadata", "CreationTime", "LastModifiedTime")

Held = Mapping[str, Any]


@dataclass(frozen=True)
class Hosting:
    """Reads a local SageMaker directly, past the operator's proxy."""

    url: str

    def held(self, mark: str, *, scaled: bool) -> Held:
        """All that is there for the object with this mark.

        Args:
            mark: occurs in every name.
            scaled: whether anything was registered with Application Auto Scaling.

        Returns:
            Requests and states by kind and name; `targets`, `policies` and `actions` by resource.
        """
        client = self._sagemaker
        models = _names(client.list_models(NameContains=mark), "Models", "ModelName")
        configs = _names(client.list_endpoint_configs(NameContains=mark), "EndpointConfigs", "EndpointConfigName")
        endpoints = _names(client.list_endpoints(NameContains=mark), "Endpoints", "EndpointName")
        found = {
            "models": {name: client.describe_model(ModelName=name) for name in models},
            "configs": {name: client.describe_endpoint_config(EndpointConfigName=name) for name in configs},
            "endpoints": {name: client.describe_endpoint(EndpointName=name) for name in endpoints},
        }
        tags = {
            entry[member]: client.list_tags(ResourceArn=entry[member])["Tags"]
            for kind, member in (("models", "ModelArn"), ("configs", "EndpointConfigArn"), ("endpoints", "EndpointArn"))
            for entry in found[kind].values()
        }
        kept = {kind: {name: _kept(entry) for name, entry in of.items()} for kind, of in found.items()}
        return kept | {"tags": tags} | (self._scaling(mark) if scaled else _NOTHING_SCALED)

    def _scaling(self, mark: str) -> Held:
        client, every = self._scaler, {"ServiceNamespace": "sagemaker"}
        targets = client.describe_scalable_targets(**every)["ScalableTargets"]
        ours = {one["ResourceId"]: {key: one[key] for key in _SCALED} for one in targets if mark in one["ResourceId"]}
        policies = client.describe_scaling_policies(**every)["ScalingPolicies"]
        actions = client.describe_scheduled_actions(**every)["ScheduledActions"]
        # On AWS these go with their target, which moto does not do:
        # https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html
        return {
            "targets": ours,
            "policies": sorted(_id(one, "PolicyName") for one in policies if one["ResourceId"] in ours),
            "actions": sorted(_id(one, "ScheduledActionName") for one in actions if one["ResourceId"] in ours),
        }

    @cached_property
    def _sagemaker(self) -> Any:
        return self._client("sagemaker")

    @cached_property
    def _scaler(self) -> Any:
        return self._client("application-autoscaling")

    def _client(self, service: str) -> Any:
        keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return boto3.client(service, region_name="us-east-1", endpoint_url=self.url, **keys)

    @property
    def alarms(self) -> Any:
        """CloudWatch."""
        return self._client("cloudwatch")


_NOTHING_SCALED: Held = {"targets": {}, "policies": [], "actions": []}


def _names(reply: Mapping[str, Any], member: str, name: str) -> list[str]:
    return sorted(entry[name] for entry in reply[member])


def _kept(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A Describe reply without what differs from run to run; images were resolved at a time."""
    kept = {key: value for key, value in entry.items() if key not in _OUTSIDE}
    if "EndpointStatus" in kept:
        shown = [{**one, "DeployedImages": None} for one in kept.get("ProductionVariants", ())]
        kept["ProductionVariants"] = shown
    return kept


def _id(entry: Mapping[str, Any], member: str) -> str:
    return f"{entry['ResourceId']} {entry[member]}"


@dataclass
class ServingWatch:
    """Looks at every deletion before it is done: what serves must go on.

    SageMaker allows all of these. A config or a model that an endpoint runs must not be deleted all the same:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteEndpointConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeleteModel.html

    Attributes:
        taken_down: endpoints that were deleted while they served: right only where their object goes.
        harm: what was deleted though an endpoint ran it.
    """

    taken_down: list[str] = field(default_factory=list)
    harm: list[str] = field(default_factory=list)
    _models: dict[str, set[str]] = field(default_factory=dict)

    def created(self, config: Mapping[str, Any]) -> None:
        """Learn what a config runs."""
        variants = [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]
        self._models[config["EndpointConfigName"]] = {one["ModelName"] for one in variants if "ModelName" in one}

    def deletes(self, operation: str, request: Mapping[str, Any], *, endpoints: Iterable[Mapping[str, Any]]) -> None:
        """Judge a deletion by the endpoints as they are just before."""
        for endpoint in endpoints:
            serves = endpoint["status"] in _SERVING
            runs = {endpoint["configName"], endpoint["greenConfigName"]} if endpoint["status"] != "Deleting" else set()
            if operation == "DeleteEndpoint" and request["EndpointName"] == endpoint["name"] and serves:
                self.taken_down.append(endpoint["name"])
            if operation == "DeleteEndpointConfig" and request["EndpointConfigName"] in runs:
                self.harm.append(f"{request['EndpointConfigName']}, which {endpoint['name']} ran")
            used = {model for config in runs for model in self._models.get(config or "", ())}
            if operation == "DeleteModel" and request["ModelName"] in used:
                self.harm.append(f"{request['ModelName']}, which {endpoint['name']} ran")


def misses(body: Body | None, held: Held) -> list[str]:
    """What SageMaker has though the object does not want it, or lacks though it does; for an object at rest.

    Args:
        body: the object; None if it is gone, so that nothing may be left.
        held: what `Hosting.held` tells of it.
    """
    if body is None:
        return [f"{kind} left: {entries}" for kind, entries in held.items() if entries]
    return [*_left_over(body, held), *(_unserved(body, held) if _is_ready(body) else ())]


def _is_ready(body: Body) -> bool:
    conditions = (body.get("status") or {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _left_over(body: Body, held: Held) -> Iterator[str]:
    """Models and configs that no revision names, and more revisions than are to be kept."""
    revisions = body["status"].get("revisions") or ()
    known = {
        "configs": {one["endpointConfigName"] for one in revisions},
        "models": {name for one in revisions for name in one["modelNames"]},
    }
    for kind, names in known.items():
        # Status records them before they are made: what an edit overtook was perhaps never made.
        if unknown := held[kind].keys() - names:
            yield f"{kind} {sorted(unknown)} are there, status knows {sorted(names)}"
    limit = (body["spec"].get("history") or {}).get("limit", _DEFAULT_HISTORY)
    # One runs; another one was to run, where an update has failed; the last that never served stays beside the others.
    if len(revisions) > limit + min(1, limit) + (1 if _is_ready(body) else 2):
        yield f"{len(revisions)} revisions are kept, though the limit is {limit}"


def _unserved(body: Body, held: Held) -> Iterator[str]:
    """Whatever does not serve, or is not scaled, as the spec says."""
    spec = body["spec"]
    [endpoint] = held["endpoints"].values()
    if endpoint["EndpointStatus"] != "InService":
        yield f"it is {endpoint['EndpointStatus']}"
    data = {model["name"]: model["modelDataUrl"] for model in spec["models"]}
    wanted = {one["variantName"]: data[one["modelName"]] for one in spec["productionVariants"]}
    config = held["configs"][endpoint["EndpointConfigName"]]
    served = {
        one["VariantName"]: held["models"][one["ModelName"]]["PrimaryContainer"]["ModelDataUrl"]
        for one in config["ProductionVariants"]
    }
    if served != wanted:
        yield f"it serves {served}, not {wanted}"
    shown = {one["VariantName"]: one for one in endpoint["ProductionVariants"]}
    scaled = {}
    for one in spec["productionVariants"]:
        runs = shown[one["variantName"]]
        if runs["CurrentWeight"] != one.get("initialVariantWeight", 1):
            yield f"{one['variantName']} has weight {runs['CurrentWeight']}"
        scaling = one.get("autoscaling")
        if scaling:
            scaled[one["variantName"]] = (scaling["minCapacity"], scaling["maxCapacity"])
        elif runs["CurrentInstanceCount"] != one.get("initialInstanceCount", 1):
            yield f"{one['variantName']} has {runs['CurrentInstanceCount']} instances"
    targets = {key.rpartition("/")[2]: (one["MinCapacity"], one["MaxCapacity"]) for key, one in held["targets"].items()}
    if targets != scaled:
        yield f"it is scaled {targets}, not {scaled}"
    if {name.rpartition("/")[2] for name in held["policies"]} != {f"{name} sagebridge-target" for name in scaled}:
        yield f"its scaling policies are {held['policies']}"
