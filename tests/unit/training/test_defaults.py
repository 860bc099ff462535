"""What is filled in, passed on and merged on every level."""

from typing import Any

import pytest
from sagebridge.core.training import ADDED_FIELDS, resolve

from tests.unit.training.jobs import algorithm, channel, context, file_system, own_image, resources

PASSED_ON: dict[str, Any] = {
    "vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    "enableInterContainerTrafficEncryption": True,
    "enableNetworkIsolation": True,
    "checkpointConfig": {"s3Uri": "s3://bucket/checkpoints", "localPath": "/opt/ml/checkpoints"},
    "debugHookConfig": {"s3OutputPath": "s3://bucket/debug", "hookParameters": {"save_interval": "10"}},
    "debugRuleConfigurations": [{"ruleConfigurationName": "Loss", "ruleEvaluatorImage": "image"}],
    "tensorBoardOutputConfig": {"s3OutputPath": "s3://bucket/board"},
    "experimentConfig": {"experimentName": "digits"},
    "profilerConfig": {"s3OutputPath": "s3://bucket/profile"},
    "profilerRuleConfigurations": [{"ruleConfigurationName": "Report", "ruleEvaluatorImage": "image"}],
    "retryStrategy": {"maximumRetryAttempts": 3},
    "remoteDebugConfig": {"enableRemoteDebug": True},
    "infraCheckConfig": {"enableInfraCheck": True},
    "sessionChainingConfig": {"enableSessionTagChaining": True},
    "mlflowConfig": {"mlflowResourceArn": "arn:aws:sagemaker:eu-central-1:123456789012:mlflow-app/a"},
    "modelPackageConfig": {"modelPackageGroupArn": "arn"},
}


def test_everything_else_is_passed_on_as_it_is() -> None:
    request = resolve(own_image(**PASSED_ON), context())
    assert {key: request[key] for key in PASSED_ON} == PASSED_ON


def test_fields_on_top_are_not_sent() -> None:
    spec = algorithm(
        target="SageMaker",
        region="eu-central-1",
        runPolicy={"retry": {"limit": 2}},
        environmentFrom=[{"configMapRef": {"name": "a"}}],
    )
    assert not ADDED_FIELDS & set(resolve(spec, context()))


def test_what_is_given_wins_over_defaults() -> None:
    spec = own_image(
        outputDataConfig={"s3OutputPath": "s3://mine/out", "kmsKeyId": "key", "compressionType": "NONE"},
        resourceConfig=resources(
            instanceCount=4, volumeSizeInGB=500, volumeKmsKeyId="key", keepAlivePeriodInSeconds=60
        ),
        stoppingCondition={"maxRuntimeInSeconds": 60, "maxPendingTimeInSeconds": 7200},
    )
    request = resolve(spec, context())
    assert {key: request[key] for key in ("outputDataConfig", "resourceConfig", "stoppingCondition")} == {
        key: spec[key] for key in ("outputDataConfig", "resourceConfig", "stoppingCondition")
    }


def test_name_and_role_come_from_the_context() -> None:
    request = resolve(own_image(trainingJobName="mine", roleArn="arn:aws:iam::123456789012:role/other"), context())
    assert request["trainingJobName"] == "team-a-digits-abc"
    assert request["roleArn"] == "arn:aws:iam::123456789012:role/training"


@pytest.mark.parametrize(
    ("runtime", "wait"),
    [(None, 172_800), (3600, 7200), (2_400_000, 2_419_200), (2_500_000, 2_500_000)],
    ids=["default", "twice the runtime", "at most 28 days", "never less than the runtime"],
)
def test_spot_may_wait_as_long_again(runtime: int | None, wait: int) -> None:
    condition = {"stoppingCondition": {"maxRuntimeInSeconds": runtime}} if runtime else {}
    request = resolve(own_image(enableManagedSpotTraining=True, **condition), context())
    assert request["stoppingCondition"]["maxWaitTimeInSeconds"] == wait


def test_s3_channels_are_replicated_prefixes() -> None:
    request = resolve(own_image(inputDataConfig=[channel(contentType="text/csv")]), context())
    assert request["inputDataConfig"] == [
        {
            "channelName": "train",
            "contentType": "text/csv",
            "dataSource": {
                "s3DataSource": {
                    "s3Uri": "s3://bucket/data",
                    "s3DataType": "S3Prefix",
                    "s3DataDistributionType": "FullyReplicated",
                }
            },
        }
    ]


def test_file_systems_are_passed_on() -> None:
    vpc = PASSED_ON["vpcConfig"]
    request = resolve(own_image(inputDataConfig=[file_system()], vpcConfig=vpc), context())
    assert request["inputDataConfig"] == [file_system()]


def test_model_to_go_on_from_is_a_channel() -> None:
    spec = algorithm("image-classification", resourceConfig=resources("ml.p3.2xlarge"), modelRef={"name": "first"})
    request = resolve(spec, context(model_artifact="s3://bucket/first/model.tar.gz"))
    assert request["inputDataConfig"] == [
        {
            "channelName": "model",
            "contentType": "application/x-sagemaker-model",
            "inputMode": "File",
            "dataSource": {
                "s3DataSource": {
                    "s3DataType": "S3Prefix",
                    "s3Uri": "s3://bucket/first/model.tar.gz",
                    "s3DataDistributionType": "FullyReplicated",
                }
            },
        }
    ]


def test_model_channel_can_have_another_name() -> None:
    spec = own_image(modelRef={"name": "first", "channelName": "pretrained"}, inputDataConfig=[channel("model")])
    request = resolve(spec, context(model_artifact="s3://bucket/model.tar.gz"))
    assert [entry["channelName"] for entry in request["inputDataConfig"]] == ["model", "pretrained"]


def test_own_environment_wins_over_config_maps() -> None:
    spec = own_image(environment={"A": "own", "N": 3, "F": 0.5, "B": False}, environmentFrom=[{"configMapRef": {}}])
    request = resolve(spec, context(environment={"A": "inherited", "C": "inherited"}))
    assert request["environment"] == {"A": "own", "C": "inherited", "N": "3", "F": "0.5", "B": "false"}


def test_ownership_tags_follow_the_users() -> None:
    request = resolve(own_image(tags=[{"key": "team", "value": "Zoë (a)".replace("(a)", "+ b")}]), context())
    assert [tag["key"] for tag in request["tags"]] == ["team", "sagebridge.io/name", "sagebridge.io/uid"]


def test_nulls_count_as_not_given() -> None:
    spec = own_image(vpcConfig=None, tags=None, inputDataConfig=None, hyperParameters=None)
    spec["resourceConfig"]["volumeKmsKeyId"] = None
    request = resolve(spec, context(tags={}))
    assert set(request) == {
        "trainingJobName",
        "roleArn",
        "algorithmSpecification",
        "outputDataConfig",
        "resourceConfig",
        "stoppingCondition",
    }
    assert "volumeKmsKeyId" not in request["resourceConfig"]
