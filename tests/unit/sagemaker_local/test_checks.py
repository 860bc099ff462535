"""What CreateTrainingJob refuses although the model allows it."""

import pytest

S3 = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/data"}}
EFS = {
    "FileSystemDataSource": {
        "FileSystemId": "fs-0123456789abcdef0",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "EFS",
        "DirectoryPath": "/data",
    }
}
VPC = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
MODE = {"TrainingInputMode": "File"}
SPOT = {"EnableManagedSpotTraining": True}


def resources(**changes):
    config = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30} | changes
    return {"ResourceConfig": {name: value for name, value in config.items() if value is not None}}


GROUPS = [{"InstanceType": "ml.m5.large", "InstanceCount": 1, "InstanceGroupName": "one"}]

REFUSED = [
    pytest.param({"AlgorithmSpecification": MODE}, "Exactly one of TrainingImage and AlgorithmName", id="no-algorithm"),
    pytest.param(
        {"AlgorithmSpecification": MODE | {"TrainingImage": "i", "AlgorithmName": "a"}},
        "Exactly one of TrainingImage and AlgorithmName",
        id="image-and-algorithm",
    ),
    pytest.param({"AlgorithmSpecification": None}, "AlgorithmSpecification is required", id="no-specification"),
    pytest.param(
        {"RoleArn": "arn:aws:iam::111122223333:role/training"},
        "Cross-account pass role is not allowed.",
        id="role-of-another-account",
    ),
    pytest.param(
        {"InputDataConfig": [{"ChannelName": "a", "DataSource": S3}, {"ChannelName": "a", "DataSource": S3}]},
        "Channel names must be unique; repeated: a",
        id="repeated-channel",
    ),
    pytest.param(
        {"InputDataConfig": [{"ChannelName": "a", "DataSource": S3 | EFS}]},
        "Channel a must have exactly one data source",
        id="two-sources-in-a-channel",
    ),
    pytest.param(
        {"InputDataConfig": [{"ChannelName": "a", "DataSource": {}}]},
        "Channel a must have exactly one data source",
        id="no-source-in-a-channel",
    ),
    pytest.param(
        {"InputDataConfig": [{"ChannelName": "a", "DataSource": EFS}]},
        "VpcConfig is required: channel a reads from a file system",
        id="file-system-without-vpc",
    ),
    pytest.param(
        {"OutputDataConfig": {"S3OutputPath": "https://bucket/output"}},
        "OutputDataConfig.S3OutputPath must be an S3 URI",
        id="output-not-on-s3",
    ),
    pytest.param(
        {"CheckpointConfig": {"S3Uri": "https://bucket/checkpoints"}},
        "CheckpointConfig.S3Uri must be an S3 URI",
        id="checkpoints-not-on-s3",
    ),
    pytest.param({"ResourceConfig": None}, "ResourceConfig is required", id="no-resources"),
    pytest.param(resources(InstanceCount=0), "InstanceCount must be at least 1", id="no-instances"),
    pytest.param(resources(InstanceCount=None), "InstanceCount must be at least 1", id="no-instance-count"),
    pytest.param(resources(InstanceGroups=GROUPS), "exactly one of InstanceType, InstanceGroups", id="type-and-groups"),
    pytest.param(resources(InstanceType=None), "exactly one of InstanceType, InstanceGroups", id="no-type"),
    pytest.param(
        resources(VolumeSizeInGB=None), "VolumeSizeInGB of at least 1 is required for instance type", id="no-volume"
    ),
    pytest.param(resources(SelectedInstanceType="ml.m5.large"), "SelectedInstanceType is read-only", id="read-only"),
    pytest.param(resources(KeepAlivePeriodInSeconds=3601), "at most 3600", id="warm-pool-too-long"),
    pytest.param(
        resources(KeepAlivePeriodInSeconds=60)
        | SPOT
        | {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}},
        "KeepAlivePeriodInSeconds is not supported with EnableManagedSpotTraining",
        id="warm-pool-on-spot",
    ),
    pytest.param(
        {"StoppingCondition": {"MaxRuntimeInSeconds": 28 * 86400 + 1}}, "at most 2419200", id="runtime-too-long"
    ),
    pytest.param(
        {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}},
        "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        id="wait-without-spot",
    ),
    pytest.param(SPOT, "MaxWaitTimeInSeconds is required", id="spot-without-wait"),
    pytest.param(
        SPOT | {"StoppingCondition": {"MaxRuntimeInSeconds": 10, "MaxWaitTimeInSeconds": 9}},
        "It must be equal to or greater than MaxRuntimeInSeconds",
        id="wait-shorter-than-runtime",
    ),
    pytest.param(
        {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}, "Duplicate tag keys", id="repeated-tag"
    ),
    pytest.param({"Tags": [{"Key": "aws:a", "Value": "1"}]}, "start with aws: are reserved", id="reserved-tag"),
]


@pytest.mark.parametrize(("changes", "want"), REFUSED)
async def test_create_refuses_what_does_not_fit_together(sagemaker, request_of, changes, want):
    error = await sagemaker.refused("CreateTrainingJob", **request_of("job", **changes))
    assert (error.code, error.status) == ("ValidationException", 400)
    assert want in error.message


ALLOWED = [
    pytest.param({"AlgorithmSpecification": MODE | {"AlgorithmName": "my-algorithm"}}, id="algorithm-by-name"),
    pytest.param({"InputDataConfig": [{"ChannelName": "a", "DataSource": EFS}], "VpcConfig": VPC}, id="efs-in-a-vpc"),
    pytest.param(resources(InstanceType="ml.g5.xlarge", VolumeSizeInGB=None), id="instances-with-their-own-storage"),
    pytest.param(resources(InstanceType=None, InstanceCount=None, InstanceGroups=GROUPS), id="instance-groups"),
    pytest.param(
        SPOT | {"StoppingCondition": {"MaxRuntimeInSeconds": 10, "MaxWaitTimeInSeconds": 10}}, id="spot-without-slack"
    ),
    pytest.param({"RoleArn": "arn:aws-cn:iam::123456789012:role/path/training"}, id="role-with-a-path"),
    pytest.param({"Tags": [{"Key": f"key-{number}", "Value": ""} for number in range(50)]}, id="fifty-tags"),
]


@pytest.mark.parametrize("changes", ALLOWED)
async def test_create_accepts_what_fits(sagemaker, changes):
    await sagemaker.create("job", **changes)
