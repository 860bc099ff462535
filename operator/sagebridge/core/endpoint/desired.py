"""What an endpoint's spec asks SageMaker for: names that stand for their content, requests, counts, scaling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagebridge.core.endpoint.scaling import ScalingPlan


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPlan:
    """One model to make.

    Attributes:
        name: its name in SageMaker; another content has another name.
        spec_name: its name in ``spec.models``.
        request: CreateModel's request in lowerCamelCase, without tags.
    """

    name: str
    spec_name: str
    request: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigPlan:
    """The endpoint config to make.

    Attributes:
        name: its name in SageMaker: what is the same for configs that differ in weights and counts alone, then the
            rest of the content's hash.
        template: the name's part that such configs share.
        request: CreateEndpointConfig's request in lowerCamelCase, without tags.
    """

    name: str
    template: str
    request: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantPlan:
    """One production variant.

    Attributes:
        name: its name.
        weight: its share of traffic, relative to the others'.
        count: instances it shall have; None where somebody else decides: autoscaling, SageMaker, or serverless.
        instance_type: of its instances; empty if it is serverless or leaves the choice to SageMaker.
        is_serverless: whether it has no instances.
        scaling: its autoscaling; None without.
    """

    name: str
    weight: float = 1.0
    count: int | None = None
    instance_type: str = ""
    is_serverless: bool = False
    scaling: ScalingPlan | None = None

    @property
    def keeps_count(self) -> bool:
        """Whether the number of its instances is somebody else's to say, so that an update must not set it."""
        return self.count is None and not self.is_serverless


@dataclass(frozen=True, kw_only=True, slots=True)
class Desired:
    """Everything that a spec asks for.

    Attributes:
        models: what the variants run; those with the same content once.
        model_names: SageMaker's names by those in ``spec.models``.
        config: what the endpoint runs.
        variants: the production variants; a shadow variant's numbers are part of the config.
        deployment: ``deploymentConfig`` in lowerCamelCase; None for SageMaker's default, all at once.
        nonce: another one asks for another try.
        served_models: what the models are made of, as status shows it.
    """

    models: tuple[ModelPlan, ...]
    model_names: Mapping[str, str]
    config: ConfigPlan
    variants: tuple[VariantPlan, ...]
    deployment: Mapping[str, Any] | None = None
    nonce: str = ""
    served_models: tuple[Mapping[str, Any], ...] = ()

    @property
    def deployment_key(self) -> str:
        """Stands for one way to come to this config: what failed is not tried again under the same key."""
        return content_hash([self.config.name, self.deployment, self.nonce])

    @property
    def numbers_key(self) -> str:
        """Stands for these weights and counts, on this config."""
        numbers = [[variant.name, variant.weight, variant.count] for variant in self.variants]
        return content_hash([self.config.template, numbers, self.nonce])

    @property
    def scaled(self) -> Mapping[str, ScalingPlan]:
        """Autoscaling by variant."""
        return {variant.name: variant.scaling for variant in self.variants if variant.scaling is not None}

    @property
    def instance_types(self) -> Mapping[str, str]:
        """Instance types by production variant."""
        return {variant.name: variant.instance_type for variant in self.variants}

    @property
    def shadow_instance_types(self) -> Mapping[str, str]:
        """Instance types by shadow variant."""
        shadows = self.config.request.get("shadowProductionVariants") or ()
        return {variant["variantName"]: str(variant.get("instanceType", "")) for variant in shadows}


@dataclass(frozen=True, kw_only=True, slots=True)
class NamePattern:
    """How the things that belong to one endpoint are named.

    Attributes:
        readable: namespace and name.
        identity: ten characters that only this endpoint's things have.
    """

    readable: str
    identity: str
    limit: int = field(default=63)

    def name(self, *parts: str) -> str:
        """A name that ends in `parts`; only what people read is cut to the limit, never a hash."""
        end = "-".join((self.identity, *parts))
        return f"{self.readable[: self.limit - len(end) - 1].rstrip('-')}-{end}"


def content_hash(content: Any, *, length: int = 10) -> str:
    """Characters that stand for JSON-like content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:length]
