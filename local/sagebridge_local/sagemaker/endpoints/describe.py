"""The Describe reply of an endpoint."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from sagebridge_local.sagemaker import wire
from sagebridge_local.sagemaker.endpoints.endpoint import CREATING, UPDATING
from sagebridge_local.sagemaker.models.containers import definitions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Fleet, Variant

_ECHOED = ("ManagedInstanceScaling", "RoutingConfig", "InstancePools")


def describe(endpoint: Endpoint) -> dict[str, Any]:
    """The members that are known; a member without a value is absent."""
    fleet = endpoint.fleet
    shown: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": endpoint.config_name,
        "EndpointStatus": endpoint.status,
        "FailureReason": endpoint.failure_reason,
        "CreationTime": wire.instant(endpoint.creation_time),
        "LastModifiedTime": wire.instant(endpoint.last_modified_time),
        "LastDeploymentConfig": endpoint.deployment_config,
        "PendingDeploymentSummary": _pending(endpoint) if endpoint.green else None,
    }
    if fleet is not None:
        shown |= _served(endpoint, fleet)
    return {name: value for name, value in shown.items() if value is not None}


def _served(endpoint: Endpoint, fleet: Fleet) -> dict[str, Any]:
    return {
        "ProductionVariants": [_served_variant(variant, endpoint) for variant in fleet.variants],
        "ShadowProductionVariants": [_served_variant(variant, endpoint) for variant in fleet.shadows] or None,
        "DataCaptureConfig": _capture(fleet.config.get("DataCaptureConfig")),
        "AsyncInferenceConfig": fleet.config.get("AsyncInferenceConfig"),
        "ExplainerConfig": fleet.config.get("ExplainerConfig"),
        "MetricsConfig": fleet.config.get("MetricsConfig"),
    }


def _pending(endpoint: Endpoint) -> dict[str, Any]:
    green = endpoint.green
    assert green is not None  # the caller looked
    shadows = [_pending_variant(variant, endpoint) for variant in green.shadows]
    return {
        "EndpointConfigName": green.config_name,
        "ProductionVariants": [_pending_variant(variant, endpoint) for variant in green.variants],
        **({"ShadowProductionVariants": shadows} if shadows else {}),
        "StartTime": wire.instant(endpoint.green_since),
    }


def _pending_variant(variant: Variant, endpoint: Endpoint) -> dict[str, Any]:
    status = {
        "Status": endpoint.green_status,
        "StatusMessage": endpoint.green_message,
        "StartTime": wire.instant(endpoint.last_modified_time),
    }
    shown = _variant(variant, endpoint) | {"VariantStatus": [status]}
    if "InstanceType" in variant.config:
        shown["InstanceType"] = variant.config["InstanceType"]
    if endpoint.green_status == CREATING:
        shown["CurrentWeight"] = 0.0
    if variant.count is not None:
        shown["CurrentInstanceCount"] = math.ceil(variant.count * endpoint.green_share)
    return shown


def _served_variant(variant: Variant, endpoint: Endpoint) -> dict[str, Any]:
    shown = _variant(variant, endpoint)
    before, wanted = variant.count, variant.desired_count
    if before is None or wanted is None or before == wanted:
        return shown
    direction = "out" if wanted > before else "in"
    status = {
        "Status": UPDATING,
        "StatusMessage": f"Scaling {direction} desired instance count to {wanted}.",
        "StartTime": wire.instant(endpoint.last_modified_time),
    }
    return shown | {"VariantStatus": [status]}


def _variant(variant: Variant, endpoint: Endpoint) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": _images(variant.model, endpoint.creation_time),
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
        "CurrentInstanceCount": variant.count,
        "DesiredInstanceCount": variant.desired_count,
        "CurrentServerlessConfig": variant.serverless,
        "DesiredServerlessConfig": variant.desired_serverless,
        **{member: variant.config.get(member) for member in _ECHOED},
    }
    return {name: value for name, value in shown.items() if value is not None}


def _images(model: Mapping[str, Any] | None, at: float) -> list[dict[str, Any]] | None:
    """SageMaker resolves tags to digests when it deploys; here the digest is that of the name."""
    if model is None:
        return None
    containers = definitions(model)
    images = [container["Image"] for container in containers if "Image" in container]
    return [
        {
            "SpecifiedImage": image,
            "ResolvedImage": f"{image.partition('@')[0].rpartition(':')[0] or image}@sha256:"
            + hashlib.sha256(image.encode()).hexdigest(),
            "ResolutionTime": wire.instant(at),
        }
        for image in images
    ]


def _capture(config: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if config is None:
        return None
    enabled = config.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
