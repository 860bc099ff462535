"""CreateProcessingJob requests, with a test's bucket."""

from typing import Any

from .buckets import Bucket


def source(bucket: Bucket, name: str, key: str, **s3: Any) -> dict[str, Any]:
    path = f"/opt/ml/processing/{name}"
    return {
        "InputName": name.replace("/", "-"),
        "S3Input": {"S3Uri": f"s3://{bucket.name}/{key}", "LocalPath": path, "S3DataType": "S3Prefix", **s3},
    }


def result(bucket: Bucket, name: str, *, mode: str = "EndOfJob", **s3: Any) -> dict[str, Any]:
    path = f"/opt/ml/processing/{name}"
    return {
        "OutputName": name.replace("/", "-"),
        "S3Output": {"S3Uri": f"s3://{bucket.name}/{name}", "LocalPath": path, "S3UploadMode": mode, **s3},
    }


def request(*, inputs: Any = (), outputs: Any = (), count: int = 1, key: str = "", **members: Any) -> dict[str, Any]:
    cluster = {"InstanceType": "ml.m5.xlarge", "InstanceCount": count, "VolumeSizeInGB": 30}
    config: dict[str, Any] = {"Outputs": list(outputs)} | ({"KmsKeyId": key} if key else {})
    return {
        "ProcessingJobName": "split-1",
        "AppSpecification": {"ImageUri": "registry/own:1"},
        "ProcessingInputs": list(inputs),
        "ProcessingOutputConfig": config,
        "ProcessingResources": {"ClusterConfig": cluster},
        "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        **members,
    }
