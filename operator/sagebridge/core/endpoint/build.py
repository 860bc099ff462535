"""An endpoint's spec as what SageMaker is asked for: models and a config, under names that stand for their content."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sagebridge.core.endpoint.desired import ConfigPlan, Desired, ModelPlan, NamePattern, VariantPlan, content_hash
from sagebridge.core.endpoint.refusals import check
from sagebridge.core.endpoint.scaling import scaling_plan
from sagebridge.core.errors import SpecError
from sagebridge.core.names import Owner, digest

NAME_LIMIT = 63

_OWN_FIELDS = frozenset(
    {
        "cluster",
        "deploymentConfig",
        "endpointName",
        "history",
        "models",
        "region",
        "replicas",
        "roleArn",
        "runPolicy",
        "tags",
        "target",
    }
)
"""Fields of a spec that are not CreateEndpointConfig's; all others are passed on, those of a newer API, too."""

_OWN_VARIANT_FIELDS = ("autoscaling",)
_NUMBERS = ("initialInstanceCount", "initialVariantWeight")
_MODEL_FIELDS = ("enableNetworkIsolation", "inferenceExecutionConfig", "vpcConfig")
_CONTAINER_FIELDS = (
    "additionalModelDataSources",
    "containerHostname",
    "containerMetricsConfig",
    "environment",
    "image",
    "imageConfig",
    "inferenceSpecificationName",
    "mode",
    "modelDataSource",
    "modelDataUrl",
    "multiModelConfig",
)
_DEFAULT_WEIGHT = 1.0
_DEFAULT_COUNT = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """What a container of a model serves, as far as the manifest does not say it itself.

    Attributes:
        image: the image that serves it; None to take the manifest's.
        model_data_url: the artifact, an archive or a prefix of files; None to take the manifest's.
        environment: variables that the image's toolkit needs; the manifest's go before.
        variables: those of ``environmentFrom``, which go before them; ``environment`` of the manifest goes before both.
        vouched_url: the artifact, where SageMaker has said that it is this namespace's.
    """

    image: str | None = None
    model_data_url: str | None = None
    vouched_url: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildContext:
    """What a spec's meaning depends on besides itself.

    Attributes:
        owner: the object.
        role_arn: the role that containers run with.
        served: by model and index of container (0 for a model of one), what was resolved.
        nonce: another one asks for another try of what has failed.
    """

    owner: Owner
    role_arn: str
    served: Mapping[tuple[str, int], Served] = field(default_factory=dict)
    nonce: str = ""


def endpoint_name(owner: Owner, *, given: str | None) -> str:
    """The endpoint's name: the one in the spec, or one that outlives the object, since callers know it."""
    return given or _pattern(owner).name()


def build(spec: Mapping[str, Any], context: BuildContext) -> Desired:
    """Say what a spec asks for.

    Args:
        spec: in lowerCamelCase, as the schema lets it through.
        context: what was resolved.

    Raises:
        SpecError: AWS forbids it, or something is missing; names the field.
    """
    check(spec)
    pattern = _pattern(context.owner)
    models = {
        model["name"]: _model(model, index, pattern, context) for index, model in enumerate(spec.get("models") or ())
    }
    variants = _with_defaults(spec)
    config = _config(spec, variants, models, pattern, context)
    return Desired(
        models=tuple({model.name: model for model in models.values()}.values()),
        model_names={name: model.name for name, model in models.items()},
        config=config,
        variants=tuple(_variant(variant) for variant in variants),
        deployment=spec.get("deploymentConfig"),
        nonce=context.nonce,
    )


def _pattern(owner: Owner) -> NamePattern:
    readable = re.sub(r"[^a-zA-Z0-9-]", "-", f"{owner.namespace}-{owner.name}")
    identity = digest(owner.cluster, owner.namespace, owner.name)
    return NamePattern(readable=readable, identity=identity, limit=NAME_LIMIT)


# --- models ------------------------------------------------------------------------------------------------------


def _model(model: Mapping[str, Any], index: int, pattern: NamePattern, context: BuildContext) -> ModelPlan:
    field_name = f"spec.models[{index}]"
    request: dict[str, Any] = {key: model[key] for key in _MODEL_FIELDS if key in model}
    request["executionRoleArn"] = context.role_arn
    containers = [
        container_definition(container, context.served.get((model["name"], number), Served()))
        for number, container in enumerate(containers_of(model))
    ]
    for number, container in enumerate(containers):
        _check_container(container, field=f"{field_name}.containers[{number}]" if len(containers) > 1 else field_name)
    if "containers" in model:
        request["containers"] = containers
    else:
        request["primaryContainer"] = containers[0]
    return ModelPlan(name=pattern.name(content_hash(request)), spec_name=model["name"], request=request)


def containers_of(model: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A model's containers: its own fields are those of the only one, unless it has a list of them."""
    if "containers" in model:
        return list(model["containers"])
    return [model.get("primaryContainer") or model]


def container_definition(container: Mapping[str, Any], served: Served) -> dict[str, Any]:
    """What CreateModel calls a container, of what the manifest says and what was resolved."""
    found = {key: container[key] for key in _CONTAINER_FIELDS if key in container}
    package = container.get("modelPackageArn") or container.get("modelPackageName")
    if package:
        found["modelPackageName"] = package
    if served.image and "image" not in found:
        found["image"] = served.image
    if served.model_data_url:
        found |= _artifact(served.model_data_url)
    environment = {**served.environment, **served.variables, **(found.get("environment") or {})}
    return found | ({"environment": environment} if environment else {})


def _artifact(uri: str) -> dict[str, Any]:
    """An archive, or what a training job with compressionType NONE has left under a prefix."""
    if uri.endswith(".tar.gz"):
        return {"modelDataUrl": uri}
    source = {"s3Uri": f"{uri.rstrip('/')}/", "s3DataType": "S3Prefix", "compressionType": "None"}
    return {"modelDataSource": {"s3DataSource": source}}


def _check_container(container: Mapping[str, Any], *, field: str) -> None:
    if "image" not in container and "modelPackageName" not in container:
        raise SpecError(field, "Say what serves it: image, framework, algorithm, modelRef or modelPackageArn.")


# --- config ------------------------------------------------------------------------------------------------------


def _with_defaults(spec: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [_completed(variant, replicas=spec.get("replicas")) for variant in spec["productionVariants"]]


def _completed(variant: Mapping[str, Any], *, replicas: int | None) -> dict[str, Any]:
    completed = dict(variant)
    completed["initialVariantWeight"] = float(variant.get("initialVariantWeight", _DEFAULT_WEIGHT))
    if "serverlessConfig" in variant:
        return completed
    count = variant.get("initialInstanceCount", _DEFAULT_COUNT) if replicas is None else replicas
    scaling = variant.get("autoscaling")
    if scaling:
        count = min(max(count, scaling["minCapacity"], 1), max(scaling["maxCapacity"], 1))
    completed["initialInstanceCount"] = count
    return completed


def _config(
    spec: Mapping[str, Any],
    variants: Sequence[Mapping[str, Any]],
    models: Mapping[str, ModelPlan],
    pattern: NamePattern,
    context: BuildContext,
) -> ConfigPlan:
    request: dict[str, Any] = {key: value for key, value in spec.items() if key not in _OWN_FIELDS}
    request["productionVariants"] = [
        _variant_request(variant, models, field=f"spec.productionVariants[{index}]")
        for index, variant in enumerate(variants)
    ]
    if "shadowProductionVariants" in spec:
        request["shadowProductionVariants"] = [
            _variant_request(
                _completed(variant, replicas=None), models, field=f"spec.shadowProductionVariants[{index}]"
            )
            for index, variant in enumerate(spec["shadowProductionVariants"])
        ]
    if any("modelName" not in variant for variant in variants):
        # Inference components bring the models; the endpoint itself has a role then.
        request["executionRoleArn"] = context.role_arn
    template = content_hash({**request, "productionVariants": _without_numbers(request["productionVariants"])})
    numbers = content_hash(request["productionVariants"], length=6)
    return ConfigPlan(name=pattern.name(template, numbers), template=template, request=request)


def _without_numbers(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in variant.items() if key not in _NUMBERS} for variant in variants]


def _variant_request(variant: Mapping[str, Any], models: Mapping[str, ModelPlan], *, field: str) -> dict[str, Any]:
    request = {key: value for key, value in variant.items() if key not in _OWN_VARIANT_FIELDS}
    if "modelName" in variant:
        model = models.get(variant["modelName"])
        if model is None:
            known = ", ".join(models) or "none"
            raise SpecError(f"{field}.modelName", f"{variant['modelName']} is not in spec.models, which has {known}.")
        request["modelName"] = model.name
    return request


def _variant(variant: Mapping[str, Any]) -> VariantPlan:
    serverless = "serverlessConfig" in variant
    scaling = variant.get("autoscaling")
    managed = (variant.get("managedInstanceScaling") or {}).get("status") == "ENABLED"
    somebody_elses = serverless or managed or bool(scaling)
    return VariantPlan(
        name=variant["variantName"],
        weight=variant["initialVariantWeight"],
        count=None if somebody_elses else int(variant["initialInstanceCount"]),
        instance_type=str(variant.get("instanceType", "")),
        is_serverless=serverless,
        scaling=scaling_plan(scaling, serverless=serverless) if scaling else None,
    )
