"""What SageMaker does for a ProcessingJob and the cluster can't: refused with the reason, never ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.cluster import refusals as of_training
from sagebridge.core.cluster.refusals import ON_SAGEMAKER, ON_THE_NODES_DISK, SERVICE, Refusal, refuse
from sagebridge.core.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OF_NETWORKS: Final = ("vpcConfig", "enableNetworkIsolation", "enableInterContainerTrafficEncryption")
_CLUSTER_CONFIG: Final = "processingResources.clusterConfig"
_S3_INPUT: Final = "processingInputs[].s3Input"

REFUSALS: Final = (
    *(
        replace(refusal, field=f"networkConfig.{refusal.field}")
        for refusal in of_training.REFUSALS
        if refusal.field in _OF_NETWORKS
    ),
    Refusal(field="experimentConfig", why=SERVICE),
    Refusal(field=f"{_CLUSTER_CONFIG}.volumeKmsKeyId", why=ON_THE_NODES_DISK),
    Refusal(
        field=f"{_CLUSTER_CONFIG}.instancePreferences",
        why=f"list what will do in cluster.instanceTypes, and give {_CLUSTER_CONFIG}.instanceType",
    ),
    Refusal(
        field="processingInputs[].datasetDefinition",
        why=f"Athena and Redshift are asked by SageMaker; give the data as s3Input, or {ON_SAGEMAKER}",
    ),
    Refusal(
        field=f"{_S3_INPUT}.s3InputMode",
        why="the files are brought before the container starts: use File",
        unless="File",
    ),
    Refusal(
        field=f"{_S3_INPUT}.s3CompressionType",
        why="it goes with the input mode Pipe, which is not there; unpack it in your code",
        unless="None",
    ),
    Refusal(field="processingOutputConfig.outputs[].featureStoreOutput", why=SERVICE),
)


def check(spec: Mapping[str, Any]) -> None:
    """Refuse a spec that asks for what the cluster can't do.

    The CRD's rules do the same at admission; this also holds for what was admitted by an older version.

    Raises:
        SpecError: names the field, and what to do.
    """
    refuse(spec, REFUSALS, path="spec")
    for field, item, s3 in _on_s3(spec):
        _check_local_path(f"{field}.localPath", str(s3.get("localPath") or ""))
        if not item.get("appManaged"):
            _check_uri(f"{field}.s3Uri", str(s3.get("s3Uri") or ""))


def _check_local_path(field: str, path: str) -> None:
    # https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (mountPath)
    if ":" in path:
        raise SpecError(field, f"\"{path}\" has a colon, which the path of a pod's volume can't have")


def _check_uri(field: str, uri: str) -> None:
    # SageMaker takes it: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProcessingS3Input.html
    if uri.startswith("https:"):
        raise SpecError(field, f'"{uri}" is a web address, which the agent can\'t use: write s3://bucket/key')


def _on_s3(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """The path of each S3Input and S3Output, what it is of, and it."""
    outputs = (spec.get("processingOutputConfig") or {}).get("outputs")
    for path, items, key in (
        ("spec.processingInputs", spec.get("processingInputs"), "s3Input"),
        ("spec.processingOutputConfig.outputs", outputs, "s3Output"),
    ):
        for index, item in enumerate(items or ()):
            yield f"{path}[{index}].{key}", item, item.get(key) or {}
