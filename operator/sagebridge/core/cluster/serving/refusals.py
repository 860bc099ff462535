"""What SageMaker does for a model that serves and the cluster can't: refused with the reason, never ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster.refusals import IN_THE_NODES_NETWORK, ON_SAGEMAKER, SERVICE, Refusal, refuse
from sagebridge.core.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PACKAGE: Final = (
    "the image and the archive of a model package are SageMaker's to resolve; give image and modelDataUrl, or modelRef"
)

NETWORK_REFUSALS: Final = (
    Refusal(field="vpcConfig", why=IN_THE_NODES_NETWORK),
    Refusal(
        field="enableNetworkIsolation",
        why="what brings the model shares the pod's network; restrict the pods by a NetworkPolicy that allows S3, and "
        "remove it",
        unless=False,
    ),
)
"""Of whatever serves a model."""

MODEL_REFUSALS: Final = (
    *NETWORK_REFUSALS,
    Refusal(
        field="inferenceExecutionConfig",
        why="it says how the containers of a pipeline are called, and a pod has one container; remove it",
    ),
    Refusal(field="executionRoleArn", why="the pods act as their service account; give cluster.serviceAccountName"),
)
"""Of a model, with its one container or around it."""

CONTAINER_REFUSALS: Final = (
    Refusal(field="imageConfig", why="private registries need cluster.imagePullSecrets; remove it"),
    Refusal(field="modelPackageName", why=_PACKAGE),
    Refusal(field="modelPackageArn", why=_PACKAGE),
    Refusal(field="inferenceSpecificationName", why=_PACKAGE),
    Refusal(
        field="multiModelConfig",
        why="it goes with mode: MultiModel, which is not there on the cluster; remove it",
    ),
    Refusal(field="containerMetricsConfig", why=SERVICE),
    Refusal(
        field="containerHostname",
        why="it tells the containers of a pipeline apart, and a pod has one container; remove it",
    ),
)
"""Of a container."""

MULTI_MODEL: Final = (
    "MultiModel is not there with target: Cluster: serve each model by an object of its own, or use target: SageMaker"
)
PIPELINE: Final = (
    "a pipeline of containers is not there with target: Cluster: give one container, or use target: SageMaker"
)

_S3_REFUSALS: Final = ("modelAccessConfig", "hubAccessConfig", "manifestS3Uri", "manifestEtag", "eTag")


def check_model(model: Mapping[str, Any], *, at: str) -> None:
    """Refuse a model (CreateModel's fields in lowerCamelCase) that asks for what a pod can't do.

    Args:
        model: its fields, with its container's or around ``primaryContainer``.
        at: where it stands in the manifest, such as ``spec.models[0]``.

    Raises:
        SpecError: names the field, and what to do.
    """
    if model.get("containers"):
        raise SpecError(f"{at}.containers", PIPELINE)
    refuse(model, MODEL_REFUSALS, path=at)
    container = model.get("primaryContainer")
    if container is None:
        check_container(model, at=at)
    else:
        check_container(container, at=f"{at}.primaryContainer")


def check_container(container: Mapping[str, Any], *, at: str) -> None:
    """Refuse a container that asks for what a pod can't do.

    Raises:
        SpecError: names the field, and what to do.
    """
    refuse(container, CONTAINER_REFUSALS, path=at)
    if container.get("mode") == "MultiModel":
        raise SpecError(f"{at}.mode", MULTI_MODEL)
    sources = {f"{at}.modelDataSource": container.get("modelDataSource")}
    for index, each in enumerate(container.get("additionalModelDataSources") or ()):
        sources[f"{at}.additionalModelDataSources[{index}]"] = each
    for path, source in sources.items():
        s3 = (source or {}).get("s3DataSource") or {}
        for key in _S3_REFUSALS:
            if s3.get(key) is not None:
                raise SpecError(f"{path}.s3DataSource.{key}", f"can't be kept on the cluster: {ON_SAGEMAKER}")
