"""Good manifests of each kind of job: between them they have every field that is worth breaking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from faults.cluster import Kind

from scenarios import batch_transforms, processing_jobs, training_jobs, tuning_jobs

_IMAGE = training_jobs.IMAGE
_VPC = {"subnets": ["subnet-0123456789"], "securityGroupIds": ["sg-0123456789"]}
_TAGS = [{"key": "team", "value": "red"}]
_RUN_POLICY = {"deletionPolicy": "Stop", "suspend": False, "retry": {"limit": 1, "errors": ["CapacityError"]}}
GIVEN = "given"
"""Stands for a name in SageMaker, which has to be another one for each object."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A kind whose manifests are broken.

    Attributes:
        kind: what it is.
        create: the operation that makes its jobs.
        name_field: the field of the spec that names them in SageMaker.
        good: specs that run; the first is the plainest.
        batches: how many batches of broken ones are tried.
    """

    kind: Kind
    create: str
    name_field: str
    good: Sequence[dict[str, Any]]
    batches: int

    def __str__(self) -> str:
        return self.kind.name


_TRAINING = (
    training_jobs.SPEC,
    {
        "trainingJobName": GIVEN,
        "algorithmSpecification": {
            "trainingImage": _IMAGE,
            "trainingInputMode": "File",
            "metricDefinitions": [{"name": "loss", "regex": "loss=([0-9.]+)"}],
            "containerEntrypoint": ["python"],
            "containerArguments": ["train.py"],
        },
        "hyperParameters": {"epochs": 3, "rate": "0.1", "shuffle": True},
        "inputDataConfig": [
            {
                "channelName": "train",
                "dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/data"}},
                "contentType": "text/csv",
            }
        ],
        "outputDataConfig": {"s3OutputPath": "s3://sagebridge-local/out"},
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1, "volumeSizeInGB": 10},
        "stoppingCondition": {"maxRuntimeInSeconds": 86400, "maxWaitTimeInSeconds": 86400},
        "enableManagedSpotTraining": True,
        "checkpointConfig": {"s3Uri": "s3://sagebridge-local/checkpoints", "localPath": "/opt/ml/checkpoints"},
        "vpcConfig": _VPC,
        "environment": {"MODE": "test", "LEVEL": 3},
        "profilerConfig": {"disableProfiler": True},
        "tags": _TAGS,
        "runPolicy": _RUN_POLICY,
    },
    {
        "algorithm": {"name": "xgboost", "version": "1.7-1"},
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
        "region": "us-east-1",
    },
    {
        "framework": {"name": "pytorch", "version": "2.3", "pythonVersion": "py311"},
        "source": {"entryPoint": "train.py", "s3Uri": "s3://sagebridge-local/code/source.tar.gz"},
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
    },
)

_PROCESSING = (
    processing_jobs.SPEC,
    {
        "processingJobName": GIVEN,
        "appSpecification": {
            "imageUri": _IMAGE,
            "containerEntrypoint": ["python", "split.py"],
            "containerArguments": ["--share", "0.2"],
        },
        "processingInputs": [
            {
                "inputName": "table",
                "s3Input": {
                    "s3Uri": "s3://sagebridge-local/table",
                    "localPath": "/opt/ml/processing/input/table",
                    "s3DataType": "S3Prefix",
                    "s3InputMode": "Pipe",
                    "s3DataDistributionType": "ShardedByS3Key",
                    "s3CompressionType": "Gzip",
                },
            },
            {
                "inputName": "sales",
                "datasetDefinition": {
                    "athenaDatasetDefinition": {
                        "catalog": "AwsDataCatalog",
                        "database": "sales",
                        "queryString": "SELECT 1",
                        "outputS3Uri": "s3://sagebridge-local/athena/",
                        "outputFormat": "PARQUET",
                    }
                },
            },
        ],
        "processingOutputConfig": {
            "outputs": [
                {
                    "outputName": "rows",
                    "s3Output": {
                        "s3Uri": "s3://sagebridge-local/rows",
                        "localPath": "/opt/ml/processing/output/rows",
                        "s3UploadMode": "Continuous",
                    },
                },
                {"outputName": "features", "appManaged": True, "featureStoreOutput": {"featureGroupName": "rows"}},
            ]
        },
        "processingResources": {
            "clusterConfig": {"instanceType": "ml.m5.large", "instanceCount": 2, "volumeSizeInGB": 10}
        },
        "networkConfig": {"enableNetworkIsolation": True, "vpcConfig": _VPC},
        "stoppingCondition": {"maxRuntimeInSeconds": 3600},
        "environment": {"MODE": "test", "LEVEL": 3},
        "tags": _TAGS,
        "runPolicy": _RUN_POLICY,
    },
    {
        "framework": {"name": "sklearn", "version": "1.2-1"},
        "source": {"entryPoint": "split.py", "s3Uri": "s3://sagebridge-local/code/source.tar.gz"},
        "processingResources": {"clusterConfig": {"instanceType": "ml.m5.large"}},
        "region": "us-east-1",
    },
)

_TRANSFORM = (
    batch_transforms.SPEC,
    {
        "transformJobName": GIVEN,
        "region": "us-east-1",
        "model": {
            "containers": [
                {"image": _IMAGE, "modelDataUrl": "s3://sagebridge-local/models/one.tar.gz"},
                {"image": _IMAGE, "environment": {"MODE": "test"}, "containerHostname": "second"},
            ],
            "enableNetworkIsolation": True,
            "vpcConfig": _VPC,
        },
        "maxConcurrentTransforms": 2,
        "maxPayloadInMB": 6,
        "batchStrategy": "MultiRecord",
        "modelClientConfig": {"invocationsTimeoutInSeconds": 60, "invocationsMaxRetries": 1},
        "environment": {"MODE": "test", "LEVEL": 3},
        "transformInput": {
            "dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/in/", "s3DataType": "S3Prefix"}},
            "contentType": "text/csv",
            "compressionType": "Gzip",
            "splitType": "Line",
        },
        "transformOutput": {
            "s3OutputPath": "s3://sagebridge-local/out",
            "accept": "text/csv",
            "assembleWith": "Line",
        },
        "dataCaptureConfig": {"destinationS3Uri": "s3://sagebridge-local/captured", "generateInferenceId": True},
        "dataProcessing": {"inputFilter": "$[1:]", "joinSource": "Input", "outputFilter": "$[0,-1]"},
        "transformResources": {"instanceType": "ml.m5.large", "instanceCount": 2},
        "tags": _TAGS,
        "runPolicy": _RUN_POLICY,
    },
)

_OBJECTIVE = {"type": "Maximize", "metricName": tuning_jobs.METRIC}
_NUMBERS = {
    "integerParameterRanges": [{"name": "depth", "minValue": 1, "maxValue": 9, "scalingType": "Linear"}],
    "continuousParameterRanges": [{"name": "x", "minValue": 0.001, "maxValue": 0.5, "scalingType": "Logarithmic"}],
    "categoricalParameterRanges": [{"name": "mode", "values": ["a", 1, True]}],
}
_DEFINITION: dict[str, Any] = {
    **tuning_jobs.SPEC["trainingJobDefinition"],
    "staticHyperParameters": {"epochs": 3, "shuffle": True},
    "outputDataConfig": {"s3OutputPath": "s3://sagebridge-local/out"},
    "stoppingCondition": {"maxRuntimeInSeconds": 3600},
    "vpcConfig": _VPC,
    "environment": {"MODE": "test", "LEVEL": 3},
}
_TUNING = (
    tuning_jobs.SPEC,
    {
        "hyperParameterTuningJobName": GIVEN,
        "hyperParameterTuningJobConfig": {
            "strategy": "Bayesian",
            "hyperParameterTuningJobObjective": _OBJECTIVE,
            "resourceLimits": {
                "maxNumberOfTrainingJobs": 4,
                "maxParallelTrainingJobs": 2,
                "maxRuntimeInSeconds": 3600,
            },
            "parameterRanges": _NUMBERS,
            "trainingJobEarlyStoppingType": "Auto",
            "tuningJobCompletionCriteria": {
                "targetObjectiveMetricValue": 0.9,
                "bestObjectiveNotImproving": {"maxNumberOfTrainingJobsNotImproving": 3},
                "convergenceDetected": {"completeOnConvergence": "Enabled"},
            },
            "randomSeed": 7,
        },
        "trainingJobDefinition": _DEFINITION,
        "tags": _TAGS,
        "runPolicy": {"deletionPolicy": "Stop", "suspend": False},
    },
    {
        "hyperParameterTuningJobConfig": {
            "strategy": "Hyperband",
            "strategyConfig": {"hyperbandStrategyConfig": {"minResource": 1, "maxResource": 9}},
            "resourceLimits": {"maxNumberOfTrainingJobs": 2, "maxParallelTrainingJobs": 1},
        },
        "trainingJobDefinitions": [
            {**_DEFINITION, "definitionName": name, "tuningObjective": _OBJECTIVE, "hyperParameterRanges": _NUMBERS}
            for name in ("one", "two")
        ],
    },
)

SUBJECTS = (
    Subject(
        kind=training_jobs.TRAINING_JOB,
        create=training_jobs.CREATE,
        name_field="trainingJobName",
        good=_TRAINING,
        batches=30,
    ),
    Subject(
        kind=processing_jobs.PROCESSING_JOB,
        create=processing_jobs.CREATE,
        name_field="processingJobName",
        good=_PROCESSING,
        batches=10,
    ),
    Subject(
        kind=batch_transforms.BATCH_TRANSFORM,
        create=batch_transforms.CREATE,
        name_field="transformJobName",
        good=_TRANSFORM,
        batches=10,
    ),
    Subject(
        kind=tuning_jobs.TUNING_JOB,
        create=tuning_jobs.CREATE,
        name_field="hyperParameterTuningJobName",
        good=_TUNING,
        batches=10,
    ),
)
"""The kinds. What they have in common is tried most with TrainingJobs."""
