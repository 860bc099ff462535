"""ProcessingJob manifests: what the API server admits, refuses, and keeps from changing."""

from typing import Any

import kubernetes
import pytest
from sagebridge.schema.kind import GROUP
from sagebridge_local.stack import ControlPlane

from tests.unit.processing.jobs import athena, on, output, outputs, own_image, s3_input, script

from .conftest import Resource

REDSHIFT = {
    "clusterId": "c",
    "database": "d",
    "dbUser": "u",
    "queryString": "SELECT 1",
    "clusterRoleArn": "arn:aws:iam::123456789012:role/reader",
    "outputS3Uri": "s3://bucket/redshift/",
    "outputFormat": "CSV",
}
FEATURES = {"outputName": "f", "featureStoreOutput": {"featureGroupName": "g"}}

ON_CLUSTER = {
    "target": "Cluster",
    "cluster": {"queueName": "a"},
    "networkConfig": {"enableNetworkIsolation": False, "enableInterContainerTrafficEncryption": False},
}


@pytest.fixture
def processing_jobs(kube: kubernetes.client.ApiClient, namespace: str) -> Resource:
    return Resource(client=kube, group=GROUP, plural="processingjobs", kind="ProcessingJob", namespace=namespace)


def inputs(*items: dict[str, Any]) -> dict[str, Any]:
    return own_image(processingInputs=list(items))


@pytest.mark.parametrize(
    ("reason", "spec"),
    [
        ("the least", own_image()),
        ("a script", script()),
        ("a script in an own image", own_image(source=script()["source"])),
        ("arguments of a script", script(appSpecification={"containerArguments": ["--a", "b"]})),
        ("an input and an output", inputs(s3_input()) | outputs(output())),
        ("Athena", inputs(athena())),
        ("Redshift", inputs({"inputName": "r", "datasetDefinition": {"redshiftDatasetDefinition": REDSHIFT}})),
        ("a compressed pipe", inputs(s3_input(s3CompressionType="Gzip", s3InputMode="Pipe"))),
        ("the feature store", own_image(**outputs(FEATURES | {"appManaged": True}))),
        ("an instance type of the future", own_image(**on(instanceType="ml.z9.large"))),
        ("a number in the environment", own_image(environment={"A": 1})),
        ("the other target", own_image(target="Cluster", environmentFrom=[{"secretRef": {"name": "a"}}])),
        ("and its defaults by name", inputs(s3_input(s3InputMode="File", s3CompressionType="None")) | ON_CLUSTER),
    ],
)
def test_admitted(reason: str, spec: dict[str, Any], processing_jobs: Resource) -> None:
    assert processing_jobs.refusal(spec) == "", reason


@pytest.mark.parametrize(
    ("reason", "spec", "said"),
    [
        ("nothing to run in", on(), "say what to run in, by exactly one of framework"),
        ("two things to run in", own_image() | script(), "say what to run in, by exactly one of framework"),
        ("a framework alone", {"framework": {"name": "sklearn"}, **on()}, "give source.entryPoint"),
        ("two ways to start", script(appSpecification={"containerEntrypoint": ["sh"]}), "remove one of them"),
        ("a notebook", script(source={"entryPoint": "a.ipynb", "configMap": {"name": "c"}}), "end with .py or .sh"),
        ("code from nowhere", script(source={"entryPoint": "a.py"}), "by exactly one of s3Uri"),
        ("a distribution", script(framework={"name": "pytorch", "distribution": "mpi"}), "unknown field"),
        ("nothing to run on", own_image(processingResources={"clusterConfig": {}}), "by exactly one of instanceType"),
        ("an answer of SageMaker's", own_image(**on(selectedInstanceCount=1)), "is what SageMaker answers"),
        ("no data", inputs({"inputName": "a"}), "by exactly one of s3Input"),
        ("no query", inputs({"inputName": "a", "datasetDefinition": {}}), "by exactly one of athenaDatasetDefinition"),
        ("gzip in files", inputs(s3_input(s3CompressionType="Gzip")), "Pipe mode only"),
        ("a place elsewhere", inputs(s3_input(localPath="/data")), "must begin with /opt/ml/processing/"),
        (
            "an output elsewhere",
            own_image(**outputs(output(localPath="/opt/ml/processing/../x"))),
            "must begin with /opt/ml/processing/",
        ),
        ("a feature group alone", own_image(**outputs(FEATURES)), "needs appManaged: true"),
        ("an input twice", inputs(s3_input(), s3_input()), 'Duplicate value: {"inputName":"table"}'),
        ("a long value", own_image(environment={"A": "x" * 257}), "256"),
        ("nodes of no use", own_image(cluster={"queueName": "a"}), "cluster goes with target: Cluster"),
        ("a Secret", own_image(environmentFrom=[{"secretRef": {"name": "a"}}]), "keep it in AWS Secrets Manager"),
        ("our own tags", own_image(tags=[{"key": "sagebridge.io/uid", "value": "a"}]), "choose another key"),
        ("an unknown field", own_image(processingJob="a"), 'unknown field "spec.processingJob"'),
    ],
)
def test_refused(reason: str, spec: dict[str, Any], said: str, processing_jobs: Resource) -> None:
    assert said in processing_jobs.refusal(spec), reason


def test_only_policy_and_tags_change_after_the_first_attempt(processing_jobs: Resource) -> None:
    processing_jobs.create(own_image())
    processing_jobs.patch({"spec": {"environment": {"A": "b"}}})
    processing_jobs.patch({"status": {"attempts": [{"number": 1}]}}, subresource="/status")
    processing_jobs.patch({"spec": {"tags": [{"key": "a", "value": "b"}], "runPolicy": {"suspend": True}}})
    said = processing_jobs.patch_refusal({"spec": {"environment": {"A": "c"}}})
    assert "environment" in said


def test_columns_of_a_job_that_has_ended(control_plane: ControlPlane, processing_jobs: Resource) -> None:
    processing_jobs.create(own_image(**on(instanceCount=2)))
    ready = {"type": "Ready", "status": "True", "reason": "Completed", "message": "done"}
    status = {
        "instanceCount": 2,
        "duration": "2m5s",
        "processingJobName": "job-1",
        "exitMessage": "rows: 2",
        "conditions": [ready],
    }
    processing_jobs.patch({"status": status}, subresource="/status")
    shown = control_plane.kubectl("get", "pj", "-n", processing_jobs.namespace, "-o", "wide").splitlines()
    assert shown[0].split() == [
        *("NAME", "STATUS", "INSTANCE-TYPE", "COUNT", "DURATION", "READY", "JOB", "EXIT", "MESSAGE", "AGE")
    ]
    assert shown[1].split()[:-1] == [
        *("example", "Completed", "ml.m5.xlarge", "2", "2m5s", "True", "job-1", "rows:", "2", "done")
    ]


def test_every_field_of_the_spec_is_explained(control_plane: ControlPlane) -> None:
    explained = control_plane.kubectl("explain", "processingjob.spec")
    assert "<no description>" not in explained
    assert "processingInputs" in explained
