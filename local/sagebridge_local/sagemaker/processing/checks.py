"""What CreateProcessingJob refuses beyond its model; `docs/local-sagemaker.md` has the source of each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.training.checks import request_tags, role

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sagebridge_local.sagemaker.jobs.kind import Check, CreateCall

ROOT: Final = "/opt/ml/processing"


def inputs(call: CreateCall) -> None:
    """Each input has its name, one source, and a place of its own below /opt/ml/processing."""
    given = call.request.get("ProcessingInputs", [])
    _unique("ProcessingInputs", "InputName", given)
    for item in given:
        sources = [item[name] for name in ("S3Input", "DatasetDefinition") if name in item]
        if len(sources) != 1:
            raise errors.validation(
                f"ProcessingInput {item['InputName']} must have exactly one of S3Input and DatasetDefinition"
            )
        _dataset(item)
        if not item.get("AppManaged"):
            _place(f"ProcessingInput {item['InputName']}", sources[0].get("LocalPath"))
        _compression(item)
    _distinct("ProcessingInputs", (_path(item, "S3Input", "DatasetDefinition") for item in given))


def outputs(call: CreateCall) -> None:
    """Each output has its name, one destination, and a place of its own below /opt/ml/processing."""
    given = call.request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    _unique("Outputs", "OutputName", given)
    for item in given:
        name = item["OutputName"]
        if ("S3Output" in item) == ("FeatureStoreOutput" in item):
            raise errors.validation(f"ProcessingOutput {name} must have exactly one of S3Output and FeatureStoreOutput")
        if "FeatureStoreOutput" in item and not item.get("AppManaged"):
            raise errors.validation(f"ProcessingOutput {name}: FeatureStoreOutput needs AppManaged to be true")
        if "S3Output" in item and not item["S3Output"]["S3Uri"].startswith("s3://"):
            raise errors.validation(f"ProcessingOutput {name}: S3Uri must be an S3 URI of the form s3://bucket/prefix")
        if not item.get("AppManaged"):
            _place(f"ProcessingOutput {name}", item["S3Output"].get("LocalPath"))
    _distinct("Outputs", (_path(item, "S3Output") for item in given))


def resources(call: CreateCall) -> None:
    """One way of asking for instances."""
    config = call.request["ProcessingResources"]["ClusterConfig"]
    if ("InstanceType" in config) == ("InstancePreferences" in config):
        raise errors.validation("ClusterConfig must have exactly one of InstanceType and InstancePreferences")
    if "InstanceType" in config and "InstanceCount" not in config:
        raise errors.validation("ClusterConfig.InstanceCount is required with InstanceType")


def _dataset(item: Mapping[str, Any]) -> None:
    definition = item.get("DatasetDefinition")
    kinds = ("AthenaDatasetDefinition", "RedshiftDatasetDefinition")
    if definition is not None and sum(kind in definition for kind in kinds) != 1:
        raise errors.validation(
            f"ProcessingInput {item['InputName']}: DatasetDefinition must have exactly one of {' and '.join(kinds)}"
        )


def _compression(item: Mapping[str, Any]) -> None:
    s3 = item.get("S3Input", {})
    if s3.get("S3CompressionType") == "Gzip" and s3.get("S3InputMode") != "Pipe":
        raise errors.validation(f"ProcessingInput {item['InputName']}: Gzip can only be used in Pipe mode")


def _place(what: str, path: str | None) -> None:
    if path is None:
        raise errors.validation(f"{what}: LocalPath is required unless AppManaged is true")
    if (path != ROOT and not path.startswith(f"{ROOT}/")) or ".." in path.split("/"):
        raise errors.validation(f"{what}: LocalPath must begin with {ROOT}/")


def _path(item: Mapping[str, Any], *members: str) -> str | None:
    places = (item[member].get("LocalPath") for member in members if member in item)
    path: str | None = next(places, None)
    return path.rstrip("/") if path else None


def _unique(where: str, member: str, items: Iterable[Mapping[str, Any]]) -> None:
    repeated = [name for name, count in Counter(item[member] for item in items).items() if count > 1]
    if repeated:
        raise errors.validation(f"{where}: each {member} must be unique; repeated: {', '.join(repeated)}")


def _distinct(where: str, paths: Iterable[str | None]) -> None:
    repeated = [path for path, count in Counter(paths).items() if path and count > 1]
    if repeated:
        raise errors.validation(f"{where}: each LocalPath must be unique; repeated: {', '.join(repeated)}")


ALL: Final[tuple[Check, ...]] = (role, inputs, outputs, resources, request_tags)
