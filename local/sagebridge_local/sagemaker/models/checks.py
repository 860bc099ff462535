"""What a CreateModel request must satisfy beyond the model of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.models.containers import definitions

if TYPE_CHECKING:
    from collections.abc import Mapping


def check(request: Mapping[str, Any], *, account: str) -> None:
    """Refuse members that don't fit together.

    Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html and
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html

    Raises:
        ServiceError: ValidationException.
    """
    containers = request.get("Containers")
    if bool(containers) == ("PrimaryContainer" in request):
        raise errors.validation("Exactly one of PrimaryContainer and Containers must be given")
    role = request.get("ExecutionRoleArn")
    if role is not None and role.split(":")[4] != account:
        raise errors.validation(f"Cross-account pass role is not allowed: {role}")
    for container in definitions(request):
        _check_container(container)
    hostnames = [each["ContainerHostname"] for each in containers or () if "ContainerHostname" in each]
    if len(set(hostnames)) < len(hostnames):
        raise errors.validation("Containers must have unique ContainerHostname values")
    direct = request.get("InferenceExecutionConfig", {}).get("Mode") == "Direct"
    if direct and len(hostnames) < len(containers or ()):
        raise errors.validation("With InferenceExecutionConfig Direct every container needs a ContainerHostname")


def _check_container(container: Mapping[str, Any]) -> None:
    if "Image" not in container and "ModelPackageName" not in container:
        raise errors.validation("A container needs an Image or a ModelPackageName")
    if "ModelDataUrl" in container and "ModelDataSource" in container:
        raise errors.validation("ModelDataUrl and ModelDataSource exclude each other")
    several = container.get("Mode") == "MultiModel"
    if several and "ModelDataUrl" not in container:
        raise errors.validation("A container in MultiModel mode needs ModelDataUrl: the prefix of its models")
    if not several and "MultiModelConfig" in container:
        raise errors.validation("MultiModelConfig needs Mode MultiModel")
