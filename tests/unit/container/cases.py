"""The jobs of the golden files: CreateTrainingJob requests, and the host whose container it is."""

from typing import Any

_HYPERPARAMETERS = {
    "sagemaker_program": '"train.py"',
    "sagemaker_submit_directory": '"s3://bucket/code/sourcedir.tar.gz"',
    "sagemaker_region": '"us-west-2"',
    "sagemaker_container_log_level": "10",
    "sagemaker_job_name": '"job-1"',
    "epochs": "10",
    "lr": "0.10",
    "learning-rate": "1e-3",
    "name": '"resnet 50"',
    "bare": "text",
    "version": '"1.10"',
    "nested": '{"b": 1, "a": [1, 2]}',
    "flag": "false",
    "none": "null",
    "l": "[1, 2]",
}


def _channel(name: str, *, s3: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    return {"ChannelName": name, "DataSource": {"S3DataSource": s3 or {}}, **members}


ONE_HOST: dict[str, Any] = {
    "TrainingJobName": "job-1",
    "AlgorithmSpecification": {"TrainingImage": "pytorch-training:2.3", "TrainingInputMode": "FastFile"},
    "HyperParameters": _HYPERPARAMETERS,
    "InputDataConfig": [
        _channel("train", ContentType="text/csv"),
        _channel("pipe", InputMode="Pipe", RecordWrapperType="RecordIO"),
    ],
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
    "Environment": {"MODE": "fast"},
}

ELEVEN_HOSTS: dict[str, Any] = ONE_HOST | {
    "HyperParameters": _HYPERPARAMETERS | {"sagemaker_torch_distributed_enabled": "true"},
    "InputDataConfig": [_channel("train", s3={"S3DataDistributionType": "ShardedByS3Key"})],
    "ResourceConfig": {"InstanceType": "ml.g5.12xlarge", "InstanceCount": 11},
}

GROUPS: dict[str, Any] = ONE_HOST | {
    "HyperParameters": _HYPERPARAMETERS
    | {"sagemaker_mpi_enabled": "true", "sagemaker_distribution_instance_groups": '["gpus"]'},
    "InputDataConfig": [
        _channel("images", s3={"InstanceGroupNames": ["gpus"]}),
        _channel("tables", s3={"InstanceGroupNames": ["cpus"]}),
        _channel("labels", s3={"InstanceGroupNames": ["gpus", "cpus"]}),
    ],
    "ResourceConfig": {
        "InstanceGroups": [
            {"InstanceGroupName": "cpus", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
            {"InstanceGroupName": "gpus", "InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
        ]
    },
}

OWN_IMAGE: dict[str, Any] = {
    "TrainingJobName": "job-1",
    "AlgorithmSpecification": {"TrainingImage": "registry/own:1"},
    "HyperParameters": {"depth": "3", "deep": "true", "path": "/opt/ml/input/data/train"},
    "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
}

CASES: dict[str, tuple[dict[str, Any], str]] = {
    "one-host": (ONE_HOST, "algo-1"),
    "eleven-hosts": (ELEVEN_HOSTS, "algo-10"),
    "instance-groups": (GROUPS, "algo-3"),
    "own-image": (OWN_IMAGE, "algo-1"),
}
