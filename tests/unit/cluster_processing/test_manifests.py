"""The Job of a ProcessingJob, as it is sent: golden files, and what holds for all of them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from sagebridge.core.cluster.names import ANNOTATION_OUTPUTS
from sagebridge.core.cluster.processing.job import ProcessingWork
from sagebridge.core.cluster.processing.manifests import belongings, job_manifest
from support.cluster_processing import processing_work
from support.processing_jobs import spec

GOLDENS = Path(__file__).parent / "goldens"
TABLE = {"inputName": "table", "s3Input": {"s3Uri": "s3://bucket/table/"}}
ROWS = {"outputName": "rows"}
CASES: dict[str, dict[str, Any]] = {
    "own-image": spec(processingInputs=[TABLE], processingOutputConfig={"outputs": [ROWS]}),
    "script-with-gpus-on-two-hosts": spec(
        appSpecification={"containerArguments": ["--share", "0.2"]},
        framework={"name": "pytorch", "version": "2.3"},
        source={"entryPoint": "split.py", "s3Uri": "s3://code/sourcedir.tar.gz"},
        processingResources={
            "clusterConfig": {"instanceType": "ml.g5.12xlarge", "instanceCount": 2, "volumeSizeInGB": 100}
        },
        stoppingCondition={"maxRuntimeInSeconds": 600},
        cluster={
            "queueName": "team-a",
            "priorityClassName": "urgent",
            "serviceAccountName": "splitter",
            "image": "registry.example/pytorch:2.3",
            "imagePullSecrets": [{"name": "registry"}],
        },
    ),
    "words-and-secrets": spec(
        appSpecification={
            "imageUri": "own:1",
            "containerEntrypoint": ["/bin/sh", "-c", "echo $(HOME)"],
            "containerArguments": ["$(HOME)"],
        },
        environment={"PRICE": "$(HOME) is no reference"},
        environmentFrom=[{"secretRef": {"name": "token"}, "prefix": "DB_"}],
        tags=[{"key": "team", "value": "a"}],
    ),
}


def at(name: str, path: str) -> dict[str, Any]:
    return {"inputName": name, "s3Input": {"s3Uri": f"s3://bucket/{name}/", "localPath": path}}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    job = processing_work(CASES[name])
    objects = [job_manifest(job), *belongings(job, owner=owner_of(job)).values()]
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=120)
    golden = GOLDENS / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(text)

    assert text == golden.read_text(), "see what changed; UPDATE_GOLDENS=1 accepts it"


@pytest.mark.parametrize(
    ("reason", "fields", "want"),
    [
        ("nothing but what every job has", {}, []),
        (
            "inputs and outputs",
            {"processingInputs": [TABLE], "processingOutputConfig": {"outputs": [ROWS]}},
            ["input/table", "output/rows"],
        ),
        (
            "one in another is seen in it",
            {
                "processingInputs": [at("a", "/opt/ml/processing/data/a/"), at("b", "/opt/ml/processing/data")],
                "processingOutputConfig": {"outputs": [ROWS]},
            },
            ["data", "output/rows"],
        ),
        (
            "a name that only begins alike is another's",
            {"processingInputs": [at("a", "/opt/ml/processing/data"), at("b", "/opt/ml/processing/data2")]},
            ["data", "data2"],
        ),
        (
            "all of it",
            {"processingInputs": [TABLE, at("all", "/opt/ml/processing/")]},
            [""],
        ),
        (
            "the container's own has a place to be written to",
            {"processingInputs": [{**at("own", "/opt/ml/processing/own"), "appManaged": True}]},
            ["own"],
        ),
    ],
)
def test_what_the_container_sees(reason: str, fields: dict[str, Any], want: list[str]) -> None:
    [process, _] = template(spec(**fields))["spec"]["containers"]
    mounts = [mount for mount in process["volumeMounts"] if mount["name"] == "ml"]
    paths = ["/opt/ml/config", "/opt/ml/output", *(f"/opt/ml/processing/{path}".rstrip("/") for path in want)]

    assert [mount["mountPath"] for mount in mounts] == paths, reason
    assert all(mount["mountPath"] == f"/opt/ml/{mount['subPath']}" for mount in mounts), reason


def test_the_agent_and_the_container_share_their_volumes() -> None:
    spec = template(CASES["own-image"])["spec"]
    names = {volume["name"] for volume in spec["volumes"]}

    for container in (*spec["initContainers"], *spec["containers"]):
        assert {mount["name"] for mount in container["volumeMounts"]} <= names


def test_an_image_is_run_as_it_is_where_nothing_else_is_said() -> None:
    [process, _] = template(spec())["spec"]["containers"]
    assert process.keys().isdisjoint({"command", "args"})


def test_words_stay_as_they_are() -> None:
    """Kubernetes makes ``$(NAME)`` of ``$$(NAME)``, and what the variable says of ``$(NAME)``."""
    [process, _] = template(CASES["words-and-secrets"])["spec"]["containers"]

    assert process["command"] == ["/bin/sh", "-c", "echo $$(HOME)"]
    assert process["args"] == ["$$(HOME)"]
    assert {"name": "PRICE", "value": "$$(HOME) is no reference"} in process["env"]


def test_the_users_own_variables_go_before_all_others() -> None:
    [process, _] = template(spec(environment={"AWS_REGION": "us-east-1"}))["spec"]["containers"]
    assert {"name": "AWS_REGION", "value": "us-east-1"} in process["env"]


@pytest.mark.parametrize("name", CASES)
def test_no_container_can_speak_to_the_api_server(name: str) -> None:
    spec = template(CASES[name])["spec"]

    assert spec["automountServiceAccountToken"] is False
    assert not [volume for volume in spec["volumes"] if "projected" in volume or "secret" in volume]


def test_one_host_that_fails_ends_the_job() -> None:
    spec = job_manifest(processing_work(CASES["script-with-gpus-on-two-hosts"]))["spec"]

    assert spec["backoffLimit"] == 0
    assert (spec["completions"], spec["parallelism"], spec["completionMode"]) == (2, 2, "Indexed")
    assert spec["suspend"] is True
    assert "activeDeadlineSeconds" not in spec


def test_what_the_agent_has_to_know() -> None:
    job = processing_work(CASES["script-with-gpus-on-two-hosts"])
    document = json.loads(belongings(job, owner=owner_of(job))["configmaps"]["data"]["job.json"])

    request = document.pop("request")
    assert request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 2
    assert request["ProcessingInputs"][0]["S3Input"]["S3Uri"] == "s3://code/sourcedir.tar.gz"
    assert "RoleArn" not in request
    assert document == {
        "version": 1,
        "arn": job.arn,
        "region": "eu-west-1",
        "hosts": [f"{job.name}-0", f"{job.name}-1"],
        "serviceAccount": "splitter",
        "stopGraceSeconds": 120,
        "syncSeconds": 30,
        "uploadSeconds": 900,
    }


def test_the_job_says_where_its_outputs_go() -> None:
    manifest = job_manifest(processing_work(CASES["own-image"]))
    [output] = json.loads(manifest["metadata"]["annotations"][ANNOTATION_OUTPUTS])["outputs"]

    assert output["s3Output"]["s3UploadMode"] == "EndOfJob"
    assert output["s3Output"]["s3Uri"].endswith("/output/rows")


def template(spec: dict[str, Any]) -> Any:
    return job_manifest(processing_work(spec))["spec"]["template"]


def owner_of(job: ProcessingWork) -> dict[str, str]:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": "u1"}


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True
