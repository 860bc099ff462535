"""Application Auto Scaling's targets among an endpoint's variants, asked of moto directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.moto_modules import loaded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.endpoints.endpoint import Endpoint, Fleet

NAMESPACE: Final = "sagemaker"
INSTANCES: Final = "sagemaker:variant:DesiredInstanceCount"


def check_update(endpoint: Endpoint, fleet: Fleet) -> None:
    """Refuse an update that removes a variant which is a scalable target, or changes its instance type.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html

    Raises:
        ServiceError: ValidationException.
    """
    if endpoint.fleet is None:
        return
    types = {variant.name: variant.config.get("InstanceType") for variant in fleet.variants}
    changed = [
        variant.name
        for variant in endpoint.fleet.variants
        if variant.name not in types or types[variant.name] != variant.config.get("InstanceType")
    ]
    held = sorted(name for name in changed if _targets(endpoint, variant=name))
    if held:
        raise errors.validation(
            f"The variant(s) {', '.join(held)} must be deregistered as scalable targets of Application Auto Scaling "
            "before they can be removed or have their instance type updated."
        )


def deregister(endpoint: Endpoint) -> None:
    """Deregister every variant, as happens when an endpoint is deleted.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-delete-with-scaling.html
    """
    backend = _backend(endpoint)
    for target in _targets(endpoint):
        backend.deregister_scalable_target(NAMESPACE, target.resource_id, target.scalable_dimension)


def target_of(endpoint: Endpoint, variant: str) -> Any:
    """The scalable target of a variant's instances; None without one."""
    found = [each for each in _targets(endpoint, variant=variant) if each.scalable_dimension == INSTANCES]
    return found[0] if found else None


def tracking_policies(endpoint: Endpoint, variant: str) -> list[Mapping[str, Any]]:
    """The target tracking configurations of a variant's instances."""
    backend, resource = _backend(endpoint), f"endpoint/{endpoint.name}/variant/{variant}"
    policies = [] if backend is None else list(backend.policies.values())
    return [
        policy.target_tracking_scaling_policy_configuration
        for policy in policies
        if (policy.service_namespace, policy.resource_id, policy.scalable_dimension) == (NAMESPACE, resource, INSTANCES)
        and policy.target_tracking_scaling_policy_configuration
    ]


def _targets(endpoint: Endpoint, *, variant: str = "") -> list[Any]:
    backend = _backend(endpoint)
    if backend is None:
        return []
    prefix = f"endpoint/{endpoint.name}/variant/{variant}"
    found = backend.describe_scalable_targets(NAMESPACE, None, None)
    return [
        each for each in found if each.resource_id == prefix or (not variant and each.resource_id.startswith(prefix))
    ]


def _backend(endpoint: Endpoint) -> Any:
    models = loaded("moto.applicationautoscaling.models")
    return None if models is None else models.applicationautoscaling_backends[endpoint.account][endpoint.region]
