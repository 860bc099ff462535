"""A pure model of SageMaker's endpoints and of application-autoscaling: what is allowed, what happens, what is left.

It follows the API reference of CreateEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DeleteEndpoint,
DeleteEndpointConfig and https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-policy-update.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sagebridge.core.endpoint.observed import EndpointView, Observed, VariantView
from sagebridge.core.endpoint.scaling import ScalingView, TargetKey

_NO_CHANGE: Mapping[str, Any] = {"ScalableTargetAction": {}}


class RefusedError(Exception):
    """What SageMaker answers with a ValidationException."""


@dataclass
class Endpoint:
    config: str
    status: str
    variants: dict[str, tuple[float, int]]
    modified: int
    target: str = ""
    numbers: dict[str, tuple[float, int]] = field(default_factory=dict)
    failure: str = ""


@dataclass
class Service:
    """One account's region, with one endpoint at most."""

    models: set[str] = field(default_factory=set)
    configs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    scaling: dict[TargetKey, ScalingView] = field(default_factory=dict)
    clock: int = 0
    served: bool = False
    deleted_in_service: int = 0
    calls: list[str] = field(default_factory=list)
    ever_served: set[str] = field(default_factory=set)

    def look(self) -> Observed:
        self.calls.append("DescribeEndpoint")
        if self.endpoint is None:
            return Observed(endpoint=None, scaling=dict(self.scaling))
        found = self.endpoint
        view = EndpointView(
            status=found.status,
            config_name=found.config,
            last_modified=str(found.modified),
            failure_reason=found.failure,
            variants=tuple(
                VariantView(name=name, weight=weight, desired_weight=weight, count=count, desired_count=count)
                for name, (weight, count) in found.variants.items()
            ),
        )
        return Observed(endpoint=view, scaling=dict(self.scaling))

    def create_model(self, name: str) -> None:
        self.calls.append("CreateModel")
        self.models.add(name)

    def create_config(self, name: str, request: Mapping[str, Any]) -> None:
        self.calls.append("CreateEndpointConfig")
        self._need_models(request)
        self.configs[name] = request

    def create_endpoint(self, config: str) -> None:
        self.calls.append("CreateEndpoint")
        if self.endpoint is not None:
            raise RefusedError("Cannot create already existing endpoint")
        self._need_config(config)
        self.endpoint = Endpoint(
            config=config, status="Creating", variants=self._numbers(config), modified=self._tick()
        )

    def update(self, config: str, *, retain: bool, exclude: tuple[str, ...]) -> None:
        self.calls.append("UpdateEndpoint")
        endpoint = self._settled()
        self._need_config(config)
        types = self._types(config)
        running = self._types(endpoint.config)
        for key in self.scaling:
            if types.get(key.variant) != running.get(key.variant):
                raise RefusedError("deregister the scalable target first")
        numbers = self._numbers(config)
        if retain:
            for name in numbers.keys() & endpoint.variants.keys():
                weight, count = numbers[name]
                kept_weight, kept_count = endpoint.variants[name]
                numbers[name] = (
                    weight if "DesiredWeight" in exclude else kept_weight,
                    count if "DesiredInstanceCount" in exclude else kept_count,
                )
        for key in self.scaling:
            if key.variant in numbers:
                assert numbers[key.variant][1] == endpoint.variants[key.variant][1], "autoscaling's count was set"
        self.endpoint = replace(
            endpoint, status="Updating", target=config, numbers=numbers, modified=self._tick(), failure=""
        )

    def update_numbers(self, weights: Mapping[str, float], counts: Mapping[str, int]) -> None:
        self.calls.append("UpdateEndpointWeightsAndCapacities")
        endpoint = self._settled()
        numbers = dict(endpoint.variants)
        assert len(counts) + bool(weights) == 1, "weights, or the capacity of one variant"
        for name in (*weights, *counts):
            if name not in numbers:
                raise RefusedError(f"no variant {name}")
        for name, weight in weights.items():
            numbers[name] = (weight, numbers[name][1])
        for name, count in counts.items():
            assert all(key.variant != name for key in self.scaling), "autoscaling would undo the count"
            numbers[name] = (numbers[name][0], count)
        self.endpoint = replace(
            endpoint, status="Updating", target=endpoint.config, numbers=numbers, modified=self._tick(), failure=""
        )

    def delete_endpoint(self) -> None:
        self.calls.append("DeleteEndpoint")
        if self.endpoint is None:
            raise RefusedError("Could not find endpoint")
        if self.endpoint.status in {"Creating", "Updating", "Deleting"}:
            raise RefusedError("Cannot update in-progress endpoint")
        if self.endpoint.status == "InService":
            self.deleted_in_service += 1
        assert not self.scaling, "a scalable target would outlive its endpoint"
        self.endpoint = replace(self.endpoint, status="Deleting", modified=self._tick())
        self.served = False

    def delete_config(self, name: str) -> None:
        self.calls.append("DeleteEndpointConfig")
        if self.endpoint is not None:
            assert name not in (self.endpoint.config, self.endpoint.target), "a config in use was deleted"
        self.configs.pop(name, None)

    def delete_model(self, name: str) -> None:
        self.calls.append("DeleteModel")
        if self.endpoint is not None:
            used = {
                variant["modelName"]
                for config in (self.endpoint.config, self.endpoint.target)
                for variant in self.configs.get(config, {}).get("productionVariants", ())
            }
            assert name not in used, "a model in use was deleted"
        self.models.discard(name)

    # --- what happens by itself ----------------------------------------------------------------------------------

    def settle(self, *, fail: bool, reason: str = "the container did not answer /ping") -> None:
        """What is under way ends, well or badly."""
        endpoint = self.endpoint
        if endpoint is None:
            return
        if endpoint.status == "Deleting":
            self.endpoint = None
        elif endpoint.status == "Creating":
            status = "Failed" if fail else "InService"
            self.endpoint = replace(endpoint, status=status, failure=reason if fail else "", modified=self._tick())
        elif endpoint.status == "Updating" and fail:
            self.endpoint = replace(endpoint, status="InService", target="", failure=reason, modified=self._tick())
        elif endpoint.status == "Updating":
            self.endpoint = replace(
                endpoint,
                status="InService",
                config=endpoint.target,
                variants=endpoint.numbers,
                target="",
                modified=self._tick(),
            )
        if self.endpoint is not None and self.endpoint.status == "InService":
            self.served = True
            self.ever_served.add(self.endpoint.config)

    def scale_out(self, variant: str) -> None:
        """Autoscaling adds an instance."""
        endpoint = self.endpoint
        if endpoint is None or endpoint.status != "InService" or variant not in endpoint.variants:
            return
        if any(key.variant == variant for key in self.scaling):
            weight, count = endpoint.variants[variant]
            endpoint.variants[variant] = (weight, count + 1)
            endpoint.modified = self._tick()

    def touch(self) -> None:
        """Somebody else changes something that does not matter here."""
        if self.endpoint is not None:
            self.endpoint.modified = self._tick()

    def act_on_schedule(self) -> None:
        """Scheduled actions change the bounds of their targets."""
        for key, view in self.scaling.items():
            for action in view.scheduled.values():
                change = action["ScalableTargetAction"]
                self.scaling[key] = replace(view, minimum=change.get("MinCapacity", view.minimum))

    def put_policy_of_others(self) -> None:
        """Somebody else scales a target, too."""
        for key, view in self.scaling.items():
            named = {"theirs": {"PolicyType": "StepScaling"}}
            self.scaling[key] = replace(
                view, policies={**view.policies, **named}, scheduled={**view.scheduled, "theirs": _NO_CHANGE}
            )

    def assert_scalable(self, key: TargetKey) -> None:
        """Only a variant that runs can be a scalable target."""
        assert self.endpoint is not None
        assert key.variant in self.endpoint.variants, "a target without a variant was registered"

    def assert_serving(self) -> None:
        """An endpoint that was InService has a config, models and instances, whatever is done to it."""
        if not self.served:
            return
        assert self.endpoint is not None, "an endpoint that was InService is gone"
        assert self.endpoint.status in {"InService", "Updating"}
        assert self.endpoint.config in self.configs
        self._need_models(self.configs[self.endpoint.config])
        assert any(weight > 0 and count > 0 for weight, count in self.endpoint.variants.values())

    def _settled(self) -> Endpoint:
        if self.endpoint is None:
            raise RefusedError("Could not find endpoint")
        if self.endpoint.status != "InService":
            raise RefusedError("Cannot update in-progress endpoint")
        return self.endpoint

    def _need_config(self, name: str) -> None:
        if name not in self.configs:
            raise RefusedError("Could not find endpoint configuration")
        self._need_models(self.configs[name])

    def _need_models(self, request: Mapping[str, Any]) -> None:
        missing = {variant["modelName"] for variant in request["productionVariants"]} - self.models
        if missing:
            raise RefusedError(f"Could not find model {missing}")

    def _numbers(self, config: str) -> dict[str, tuple[float, int]]:
        return {
            variant["variantName"]: (variant["initialVariantWeight"], variant["initialInstanceCount"])
            for variant in self.configs[config]["productionVariants"]
        }

    def _types(self, config: str) -> dict[str, str]:
        variants = self.configs.get(config, {}).get("productionVariants", ())
        return {variant["variantName"]: variant["instanceType"] for variant in variants}

    def _tick(self) -> int:
        self.clock += 1
        return self.clock
