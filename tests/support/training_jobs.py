"""TrainingJob specs to start from, and a way to change them."""

import copy
from typing import Any

Spec = dict[str, Any]

ALGORITHM: Spec = {"algorithm": {"name": "xgboost"}, "resourceConfig": {"instanceType": "ml.m5.xlarge"}}
SCRIPT: Spec = {
    "framework": {"name": "pytorch", "version": "2.3"},
    "source": {"entryPoint": "train.py", "s3Uri": "s3://bucket/source/sourcedir.tar.gz"},
    "resourceConfig": {"instanceType": "ml.m5.xlarge"},
}
OWN_IMAGE: Spec = {
    "algorithmSpecification": {"trainingImage": "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"},
    "resourceConfig": {"instanceType": "ml.m5.xlarge"},
}
SERVERLESS: Spec = {
    "serverlessJobConfig": {
        "baseModelArn": "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/a-model/1.0.0",
        "jobType": "FineTuning",
    }
}
CHANNEL: Spec = {"channelName": "train", "dataSource": {"s3DataSource": {"s3Uri": "s3://bucket/train/"}}}
FILE_SYSTEM: Spec = {
    "channelName": "train",
    "dataSource": {
        "fileSystemDataSource": {
            "fileSystemId": "fs-0123456789abcdef0",
            "fileSystemAccessMode": "ro",
            "fileSystemType": "FSxLustre",
            "directoryPath": "/data",
        }
    },
}
VPC: Spec = {"vpcConfig": {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]}}


def changed(spec: Spec, *changes: Spec) -> Spec:
    """Merge changes into a spec; None removes a field."""
    result = copy.deepcopy(spec)
    for change in changes:
        _merge(result, change)
    return result


def _merge(into: Spec, change: Spec) -> None:
    for key, value in change.items():
        if value is None:
            into.pop(key, None)
        elif isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
