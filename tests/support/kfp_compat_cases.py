"""Arguments of the former components: right ones, as texts and as values, and for each argument one that changes it."""

import json
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/training"
OWN = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn:1"
CHANNEL = {
    "ChannelName": "train",
    "DataSource": {"S3DataSource": {"S3Uri": "s3://data/train/", "S3DataType": "S3Prefix"}},
    "ContentType": "text/csv",
}
CONNECTION = {"region": "eu-west-1"}
HOOK = {"S3OutputPath": "s3://debug/", "CollectionConfigurations": [{"CollectionName": "losses"}]}
RULE = {"RuleConfigurationName": "Overfit", "RuleEvaluatorImage": "rules:1", "InstanceType": "ml.t3.medium"}


def described(name: str = "churn", **fields: Any) -> str:
    """What `model` gives on."""
    container = {"image": OWN, "modelDataUrl": "s3://models/model.tar.gz"}
    return json.dumps({"modelName": name, "primaryContainer": container, **fields}, sort_keys=True)


TRAINING = {
    **CONNECTION,
    "role": ROLE,
    "image": OWN,
    "channels": json.dumps([CHANNEL]),
}

RIGHT: dict[str, dict[str, Any]] = {
    "train": {
        **TRAINING,
        "model_artifact_path": "s3://models/",
        "hyperparameters": '{"epochs": "50", "amp": "True"}',
    },
    "hyperparameter_tuning": {
        **TRAINING,
        "output_location": "s3://models/",
        "metric_name": "accuracy",
        "metric_type": "Maximize",
        "metric_definitions": '{"accuracy": "accuracy=([0-9.]+)"}',
        "max_num_jobs": "4",
        "max_parallel_jobs": "2",
        "integer_parameters": '[{"Name": "layers", "MinValue": "1", "MaxValue": "4", "ScalingType": "Linear"}]',
    },
    "model": {
        **CONNECTION,
        "role": ROLE,
        "model_name": "churn",
        "image": OWN,
        "model_artifact_url": "s3://models/model.tar.gz",
    },
    "deploy": {**CONNECTION, "model_name_1": described()},
    "batch_transform": {
        **CONNECTION,
        "model_name": described(executionRoleArn=ROLE),
        "input_location": "s3://data/unseen/",
        "output_location": "s3://predictions/",
    },
    "process": {
        **CONNECTION,
        "role": ROLE,
        "image": OWN,
        "output_config": '[{"OutputName": "out", "S3Output": {"S3Uri": "s3://out/", "LocalPath": '
        '"/opt/ml/processing/out", "S3UploadMode": "EndOfJob"}}]',
    },
}

_COMMON = {"region": "us-east-1", "role": f"{ROLE}-2", "tags": '{"team": "churn"}', "job_name": "Churn-1"}
_NETWORK = {"network_isolation": "False", "traffic_encryption": "True"}
_VPC = {"vpc_security_group_ids": "sg-1, sg-2", "vpc_subnets": "subnet-1"}
_KEYS = {"resource_encryption_key": "key-1", "output_encryption_key": "key-2"}
_MACHINES = {"instance_type": "ml.p3.2xlarge", "instance_count": "3", "volume_size": "77"}
_TRAINING = {
    **_COMMON,
    **_NETWORK,
    **_VPC,
    **_KEYS,
    **_MACHINES,
    "image": "other:2",
    "algorithm_name": "K-Means",
    "channels": [{**CHANNEL, "ChannelName": "other"}],
    "metric_definitions": {"loss": "loss=([0-9.]+)", "accuracy": "a=(.*)"},
    "training_input_mode": "Pipe",
    "max_run_time": "3600",
    "spot_instance": "True",
    "max_wait_time": "90000",
    "checkpoint_config": '{"S3Uri": "s3://checkpoints/", "LocalPath": "/opt/ml/checkpoints"}',
}

CHANGED: dict[str, dict[str, Any]] = {
    "train": {
        **_TRAINING,
        "hyperparameters": {"epochs": 2.0},
        "model_artifact_path": "s3://elsewhere/",
        "debug_hook_config": HOOK,
        "debug_rule_config": json.dumps([RULE]),
    },
    "hyperparameter_tuning": {
        **_TRAINING,
        "strategy": "Random",
        "metric_name": "loss",
        "metric_type": "Minimize",
        "early_stopping_type": "Auto",
        "static_parameters": '{"epochs": "1"}',
        "integer_parameters": [{"Name": "trees", "MinValue": "10", "MaxValue": "20"}],
        "continuous_parameters": '[{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.5", "ScalingType": "Auto"}]',
        "categorical_parameters": '[{"Name": "optimizer", "Values": ["sgd", "adam"]}]',
        "output_location": "s3://elsewhere/",
        "max_num_jobs": "9",
        "max_parallel_jobs": "3",
        "warm_start_type": "TransferLearning",
        "parent_hpo_jobs": "first, second",
    },
    "model": {
        "region": "us-east-1",
        "role": f"{ROLE}-2",
        "tags": {"team": "churn"},
        "model_name": "churn-2",
        "container_host_name": "first",
        "image": "other:2",
        "model_artifact_url": "s3://models/other.tar.gz",
        "environment": '{"WORKERS": 2}',
        "model_package": "arn:aws:sagemaker:eu-west-1:123456789012:model-package/churn/1",
        "secondary_containers": [{"Image": "a:1"}, {"Image": "b:1", "ModelDataUrl": "s3://models/b.tar.gz"}],
        **_VPC,
        "network_isolation": "False",
    },
    "deploy": {
        "region": "us-east-1",
        "tags": {"team": "churn"},
        "endpoint_name": "Churn",
        "endpoint_config_tags": '{"cost": "1"}',
        "resource_encryption_key": "key-1",
        **{
            f"{name}_{number}": value
            for number in (1, 2, 3)
            for name, value in {
                "variant_name": f"variant-{number}",
                "model_name": described(f"other-{number}"),
                "initial_instance_count": "2",
                "instance_type": "ml.c5.large",
                "initial_variant_weight": "0.5",
                "accelerator_type": "ml.eia2.medium",
            }.items()
        },
    },
    "batch_transform": {
        "region": "us-east-1",
        "tags": {"team": "churn"},
        "job_name": "Churn-1",
        "model_name": described("other", enableNetworkIsolation=True, executionRoleArn=ROLE),
        "max_concurrent": "4",
        "max_payload": "0",
        "batch_strategy": "SingleRecord",
        "environment": '{"WORKERS": "2"}',
        "input_location": "s3://data/other/",
        "data_type": "ManifestFile",
        "content_type": "text/csv",
        "split_type": "Line",
        "compression_type": "Gzip",
        "output_location": "s3://elsewhere/",
        "accept": "text/csv",
        "assemble_with": "Line",
        "input_filter": "$[1:]",
        "output_filter": "$[0]",
        "join_source": "Input",
        "instance_type": "ml.c5.large",
        "instance_count": "2",
        **_KEYS,
    },
    "process": {
        **_COMMON,
        **_NETWORK,
        **_VPC,
        **_KEYS,
        **_MACHINES,
        "image": "other:2",
        "max_run_time": "60",
        "environment": {"SHARDS": 2},
        "container_entrypoint": '["python3", "/prepare.py"]',
        "container_arguments": ["--share", 0.2],
        "output_config": [
            {
                "OutputName": "other",
                "S3Output": {"S3Uri": "s3://o/", "LocalPath": "/opt/ml/processing/o", "S3UploadMode": "Continuous"},
            }
        ],
        "input_config": '[{"InputName": "table", "S3Input": {"S3Uri": "s3://data/", '
        '"LocalPath": "/opt/ml/processing/in"}}]',
    },
}
"""For each argument of each component something else than in `RIGHT`."""

BESIDE: dict[tuple[str, str], dict[str, Any]] = {
    **{
        (component, argument): {other: _VPC[other]}
        for component in ("train", "hyperparameter_tuning", "model", "process")
        for argument, other in (tuple(_VPC), tuple(_VPC)[::-1])
    },
    **{(component, "algorithm_name"): {"image": ""} for component in ("train", "hyperparameter_tuning")},
    **{(component, "max_wait_time"): {"spot_instance": True} for component in ("train", "hyperparameter_tuning")},
    ("hyperparameter_tuning", "warm_start_type"): {"parent_hpo_jobs": "zero"},
    ("hyperparameter_tuning", "parent_hpo_jobs"): {"warm_start_type": "TransferLearning"},
    ("model", "model_package"): {"image": "", "model_artifact_url": ""},
    ("model", "secondary_containers"): {"image": "", "model_artifact_url": ""},
    **{
        ("deploy", f"{name}_{number}"): {f"model_name_{each}": described() for each in range(2, number + 1)}
        for number in (2, 3)
        for name in (
            "variant_name",
            "initial_instance_count",
            "instance_type",
            "initial_variant_weight",
            "accelerator_type",
        )
    },
    ("deploy", "model_name_3"): {"model_name_2": described("second")},
}
"""What an argument needs beside it."""

ADMITTED: dict[str, dict[str, Any]] = {
    **{f"{name}-as-little": given for name, given in RIGHT.items() if name != "model"},
    **{
        f"{name}-as-much": {**RIGHT[name], **changed, **({"algorithm_name": ""} if "algorithm_name" in changed else {})}
        for name, changed in CHANGED.items()
        if name != "model"
    },
    "train-by-an-algorithm": {**RIGHT["train"], "image": "", "algorithm_name": "K-Means"},
    "train-by-an-algorithm-resource": {**RIGHT["train"], "image": "", "algorithm_name": "mine"},
}
"""By component and what for: what the API server has to take, by its rules between fields, too."""
