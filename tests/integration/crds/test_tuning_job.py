"""HPTuningJob manifests: what the API server admits, refuses, and keeps from changing."""

from typing import Any

import kubernetes
import pytest
from sagebridge.schema.kind import GROUP
from support.tuning_jobs import METRIC, definition, spec

from .conftest import Resource

CONFIG = "hyperParameterTuningJobConfig"
RANGES = {"integerParameterRanges": [{"name": "depth", "minValue": 1, "maxValue": 9}]}
OWN = {"tuningObjective": {"type": "Maximize", "metricName": METRIC}, "hyperParameterRanges": RANGES}
NONE: dict[str, Any] = {"hyperParameterTuningJobObjective": None, "parameterRanges": None}
CLUSTER = {"target": "Cluster"}
VPC = {"securityGroupIds": ["sg-1"], "subnets": ["subnet-1"]}
MANY = {"maxNumberOfTrainingJobs": 10000, "maxParallelTrainingJobs": 101}
SOURCE = {"entryPoint": "train.py", "configMap": {"name": "code"}}


@pytest.fixture
def tuning_jobs(kube: kubernetes.client.ApiClient, namespace: str) -> Resource:
    return Resource(client=kube, group=GROUP, plural="hptuningjobs", kind="HPTuningJob", namespace=namespace)


def several(*definitions: dict[str, Any]) -> dict[str, Any]:
    return spec(config=NONE, trainingJobDefinition=None, trainingJobDefinitions=list(definitions))


def with_ranges(**ranges: Any) -> dict[str, Any]:
    return spec(config={"parameterRanges": ranges})


def warm(**parent: Any) -> dict[str, Any]:
    return spec(warmStartConfig={"parentHyperParameterTuningJobs": [parent], "warmStartType": "TransferLearning"})


@pytest.mark.parametrize(
    ("reason", "fields"),
    [
        ("an own image", spec()),
        ("no strategy", spec(config={"strategy": None})),
        (
            "a built-in algorithm",
            spec(trainingJobDefinition=definition(algorithm={"name": "xgboost"}, algorithmSpecification=None)),
        ),
        (
            "script mode",
            spec(
                trainingJobDefinition=definition(
                    framework={"name": "pytorch"}, source=SOURCE, algorithmSpecification={}
                )
            ),
        ),
        ("several definitions", several(definition(definitionName="a", **OWN), definition(definitionName="b", **OWN))),
        ("texts in ranges", with_ranges(continuousParameterRanges=[{"name": "x", "minValue": "0", "maxValue": "1"}])),
        (
            "values of every kind",
            with_ranges(categoricalParameterRanges=[{"name": "x", "values": ["a", 1, 0.5, True]}]),
        ),
        ("an auto-range", with_ranges(autoParameters=[{"name": "x", "valueHint": 0.1}])),
        ("a parent by reference", warm(ref={"name": "parent"})),
        ("the cluster", spec(cluster={"queueName": "gpus"}) | CLUSTER),
        (
            "a secret on the cluster",
            spec(trainingJobDefinition=definition(environmentFrom=[{"secretRef": {"name": "key"}}])) | CLUSTER,
        ),
        (
            "several definitions on the cluster",
            several(definition(definitionName="a", **OWN), definition(definitionName="b", **OWN)) | CLUSTER,
        ),
        (
            "a grid on the cluster, not counted",
            spec(
                config={
                    "strategy": "Grid",
                    "resourceLimits": {"maxParallelTrainingJobs": 100},
                    "parameterRanges": {"categoricalParameterRanges": [{"name": "x", "values": [1, 2]}]},
                }
            )
            | CLUSTER,
        ),
        (
            "a search on the cluster that time ends",
            spec(config={"resourceLimits": {"maxParallelTrainingJobs": 1, "maxRuntimeInSeconds": 600}}) | CLUSTER,
        ),
        ("a grid of numbers elsewhere", spec(config={"strategy": "Grid"})),
        ("more trials elsewhere", spec(config={"resourceLimits": MANY})),
        (
            "no isolation on the cluster",
            spec(trainingJobDefinition=definition(enableNetworkIsolation=False)) | CLUSTER,
        ),
        ("a parent by name", warm(hyperParameterTuningJobName="parent")),
    ],
)
def test_admitted(tuning_jobs: Resource, reason: str, fields: dict[str, Any]) -> None:
    assert tuning_jobs.refusal(fields) == "", reason


@pytest.mark.parametrize(
    ("reason", "fields", "message"),
    [
        ("no definition", spec(trainingJobDefinition=None), "exactly one of trainingJobDefinition or"),
        (
            "both",
            spec(trainingJobDefinitions=[definition(definitionName="a", **OWN)]),
            "exactly one of trainingJobDefinition or",
        ),
        ("no objective", spec(config={"hyperParameterTuningJobObjective": None}), "hyperParameterTuningJobObjective"),
        ("an unnamed definition", several(definition(**OWN)), "needs its own definitionName"),
        ("two levels", spec(trainingJobDefinition=definition(algorithm={"name": "xgboost"})), "say what to train with"),
        (
            "no source",
            spec(trainingJobDefinition=definition(framework={"name": "pytorch"}, algorithmSpecification=None)),
            "framework runs a script",
        ),
        ("no instances", spec(trainingJobDefinition=definition(resourceConfig=None)), "say what to run on"),
        (
            "Hyperband and early stopping",
            spec(config={"strategy": "Hyperband", "trainingJobEarlyStoppingType": "Auto"}),
            "Hyperband stops trials by itself",
        ),
        (
            "more at once",
            spec(config={"resourceLimits": {"maxNumberOfTrainingJobs": 1, "maxParallelTrainingJobs": 2}}),
            "must not be greater",
        ),
        ("a parent twice named", warm(ref={"name": "a"}, hyperParameterTuningJobName="b"), "exactly one of ref"),
        (
            "a Secret",
            spec(trainingJobDefinition=definition(environmentFrom=[{"secretRef": {"name": "a"}}])),
            "Secrets Manager",
        ),
        ("cluster without its target", spec(cluster={"image": "x"}), "cluster goes with target: Cluster"),
        ("autotune on the cluster", spec(autotune={"mode": "Enabled"}) | CLUSTER, "autotune can't be kept"),
        (
            "a grid of numbers on the cluster",
            spec(config={"strategy": "Grid", "resourceLimits": {"maxParallelTrainingJobs": 1}}) | CLUSTER,
            "strategy Grid tries each combination",
        ),
        (
            "a grid of numbers on the cluster, in one of several definitions",
            several(definition(definitionName="a", **OWN), definition(definitionName="b", **OWN))
            | CLUSTER
            | {CONFIG: {"strategy": "Grid", "resourceLimits": {"maxParallelTrainingJobs": 1}}},
            "strategy Grid tries each combination",
        ),
        (
            "too many trials on the cluster",
            spec(config={"resourceLimits": {"maxNumberOfTrainingJobs": 751, "maxParallelTrainingJobs": 1}}) | CLUSTER,
            "maxNumberOfTrainingJobs must not be greater than 750",
        ),
        (
            "too many trials at once on the cluster",
            spec(config={"resourceLimits": {"maxNumberOfTrainingJobs": 750, "maxParallelTrainingJobs": 101}}) | CLUSTER,
            "maxParallelTrainingJobs must not be greater than 100",
        ),
        (
            "a search without end on the cluster",
            spec(config={"resourceLimits": {"maxParallelTrainingJobs": 1}}) | CLUSTER,
            "must say when the search ends",
        ),
        (
            "a VPC on the cluster",
            spec(trainingJobDefinition=definition(vpcConfig=VPC)) | CLUSTER,
            "vpcConfig can't be kept",
        ),
        (
            "a VPC on the cluster, in one of several definitions",
            several(definition(definitionName="a", **OWN), definition(definitionName="b", vpcConfig=VPC, **OWN))
            | CLUSTER,
            "vpcConfig can't be kept",
        ),
        (
            "a choice of instances on the cluster",
            spec(
                trainingJobDefinition=definition(
                    resourceConfig=None,
                    hyperParameterTuningResourceConfig={"instanceType": "ml.m5.large", "instanceCount": 1},
                )
            )
            | CLUSTER,
            "hyperParameterTuningResourceConfig can't be kept",
        ),
        ("a reserved tag", spec(tags=[{"key": "sagebridge.io/uid", "value": "1"}]), "mark what the operator owns"),
        ("a range without an end", with_ranges(integerParameterRanges=[{"name": "x", "minValue": 1}]), "maxValue"),
        (
            "a range twice",
            with_ranges(integerParameterRanges=[{"name": "x", "minValue": 1, "maxValue": 2}] * 2),
            "Duplicate value",
        ),
        (
            "an object as a value",
            with_ranges(categoricalParameterRanges=[{"name": "x", "values": [{"a": 1}]}]),
            "must have at most 0",
        ),
        ("a long name", spec(hyperParameterTuningJobName="x" * 33), "hyperParameterTuningJobName"),
    ],
)
def test_refused(tuning_jobs: Resource, reason: str, fields: dict[str, Any], message: str) -> None:
    assert message in tuning_jobs.refusal(fields), reason


def test_nothing_but_policy_and_tags_changes_after_the_first_attempt(tuning_jobs: Resource) -> None:
    tuning_jobs.create(spec())
    assert tuning_jobs.patch_refusal({"spec": {CONFIG: {"randomSeed": 8}}}) == ""
    tuning_jobs.patch({"status": {"attempts": [{"number": 1}]}}, subresource="/status")
    for change in (
        {CONFIG: {"randomSeed": 9}},
        {CONFIG: {"parameterRanges": {"continuousParameterRanges": [{"name": "x", "minValue": 0, "maxValue": 0.7}]}}},
        {"trainingJobDefinition": {"staticHyperParameters": {"epochs": 9}}},
    ):
        assert "can't be changed after the job was created" in tuning_jobs.patch_refusal({"spec": change})
    assert tuning_jobs.patch_refusal({"spec": {"runPolicy": {"suspend": True}}}) == ""
    assert tuning_jobs.patch_refusal({"spec": {"tags": [{"key": "team", "value": "a"}]}}) == ""
