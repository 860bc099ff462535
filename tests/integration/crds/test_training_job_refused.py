"""TrainingJob manifests that the API server refuses, and with which words."""

from typing import Any

import pytest
from support.training_jobs import ALGORITHM, CHANNEL, FILE_SYSTEM, OWN_IMAGE, SCRIPT, VPC, Spec, changed

MODEL: Spec = {"modelRef": {"kind": "TrainingJob", "name": "before"}}


@pytest.mark.parametrize(
    ("reason", "spec", "said"),
    [
        ("no level", changed(ALGORITHM, {"algorithm": None}), "say what to train with, by exactly one of algorithm"),
        ("two levels", ALGORITHM | SCRIPT, "say what to train with, by exactly one of algorithm"),
        (
            "an image and an algorithm resource",
            changed(OWN_IMAGE, {"algorithmSpecification": {"algorithmName": "mine"}}),
            "say what to train with, by exactly one of algorithm",
        ),
        ("a framework without code", changed(SCRIPT, {"source": None}), "give source.entryPoint with source.s3Uri"),
        ("code without a framework", ALGORITHM | {"source": SCRIPT["source"]}, "source goes with framework"),
        ("code from nowhere", changed(SCRIPT, {"source": {"s3Uri": None}}), "by exactly one of s3Uri"),
        (
            "code from two places",
            changed(SCRIPT, {"source": {"configMap": {"name": "code"}}}),
            "by exactly one of s3Uri",
        ),
        (
            "code that is not packed",
            changed(SCRIPT, {"source": {"s3Uri": "s3://bucket/source/"}}),
            "sagebridge source push",
        ),
        ("a script outside", changed(SCRIPT, {"source": {"entryPoint": "a/../../x.py"}}), "without .."),
        ("a script at the root", changed(SCRIPT, {"source": {"entryPoint": "/bin/sh"}}), "spec.source.entryPoint"),
        (
            "a script with arguments",
            changed(SCRIPT, {"source": {"entryPoint": "a.py; rm"}}),
            "spec.source.entryPoint",
        ),
        ("no script", changed(SCRIPT, {"source": {"entryPoint": None}}), "spec.source.entryPoint: Required value"),
        (
            "a version that YAML read as a number",
            changed(SCRIPT, {"framework": {"version": 2.3}}),
            "spec.framework.version in body must be of type string",
        ),
        ("the other target's fields", ALGORITHM | {"cluster": {"queueName": "a"}}, "cluster goes with target: Cluster"),
        ("no such target", ALGORITHM | {"target": "Moon"}, 'supported values: "SageMaker", "Cluster"'),
        ("an unknown target", ALGORITHM | {"target": "Mars"}, 'supported values: "SageMaker", "Cluster"'),
        (
            "a Secret",
            ALGORITHM | {"environmentFrom": [{"secretRef": {"name": "password"}}]},
            "keep it in AWS Secrets Manager",
        ),
        (
            "variables out of nothing",
            ALGORITHM | {"environmentFrom": [{"prefix": "A_"}]},
            "exactly one of configMapRef",
        ),
        (
            "no instances",
            changed(ALGORITHM, {"resourceConfig": None}),
            "say what to run on: resourceConfig.instanceType",
        ),
        (
            "a count alone",
            ALGORITHM | {"resourceConfig": {"instanceCount": 2}},
            "say what to run on: resourceConfig.instanceType",
        ),
        (
            "an instance type and groups",
            changed(ALGORITHM, {"resourceConfig": {"instanceGroups": []}}),
            "instanceGroups replaces instanceType",
        ),
        (
            "an instance type and preferences",
            changed(
                ALGORITHM, {"resourceConfig": {"instancePreferences": [{"instanceType": "a", "instanceCount": 1}]}}
            ),
            "instancePreferences excludes",
        ),
        (
            "preferences without a count",
            ALGORITHM | {"resourceConfig": {"instancePreferences": [{"instanceType": "a"}]}},
            "an instanceCount in every one",
        ),
        (
            "an answer of SageMaker's",
            changed(ALGORITHM, {"resourceConfig": {"selectedInstanceType": "ml.m5.xlarge"}}),
            "is what SageMaker answers",
        ),
        (
            "a warm pool of spot instances",
            changed(
                ALGORITHM,
                {"resourceConfig": {"keepAlivePeriodInSeconds": 60}, "enableManagedSpotTraining": True},
            ),
            "excludes resourceConfig.instancePreferences and a warm pool",
        ),
        (
            "less time to wait than to run",
            ALGORITHM
            | {
                "enableManagedSpotTraining": True,
                "stoppingCondition": {"maxRuntimeInSeconds": 61, "maxWaitTimeInSeconds": 60},
            },
            "it must be at least maxRuntimeInSeconds",
        ),
        (
            "waiting without spot",
            ALGORITHM | {"stoppingCondition": {"maxWaitTimeInSeconds": 60}},
            "set enableManagedSpotTraining: true",
        ),
        (
            "two ways to retry",
            ALGORITHM | {"runPolicy": {"retry": {"limit": 1}}, "retryStrategy": {"maximumRetryAttempts": 1}},
            "not both",
        ),
        (
            "a retry of nothing known",
            ALGORITHM | {"runPolicy": {"retry": {"limit": 1, "errors": ["X"]}}},
            "supported values",
        ),
        ("our own tags", ALGORITHM | {"tags": [{"key": "sagebridge.io/uid", "value": "a"}]}, "choose another key"),
        ("AWS's tags", ALGORITHM | {"tags": [{"key": "aws:created", "value": "a"}]}, "choose another key"),
        (
            "the same tag twice",
            ALGORITHM | {"tags": [{"key": "a", "value": "b"}, {"key": "a", "value": "c"}]},
            'spec.tags[1]: Duplicate value: {"key":"a"}',
        ),
        (
            "the same channel twice",
            ALGORITHM | {"inputDataConfig": [CHANNEL, CHANNEL]},
            'spec.inputDataConfig[1]: Duplicate value: {"channelName":"train"}',
        ),
        (
            "a channel with no data",
            ALGORITHM | {"inputDataConfig": [{"channelName": "train", "dataSource": {}}]},
            "by exactly one of s3DataSource",
        ),
        (
            "a channel with two sources",
            ALGORITHM | VPC | {"inputDataConfig": [changed(CHANNEL, {"dataSource": FILE_SYSTEM["dataSource"]})]},
            "by exactly one of s3DataSource",
        ),
        (
            "a piped file system",
            ALGORITHM | VPC | {"inputDataConfig": [FILE_SYSTEM | {"inputMode": "Pipe"}]},
            "its inputMode is File",
        ),
        (
            "a file system in a piped job",
            ALGORITHM
            | VPC
            | {"inputDataConfig": [FILE_SYSTEM], "algorithmSpecification": {"trainingInputMode": "FastFile"}},
            "set inputMode: File on its channel",
        ),
        ("a file system without a VPC", ALGORITHM | {"inputDataConfig": [FILE_SYSTEM]}, "give vpcConfig"),
        (
            "a model in a channel that is taken",
            ALGORITHM
            | {
                "inputDataConfig": [CHANNEL | {"channelName": "model"}],
                "modelRef": {"kind": "TrainingJob", "name": "a"},
            },
            "modelRef adds a channel",
        ),
        ("a model of an unknown kind", ALGORITHM | {"modelRef": {"kind": "Pod", "name": "a"}}, "supported values"),
        ("an unknown field", ALGORITHM | {"trainingJob": "a"}, 'unknown field "spec.trainingJob"'),
        ("the API's own case", ALGORITHM | {"RoleArn": "a"}, 'unknown field "spec.RoleArn"'),
        (
            "a hyperparameter that is an object",
            ALGORITHM | {"hyperParameters": {"a": {"b": 1}}},
            "spec.hyperParameters.a",
        ),
        ("a hyperparameter that is too long", ALGORITHM | {"hyperParameters": {"a": "x" * 2501}}, "2500"),
        ("a variable that is too long", ALGORITHM | {"environment": {"A": "x" * 513}}, "512"),
        ("a role that is none", ALGORITHM | {"roleArn": "arn:aws:iam::123456789012:user/a"}, "spec.roleArn"),
        ("a region that is none", ALGORITHM | {"region": "Ireland"}, "spec.region"),
        ("a name that SageMaker refuses", ALGORITHM | {"trainingJobName": "a_b"}, "spec.trainingJobName"),
        (
            "too many instances of nothing",
            changed(ALGORITHM, {"resourceConfig": {"instanceCount": -1}}),
            "instanceCount",
        ),
    ],
)
def test_refused(reason: str, spec: Spec, said: str, training_jobs: Any) -> None:
    assert said in training_jobs.refusal(spec), reason


def test_several_mistakes_are_said_at_once(training_jobs: Any) -> None:
    message = training_jobs.refusal(changed(ALGORITHM, {"algorithm": None, "cluster": {"queueName": "a"}}))
    assert "say what to train with" in message
    assert "cluster goes with target: Cluster" in message
