"""What a CreateEndpointConfig request must satisfy beyond the model of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVERLESS_MEMORY: Final = tuple(range(1024, 6145, 1024))


def check(request: Mapping[str, Any]) -> None:
    """Refuse members that don't fit together.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html,
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html and
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html

    Raises:
        ServiceError: ValidationException.
    """
    variants = request["ProductionVariants"]
    shadows = request.get("ShadowProductionVariants", [])
    names = [variant["VariantName"] for variant in (*variants, *shadows)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise errors.validation(f"Variant names must be unique. Duplicate names: {', '.join(repeated)}")
    for variant in (*variants, *shadows):
        _check_capacity(variant)
        if "ModelName" not in variant and "ExecutionRoleArn" not in request:
            raise errors.validation(
                f"Variant {variant['VariantName']} needs a ModelName, unless inference components are to be deployed: "
                "then the endpoint configuration needs an ExecutionRoleArn"
            )
    if sum(variant.get("InitialVariantWeight", 1.0) for variant in variants) <= 0:
        raise errors.validation("At least one production variant needs a weight above 0")
    _check_serverless(request, variants)
    _check_shadows(request, variants, shadows)
    if "AsyncInferenceConfig" in request and len(variants) > 1:
        raise errors.validation("Asynchronous endpoints support one production variant only")


def _check_capacity(variant: Mapping[str, Any]) -> None:
    name, serverless = variant["VariantName"], variant.get("ServerlessConfig")
    if "ManagedInstanceScaling" in variant and "ModelName" in variant:
        # https://github.com/hashicorp/terraform-provider-aws/pull/45926
        raise errors.validation("ManagedInstanceScaling is only supported for inference component endpoints.")
    if serverless is None:
        if "InstanceType" not in variant and "InstancePools" not in variant:
            raise errors.validation(f"Variant {name} needs an InstanceType or a ServerlessConfig")
        if "InitialInstanceCount" not in variant and "ManagedInstanceScaling" not in variant:
            raise errors.validation(f"Variant {name} needs an InitialInstanceCount")
        return
    extra = sorted({"InstanceType", "InitialInstanceCount", "ManagedInstanceScaling"} & variant.keys())
    if extra:
        raise errors.validation(f"Variant {name} is serverless, which excludes {', '.join(extra)}")
    if serverless["MemorySizeInMB"] not in SERVERLESS_MEMORY:
        raise errors.validation(f"MemorySizeInMB of variant {name} must be one of {list(SERVERLESS_MEMORY)}")
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise errors.validation(f"ProvisionedConcurrency of variant {name} must not exceed its MaxConcurrency")


def _check_serverless(request: Mapping[str, Any], variants: list[Mapping[str, Any]]) -> None:
    if not any("ServerlessConfig" in variant for variant in variants):
        return
    if len(variants) > 1:
        raise errors.validation("Serverless endpoints support one production variant only")
    members = ("DataCaptureConfig", "AsyncInferenceConfig", "ShadowProductionVariants")
    excluded = [member for member in members if request.get(member)]
    if excluded:
        raise errors.validation(f"Serverless endpoints do not support {', '.join(excluded)}")


def _check_shadows(
    request: Mapping[str, Any], variants: list[Mapping[str, Any]], shadows: list[Mapping[str, Any]]
) -> None:
    if not shadows:
        return
    if len(variants) != 1 or len(shadows) != 1:
        raise errors.validation("A shadow variant needs exactly one production variant and one shadow variant")
    if "AsyncInferenceConfig" in request:
        raise errors.validation("Asynchronous endpoints do not support shadow variants")
