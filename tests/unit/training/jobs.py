"""Manifests to start from."""

from typing import Any

from sagebridge.core.training import ResolveContext

REGION = "eu-central-1"
OWN_IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mine:1"


def context(**changes: Any) -> ResolveContext:
    values: dict[str, Any] = {
        "job_name": "team-a-digits-abc",
        "region": REGION,
        "role_arn": "arn:aws:iam::123456789012:role/training",
        "output_path": "s3://bucket/team-a/digits",
        "tags": {"sagebridge.io/uid": "u-1", "sagebridge.io/name": "digits"},
    }
    return ResolveContext(**(values | changes))


def resources(instance_type: str = "ml.m5.xlarge", **more: Any) -> dict[str, Any]:
    return {"instanceType": instance_type, **more}


def algorithm(name: str = "xgboost", **more: Any) -> dict[str, Any]:
    return {"algorithm": {"name": name}, "resourceConfig": resources(), **more}


def script(**more: Any) -> dict[str, Any]:
    return {
        "framework": {"name": "pytorch", "version": "2.3"},
        "source": {"entryPoint": "train.py", "s3Uri": "s3://bucket/code/sourcedir.tar.gz"},
        "resourceConfig": resources(),
        **more,
    }


def own_image(**more: Any) -> dict[str, Any]:
    return {"algorithmSpecification": {"trainingImage": OWN_IMAGE}, "resourceConfig": resources(), **more}


def serverless(**more: Any) -> dict[str, Any]:
    model = "arn:aws:sagemaker:eu-central-1:aws:hub-content/SageMakerPublicHub/Model/some-model/1.0.0"
    return {"serverlessJobConfig": {"baseModelArn": model, "jobType": "FineTuning"}, **more}


def channel(name: str = "train", *, uri: str = "s3://bucket/data", **more: Any) -> dict[str, Any]:
    return {"channelName": name, "dataSource": {"s3DataSource": {"s3Uri": uri}}, **more}


def file_system(name: str = "train", **more: Any) -> dict[str, Any]:
    source = {
        "fileSystemId": "fs-0123456789abcdef0",
        "fileSystemAccessMode": "ro",
        "fileSystemType": "EFS",
        "directoryPath": "/data",
    }
    return {"channelName": name, "dataSource": {"fileSystemDataSource": source}, **more}
