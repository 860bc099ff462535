"""What CreateTrainingJob refuses beyond its model; `docs/local-sagemaker.md` has the source of each."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors, tags, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.jobs.kind import Check, CreateCall

MAX_RUNTIME: Final = 28 * 86400
MAX_KEEP_ALIVE: Final = 3600
# Families whose instances bring their own NVMe storage; all others need an EBS volume of a given size:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
_OWN_STORAGE: Final = re.compile(r"ml\.(p3dn|p4|p5|p6|g4dn|g5|g6|g7|trn|r5d|m5d|c5d)")


def algorithm(call: CreateCall) -> None:
    """Exactly one of an image and an algorithm, unless the job is serverless."""
    specification = call.request.get("AlgorithmSpecification")
    if specification is None:
        if "ServerlessJobConfig" not in call.request:
            raise errors.validation("AlgorithmSpecification is required unless ServerlessJobConfig is given")
        return
    given = [name for name in ("TrainingImage", "AlgorithmName") if specification.get(name)]
    if len(given) != 1:
        raise errors.validation(
            "Exactly one of TrainingImage and AlgorithmName must be provided in AlgorithmSpecification"
        )


def role(call: CreateCall) -> None:
    """The role belongs to the caller's account."""
    account = call.request["RoleArn"].split(":")[4]
    if account != call.account:
        raise errors.validation("Cross-account pass role is not allowed.")


def channels(call: CreateCall) -> None:
    """Channel names are unique; each channel has exactly one data source."""
    configured = call.request.get("InputDataConfig", [])
    repeated = [name for name, count in Counter(item["ChannelName"] for item in configured).items() if count > 1]
    if repeated:
        raise errors.validation(f"Channel names must be unique; repeated: {', '.join(repeated)}")
    for item in configured:
        source = item["DataSource"]
        if len(source) != 1:
            raise errors.validation(f"Channel {item['ChannelName']} must have exactly one data source")
        if "FileSystemDataSource" in source and "VpcConfig" not in call.request:
            raise errors.validation(f"VpcConfig is required: channel {item['ChannelName']} reads from a file system")


def s3_locations(call: CreateCall) -> None:
    """Where SageMaker writes is an s3:// URI with a bucket."""
    places = [("OutputDataConfig", "S3OutputPath"), ("CheckpointConfig", "S3Uri"), ("DebugHookConfig", "S3OutputPath")]
    for config, member in places:
        uri = call.request.get(config, {}).get(member)
        if uri is not None and not uri.startswith("s3://"):
            raise errors.validation(f"{config}.{member} must be an S3 URI of the form s3://bucket/prefix, not {uri}")


def resources(call: CreateCall) -> None:
    """One way of asking for instances, and at least one of them."""
    config = call.request.get("ResourceConfig")
    if config is None:
        if "ServerlessJobConfig" not in call.request:
            raise errors.validation("ResourceConfig is required unless ServerlessJobConfig is given")
        return
    ways = [name for name in ("InstanceType", "InstanceGroups", "InstancePreferences") if config.get(name)]
    if len(ways) != 1:
        raise errors.validation(
            "ResourceConfig must have exactly one of InstanceType, InstanceGroups and InstancePreferences"
        )
    if any(count < 1 for count in _counts(config)):
        raise errors.validation("InstanceCount must be at least 1")
    read_only = [name for name in ("SelectedInstanceType", "SelectedInstanceCount") if name in config]
    if read_only:
        raise errors.validation(f"{read_only[0]} is read-only: it can't be given to CreateTrainingJob")
    if config.get("InstancePreferences") and call.request.get("EnableManagedSpotTraining"):
        raise errors.validation("InstancePreferences is not supported with EnableManagedSpotTraining")
    _volume(config)
    _keep_alive(call.request, config)


def stopping(call: CreateCall) -> None:
    """Run and wait times fit each other and spot training."""
    condition = call.request.get("StoppingCondition", {})
    runtime, wait = condition.get("MaxRuntimeInSeconds", 86400), condition.get("MaxWaitTimeInSeconds")
    spot = call.request.get("EnableManagedSpotTraining", False)
    if runtime > MAX_RUNTIME:
        raise errors.validation(f"MaxRuntimeInSeconds can be at most {MAX_RUNTIME} (28 days)")
    if wait is not None and not spot:
        raise errors.validation(
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true"
        )
    if spot and wait is None:
        raise errors.validation("MaxWaitTimeInSeconds is required when EnableManagedSpotTraining is set to true")
    if spot and wait < runtime:
        raise errors.validation("Invalid MaxWaitTimeInSeconds. It must be equal to or greater than MaxRuntimeInSeconds")


def request_tags(call: CreateCall) -> None:
    """Tag keys are unique and not reserved."""
    tags.check(call.request.get("Tags", []))


def inputs(call: CreateCall) -> None:
    """What S3 channels name exists: https://github.com/aws/amazon-sagemaker-examples/issues/2489."""
    for item in call.request.get("InputDataConfig", []):
        source = item["DataSource"].get("S3DataSource", {})
        bucket, _, prefix = source.get("S3Uri", "").removeprefix("s3://").partition("/")
        if call.objects is None or source.get("S3DataType") != "S3Prefix":
            continue
        partition = wire.partition(call.region)
        if not call.objects.exist(account=call.account, partition=partition, bucket=bucket, prefix=prefix):
            raise errors.validation(_missing_input(source["S3Uri"], bucket, call))


def _missing_input(uri: str, bucket: str, call: CreateCall) -> str:
    return (
        f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket exists '
        f"in the selected region ({call.region}), that objects exist under that S3 prefix, and that the role "
        f'"{call.request["RoleArn"]}" has "s3:ListBucket" permissions on bucket "{bucket}".'
    )


def _counts(config: Mapping[str, Any]) -> list[int]:
    groups = config.get("InstanceGroups") or config.get("InstancePreferences") or [config]
    shared = config.get("InstanceCount", 0)
    return [group.get("InstanceCount", shared) for group in groups]


def _volume(config: Mapping[str, Any]) -> None:
    groups = config.get("InstanceGroups") or config.get("InstancePreferences") or [config]
    needing = [group["InstanceType"] for group in groups if not _OWN_STORAGE.match(group["InstanceType"])]
    if needing and not config.get("VolumeSizeInGB"):
        raise errors.validation(f"VolumeSizeInGB of at least 1 is required for instance type {needing[0]}")


def _keep_alive(request: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    seconds = config.get("KeepAlivePeriodInSeconds", 0)
    if seconds and request.get("EnableManagedSpotTraining"):
        raise errors.validation("KeepAlivePeriodInSeconds is not supported with EnableManagedSpotTraining")
    if seconds and config.get("InstanceGroups"):
        raise errors.validation("KeepAlivePeriodInSeconds is not supported with InstanceGroups")
    if seconds > MAX_KEEP_ALIVE:
        raise errors.validation(f"KeepAlivePeriodInSeconds can be at most {MAX_KEEP_ALIVE}")


ALL: Final[tuple[Check, ...]] = (algorithm, role, channels, s3_locations, resources, stopping, request_tags, inputs)
