"""The baseline: an operator as a first attempt is. It creates in a handler and Describes each object on a timer."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import boto3
import kopf

INTERVAL = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
KIND = ("sagebridge.io", "v1alpha1", "trainingjobs")
ROLE = "arn:aws:iam::123456789012:role/sagebridge-local"
client = boto3.client("sagemaker")


@kopf.on.create(*KIND)
async def create(uid: str, spec: dict[str, Any], patch: kopf.Patch, **_: Any) -> None:
    """Create the job and write its ARN."""
    reply = await asyncio.to_thread(
        client.create_training_job,
        TrainingJobName=f"naive-{uid}",
        AlgorithmSpecification={
            "TrainingImage": spec["algorithmSpecification"]["trainingImage"],
            "TrainingInputMode": "File",
        },
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": "s3://sagebridge-local/output"},
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
        StoppingCondition={"MaxRuntimeInSeconds": 86400},
    )
    patch.status["trainingJobArn"] = reply["TrainingJobArn"]
    patch.status["trainingJobName"] = f"naive-{uid}"


@kopf.timer(*KIND, interval=INTERVAL, initial_delay=INTERVAL)
async def look(uid: str, status: dict[str, Any], patch: kopf.Patch, **_: Any) -> None:
    """Describe the job and write its status."""
    if status.get("trainingJobStatus") in ("Completed", "Failed", "Stopped") or not status.get("trainingJobArn"):
        return
    reply = await asyncio.to_thread(client.describe_training_job, TrainingJobName=f"naive-{uid}")
    patch.status["trainingJobStatus"] = reply["TrainingJobStatus"]
    patch.status["secondaryStatus"] = reply["SecondaryStatus"]


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(kopf.operator(clusterwide=True, standalone=True))
