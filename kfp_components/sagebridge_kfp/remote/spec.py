"""The spec of the job that runs a component: from its settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sagebridge_kfp.remote.places import BOOTSTRAP, CODE, RESULT, Channel, Prefix
from sagebridge_kfp.remote.settings import PROCESSING, TRAINING, Settings
from sagebridge_kfp.specs.inputs import Common
from sagebridge_kfp.specs.origins import origins
from sagebridge_kfp.specs.values import given, text
from sagebridge_kfp.specs.whole_spec import finish

KINDS: Final = {TRAINING: "TrainingJob", PROCESSING: "ProcessingJob"}
"""The object's kind by the argument `job`."""

MOST_CHANNELS: Final = {TRAINING: 20, PROCESSING: 10}
"""How many inputs a job may have.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html (InputDataConfig),
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateProcessingJob.html (ProcessingInputs)
"""

_SAME: Final = origins(
    environment="environment",
    max_runtime_seconds="stoppingCondition.maxRuntimeInSeconds",
    max_wait_seconds="stoppingCondition.maxWaitTimeInSeconds",
)
_MADE_OF: Final = {
    TRAINING: _SAME
    + origins(
        image="algorithmSpecification.trainingImage",
        instance_type="resourceConfig.instanceType",
        instance_count="resourceConfig.instanceCount",
        volume_size_gb="resourceConfig.volumeSizeInGB",
        spot="enableManagedSpotTraining",
        subnets="vpcConfig.subnets",
        security_group_ids="vpcConfig.securityGroupIds",
    ),
    PROCESSING: _SAME
    + origins(
        image="appSpecification.imageUri",
        instance_type="processingResources.clusterConfig.instanceType",
        instance_count="processingResources.clusterConfig.instanceCount",
        volume_size_gb="processingResources.clusterConfig.volumeSizeInGB",
        subnets="networkConfig.vpcConfig.subnets",
        security_group_ids="networkConfig.vpcConfig.securityGroupIds",
    ),
}
"""The arguments that the fields of each kind of job were made of."""

_INPUTS: Final = {TRAINING: "/opt/ml/input/data", PROCESSING: "/opt/ml/processing/input"}


def remote_spec(settings: Settings, *, prefix: Prefix, channels: Sequence[Channel] = ()) -> dict[str, Any]:
    """Return the spec.

    Args:
        settings: of the component.
        prefix: what the step has on S3.
        channels: the inputs that the job reads where they are; the code's comes on top.

    Raises:
        InputError: one of the settings is wrong; names it.
    """
    own = _training if settings.job == TRAINING else _processing
    all_channels = [Channel(name=CODE, uri=prefix.code), *channels]
    spec = {
        **own(settings, prefix, all_channels),
        "stoppingCondition": _stopping(settings),
        "environment": {
            name: text(value, f"environment.{name}") for name, value in sorted(settings.environment.items())
        },
    }
    return finish(
        KINDS[settings.job],
        spec,
        _common(settings),
        made_of=_MADE_OF[settings.job],
        name=settings.name,
        retry_limit=settings.retry_limit,
    )


def _common(settings: Settings) -> Common:
    return Common(
        role_arn=settings.role_arn,
        region=settings.region,
        target=settings.target,
        cluster=settings.cluster,
        tags=settings.tags,
        deletion_policy=settings.deletion_policy,
        spec_overrides=settings.spec_overrides,
    )


def _stopping(settings: Settings) -> dict[str, Any]:
    return given(
        {
            "maxRuntimeInSeconds": settings.max_runtime_seconds,
            "maxWaitTimeInSeconds": settings.max_wait_seconds,
        }
    )


def _machines(settings: Settings) -> dict[str, Any]:
    return given(
        {
            "instanceType": settings.instance_type,
            "instanceCount": settings.instance_count,
            "volumeSizeInGB": settings.volume_size_gb,
        }
    )


def _network(settings: Settings) -> dict[str, Any]:
    return given({"subnets": list(settings.subnets), "securityGroupIds": list(settings.security_group_ids)})


def _entrypoint(job: str) -> list[str]:
    return ["python3", f"{_INPUTS[job]}/{CODE}/{BOOTSTRAP}"]


def _training(settings: Settings, prefix: Prefix, channels: Sequence[Channel]) -> dict[str, Any]:
    return {
        "algorithmSpecification": {
            "trainingImage": settings.image,
            "containerEntrypoint": _entrypoint(settings.job),
            "trainingInputMode": "File",
        },
        "inputDataConfig": [
            {"channelName": each.name, "dataSource": {"s3DataSource": _data(each)}} for each in channels
        ],
        "outputDataConfig": {"s3OutputPath": prefix.output},
        "resourceConfig": _machines(settings),
        "enableManagedSpotTraining": settings.spot,
        "vpcConfig": _network(settings),
    }


def _processing(settings: Settings, prefix: Prefix, channels: Sequence[Channel]) -> dict[str, Any]:
    return {
        "appSpecification": {"imageUri": settings.image, "containerEntrypoint": _entrypoint(settings.job)},
        "processingInputs": [{"inputName": each.name, "s3Input": _data(each)} for each in channels],
        "processingOutputConfig": {
            "outputs": [{"outputName": RESULT, "s3Output": {"s3Uri": prefix.output}}],
        },
        "processingResources": {"clusterConfig": _machines(settings)},
        "networkConfig": given({"vpcConfig": _network(settings)}),
    }


def _data(channel: Channel) -> dict[str, str]:
    return {"s3DataType": "ManifestFile" if channel.is_manifest else "S3Prefix", "s3Uri": channel.uri}
