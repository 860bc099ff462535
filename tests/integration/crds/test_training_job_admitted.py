"""TrainingJob manifests that the API server admits."""

from typing import Any

import pytest
from support.training_jobs import ALGORITHM, CHANNEL, FILE_SYSTEM, OWN_IMAGE, SCRIPT, SERVERLESS, VPC, Spec, changed


@pytest.mark.parametrize(
    ("reason", "spec"),
    [
        ("a built-in algorithm", ALGORITHM),
        ("a built-in algorithm and more of algorithmSpecification", ALGORITHM | {"algorithmSpecification": {}}),
        (
            "metric definitions go with any level",
            ALGORITHM | {"algorithmSpecification": {"metricDefinitions": [{"name": "a", "regex": "a=(.*)"}]}},
        ),
        ("script mode", SCRIPT),
        ("script mode from a ConfigMap", changed(SCRIPT, {"source": {"s3Uri": None, "configMap": {"name": "code"}}})),
        ("an own image", OWN_IMAGE),
        ("an own image with the toolkit", OWN_IMAGE | {"source": SCRIPT["source"]}),
        (
            "an algorithm resource",
            changed(OWN_IMAGE, {"algorithmSpecification": {"trainingImage": None, "algorithmName": "mine"}}),
        ),
        ("a serverless job", SERVERLESS),
        ("target said", ALGORITHM | {"target": "SageMaker"}),
        (
            "hyperparameters of every kind",
            ALGORITHM | {"hyperParameters": {"a": 1, "b": 0.5, "c": True, "d": "x", "e": 1e-8}},
        ),
        ("environment of every kind", ALGORITHM | {"environment": {"A": 1, "B": 0.5, "C": False, "D": "x"}}),
        ("channels", ALGORITHM | {"inputDataConfig": [CHANNEL, CHANNEL | {"channelName": "validation"}]}),
        ("a file system", ALGORITHM | {"inputDataConfig": [FILE_SYSTEM]} | VPC),
        (
            "a file system beside piped channels",
            ALGORITHM
            | VPC
            | {
                "inputDataConfig": [CHANNEL | {"channelName": "piped"}, FILE_SYSTEM | {"inputMode": "File"}],
                "algorithmSpecification": {"trainingInputMode": "Pipe"},
            },
        ),
        (
            "spot",
            ALGORITHM
            | {
                "enableManagedSpotTraining": True,
                "stoppingCondition": {"maxRuntimeInSeconds": 60, "maxWaitTimeInSeconds": 60},
                "checkpointConfig": {"s3Uri": "s3://bucket/checkpoints"},
            },
        ),
        ("a warm pool", changed(ALGORITHM, {"resourceConfig": {"keepAlivePeriodInSeconds": 600}})),
        (
            "a heterogeneous cluster",
            changed(
                ALGORITHM,
                {
                    "resourceConfig": {
                        "instanceType": None,
                        "instanceGroups": [
                            {"instanceGroupName": "a", "instanceType": "ml.p4d.24xlarge", "instanceCount": 1}
                        ],
                    }
                },
            ),
        ),
        (
            "an order of instance types",
            ALGORITHM
            | {
                "resourceConfig": {
                    "instanceCount": 2,
                    "instancePreferences": [{"instanceType": "ml.p5.48xlarge"}, {"instanceType": "ml.p4d.24xlarge"}],
                }
            },
        ),
        (
            "an instance type that this version has never heard of",
            changed(ALGORITHM, {"resourceConfig": {"instanceType": "ml.z9.99xlarge"}}),
        ),
        ("incremental training", ALGORITHM | {"modelRef": {"kind": "TrainingJob", "name": "before"}}),
        ("variables out of a ConfigMap", ALGORITHM | {"environmentFrom": [{"configMapRef": {"name": "settings"}}]}),
        (
            "the whole run policy",
            ALGORITHM
            | {
                "runPolicy": {
                    "deletionPolicy": "Purge",
                    "suspend": True,
                    "retry": {"limit": 2, "errors": ["CapacityError"]},
                    "ttlSecondsAfterFinished": 0,
                }
            },
        ),
        ("tags", ALGORITHM | {"tags": [{"key": "team", "value": "a"}, {"key": "Sagebridge", "value": ""}]}),
        ("tags in other scripts", ALGORITHM | {"tags": [{"key": "équipe", "value": "データ"}]}),
    ],
)
def test_admitted(reason: str, spec: Spec, training_jobs: Any) -> None:
    assert training_jobs.refusal(spec) == "", reason
    assert training_jobs.create(spec, dry_run=True)["spec"] == spec, f"{reason}: nothing is pruned or filled in"
