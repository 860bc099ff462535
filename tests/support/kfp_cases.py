"""Inputs of each component that are right, for golden specs and for what changes one of them."""

from dataclasses import dataclass, field
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/training"
PYTORCH = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-training:2.3.0-gpu-py311-cu121-ubuntu20.04-sagemaker"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """What a component gets; the rest has its defaults.

    Attributes:
        op: the component's name.
        reason: what the case is for; the golden's name.
        inputs: as a pipeline's author writes them.
    """

    op: str
    reason: str
    inputs: dict[str, Any] = field(default_factory=dict)


TRAINING = (
    Case(
        op="TrainingJobOp",
        reason="builtin-algorithm",
        inputs={
            "algorithm": "xgboost",
            "algorithm_version": "1.7-1",
            "instance_type": "ml.m5.xlarge",
            "hyperparameters": {"num_round": 50, "eta": 0.2, "objective": "multi:softmax"},
            "channels": {"train": "s3://data/train/", "validation": "s3://data/validation/"},
            "content_type": "text/csv",
        },
    ),
    Case(
        op="TrainingJobOp",
        reason="framework-with-everything",
        inputs={
            "framework": "pytorch",
            "framework_version": "2.3",
            "python_version": "py311",
            "distribution": "torchrun",
            "entry_point": "train.py",
            "source": "s3://code/sourcedir.tar.gz",
            "hyperparameters": {"epochs": 3, "amp": True},
            "channels": {
                "train": "s3://data/train/",
                "labels": {
                    "inputMode": "File",
                    "dataSource": {
                        "fileSystemDataSource": {
                            "fileSystemType": "EFS",
                            "fileSystemId": "fs-0123456789abcdef0",
                            "fileSystemAccessMode": "ro",
                            "directoryPath": "/labels",
                        }
                    },
                },
            },
            "input_mode": "FastFile",
            "output_path": "s3://models/",
            "environment": {"WORKERS": 4, "LEVEL": "debug"},
            "metric_definitions": {"accuracy": "accuracy=([0-9.]+)"},
            "instance_type": "ml.g5.12xlarge",
            "instance_count": 2,
            "volume_size_gb": 200,
            "max_runtime_seconds": 3600,
            "spot": True,
            "max_wait_seconds": 7200,
            "checkpoints": "s3://models/checkpoints/",
            "role_arn": ROLE,
            "region": "eu-west-1",
            "tags": {"team": "churn", "cost-center": 4711},
            "retry_limit": 2,
            "deletion_policy": "Purge",
            "spec_overrides": {
                "vpcConfig": {"subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
                "runPolicy": {"ttlSecondsAfterFinished": 600},
            },
        },
    ),
    Case(
        op="TrainingJobOp",
        reason="own-image-on-the-cluster",
        inputs={
            "image": "registry.example.com/churn:1",
            "entry_point": "train.py",
            "source": "churn-code",
            "instance_type": "ml.g5.xlarge",
            "target": "Cluster",
            "cluster": {"queueName": "gpus", "gpu": {"count": 1}},
        },
    ),
    Case(
        op="TrainingJobOp",
        reason="algorithm-resource-by-overrides",
        inputs={
            "instance_type": "ml.m5.xlarge",
            "spec_overrides": {"algorithmSpecification": {"algorithmName": "my-algorithm"}},
        },
    ),
)

TUNING = (
    Case(
        op="HPTuningJobOp",
        reason="builtin-algorithm",
        inputs={
            "algorithm": "xgboost",
            "instance_type": "ml.m5.xlarge",
            "objective_metric": "validation:merror",
            "objective_type": "Minimize",
            "integer_ranges": {"max_depth": [2, 10]},
            "continuous_ranges": {"eta": [0.01, 0.5, "Logarithmic"]},
            "categorical_ranges": {"booster": ["gbtree", "dart"]},
            "hyperparameters": {"num_round": 20},
            "channels": {"train": "s3://data/train/"},
            "max_jobs": 6,
            "max_parallel_jobs": 3,
            "early_stopping": True,
        },
    ),
    Case(
        op="HPTuningJobOp",
        reason="script-on-the-cluster",
        inputs={
            "framework": "sklearn",
            "framework_version": "1.2-1",
            "entry_point": "train.py",
            "source": "digits-code",
            "instance_type": "ml.m5.large",
            "objective_metric": "accuracy",
            "metric_definitions": {"accuracy": "accuracy=([0-9.]+)"},
            "integer_ranges": {"trees": {"minValue": 10, "maxValue": 100, "scalingType": "Linear"}},
            "strategy": "Random",
            "target": "Cluster",
            "retry_limit": 1,
        },
    ),
    Case(
        op="HPTuningJobOp",
        reason="warm-start-by-overrides",
        inputs={
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:1",
            "instance_type": "ml.m5.large",
            "objective_metric": "accuracy",
            "metric_definitions": {"accuracy": "accuracy=([0-9.]+)"},
            "continuous_ranges": {"dropout": [0, 1]},
            "spec_overrides": {
                "warmStartConfig": {
                    "parentHyperParameterTuningJobs": [{"ref": {"name": "first"}}],
                    "warmStartType": "TransferLearning",
                },
                "trainingJobDefinition": {"enableNetworkIsolation": True},
            },
        },
    ),
)

TRANSFORM = (
    Case(
        op="BatchTransformOp",
        reason="trained-model",
        inputs={
            "model_uri": "s3://models/model.tar.gz",
            "image": PYTORCH,
            "input_uri": "s3://data/held-out/",
            "instance_type": "ml.m5.large",
            "entry_point": "inference.py",
            "source": "digits-code",
            "content_type": "text/csv",
            "accept": "text/csv",
            "split_type": "Line",
            "assemble_with": "Line",
            "batch_strategy": "MultiRecord",
            "input_filter": "$[1:]",
            "join_input": True,
            "output_filter": "$[0,-1]",
            "max_payload_mb": 5,
            "max_concurrent_transforms": 2,
            "environment": {"WORKERS": 2},
        },
    ),
    Case(
        op="BatchTransformOp",
        reason="training-job",
        inputs={"training_job": "digits", "input_uri": "s3://data/x/", "instance_type": "ml.m5.large"},
    ),
    Case(
        op="BatchTransformOp",
        reason="tuning-job-on-the-cluster",
        inputs={
            "tuning_job": "digits",
            "input_uri": "s3://data/x/",
            "instance_type": "ml.m5.large",
            "target": "Cluster",
            "output_path": "s3://out/",
        },
    ),
    Case(
        op="BatchTransformOp",
        reason="model-by-name",
        inputs={"model_name": "champion", "input_uri": "s3://data/x/", "instance_type": "ml.m5.large"},
    ),
)

PROCESSING = (
    Case(
        op="ProcessingJobOp",
        reason="script",
        inputs={
            "framework": "sklearn",
            "framework_version": "1.2-1",
            "entry_point": "prepare.py",
            "source": "digits-code",
            "arguments": ["--share", 0.2, "--seed", 7.0],
            "inputs": {"table": "s3://data/table/"},
            "outputs": {"train": "s3://data/train/", "test": ""},
            "instance_type": "ml.m5.xlarge",
            "max_runtime_seconds": 600,
        },
    ),
    Case(
        op="ProcessingJobOp",
        reason="own-image",
        inputs={
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/prepare:1",
            "entrypoint": ["python3", "/prepare.py"],
            "inputs": {"table": {"s3Input": {"s3Uri": "s3://data/", "s3DataDistributionType": "ShardedByS3Key"}}},
            "outputs": {"out": {"s3Output": {"s3UploadMode": "Continuous", "s3Uri": "s3://out/"}}},
            "environment": {"SHARDS": 2},
            "instance_type": "ml.m5.xlarge",
            "instance_count": 2,
            "volume_size_gb": 50,
        },
    ),
    Case(
        op="ProcessingJobOp",
        reason="script-on-the-cluster",
        inputs={
            "image": "registry.example.com/prepare:1",
            "entry_point": "prepare.py",
            "source": "digits-code",
            "inputs": {"table": "s3://data/table/"},
            "outputs": {"train": ""},
            "instance_type": "ml.m5.xlarge",
            "target": "Cluster",
            "cluster": {"queueName": "cpus", "serviceAccountName": "processing"},
        },
    ),
)

ENDPOINT = (
    Case(
        op="EndpointOp",
        reason="trained-model",
        inputs={
            "name": "digits",
            "model_uri": "s3://models/model.tar.gz",
            "image": PYTORCH,
            "entry_point": "inference.py",
            "source": "s3://code/inference.tar.gz",
            "instance_type": "ml.m5.large",
            "instance_count": 2,
            "environment": {"WORKERS": 2},
            "autoscaling": {"minCapacity": 1, "maxCapacity": 4, "targetValue": 100},
            "tags": {"team": "digits"},
        },
    ),
    Case(
        op="EndpointOp",
        reason="own-image-on-the-cluster",
        inputs={
            "name": "digits",
            "image": "registry.example.com/digits:1",
            "model_uri": "s3://models/model.tar.gz",
            "instance_type": "ml.g5.xlarge",
            "target": "Cluster",
            "cluster": {"serviceAccountName": "serving"},
        },
    ),
    Case(
        op="EndpointOp",
        reason="framework",
        inputs={
            "name": "digits",
            "framework": "sklearn",
            "framework_version": "1.2-1",
            "model_uri": "s3://models/model.tar.gz",
            "entry_point": "inference.py",
            "source": "digits-code",
            "instance_type": "ml.m5.large",
        },
    ),
    Case(
        op="EndpointOp",
        reason="serverless-algorithm",
        inputs={
            "name": "digits",
            "algorithm": "xgboost",
            "algorithm_version": "1.7-1",
            "model_uri": "s3://models/model.tar.gz",
            "serverless_memory_mb": 2048,
        },
    ),
    Case(
        op="EndpointOp",
        reason="training-job-with-overrides",
        inputs={
            "name": "digits",
            "training_job": "digits",
            "instance_type": "ml.m5.large",
            "deletion_policy": "Retain",
            "spec_overrides": {"history": {"limit": 1}},
        },
    ),
)

CASES = (*TRAINING, *TUNING, *TRANSFORM, *PROCESSING, *ENDPOINT)


def case(op: str, reason: str) -> Case:
    """One of the cases."""
    return next(each for each in CASES if (each.op, each.reason) == (op, reason))
