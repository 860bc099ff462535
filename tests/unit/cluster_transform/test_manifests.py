"""The Job of a BatchTransform, as it is sent: golden files, and what holds for all of them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from sagebridge.core.cluster.serving.model import Code
from sagebridge.core.cluster.transform.job import TransformWork
from sagebridge.core.cluster.transform.manifests import belongings, job_manifest
from support.batch_transforms import transform_spec
from support.cluster_jobs import at
from support.cluster_transforms import transform_work

GOLDENS = Path(__file__).parent / "goldens"
CASES: dict[str, dict[str, Any]] = {
    "one-pod": transform_spec(),
    "two-pods-with-gpus": transform_spec(
        transformResources={"instanceType": "ml.g5.2xlarge", "instanceCount": 2},
        batchStrategy="SingleRecord",
        maxConcurrentTransforms=4,
        maxPayloadInMB=2,
        environment={"LEVEL": "debug"},
        cluster={"queueName": "team-a", "serviceAccountName": "predictor", "imagePullSecrets": [{"name": "registry"}]},
        environmentFrom=[{"secretRef": {"name": "token"}}],
    ),
    "code-of-a-config-map": transform_spec(source={"entryPoint": "inference.py", "configMap": {"name": "code"}}),
}
CODE = Code(entry_point="inference.py", archive=b"a .tar.gz", digest="abc")


def owner_of(job: TransformWork) -> dict[str, str]:
    return {"apiVersion": "batch/v1", "kind": "Job", "name": job.name, "uid": "u1"}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    job = case(name)
    objects = [job_manifest(job), *belongings(job, owner=owner_of(job), created=at(0)).values()]
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=120)
    golden = GOLDENS / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(text)

    assert text == golden.read_text(), "see what changed; UPDATE_GOLDENS=1 accepts it"


@pytest.mark.parametrize("name", CASES)
def test_no_container_can_speak_to_the_api_server(name: str) -> None:
    spec = template(name)["spec"]

    assert spec["automountServiceAccountToken"] is False
    assert not [volume for volume in spec["volumes"] if "projected" in volume or "secret" in volume]


@pytest.mark.parametrize("name", CASES)
def test_the_model_server_is_a_sidecar_whose_last_words_are_kept(name: str) -> None:
    fetch, serve = template(name)["spec"]["initContainers"]
    [agent] = template(name)["spec"]["containers"]

    assert [fetch["name"], serve["name"], agent["name"]] == ["fetch-model", "serve", "agent"]
    assert serve["restartPolicy"] == "Always"
    assert serve["terminationMessagePolicy"] == "FallbackToLogsOnError"
    assert serve["args"] == ["serve"]


def test_the_jobs_variables_go_before_the_models() -> None:
    model = {"primaryContainer": {"image": "own:1", "environment": {"LEVEL": "info"}}}
    work = transform_work(transform_spec(model=model, environment={"LEVEL": "debug"}))
    variables = work.serving.model.environment

    assert variables["LEVEL"] == "debug"
    assert variables["SAGEMAKER_BATCH"] == "true"


def test_one_pod_that_fails_leaves_the_others_at_work() -> None:
    spec = job_manifest(case("two-pods-with-gpus"))["spec"]

    assert "backoffLimit" not in spec
    assert [rule["action"] for rule in spec["podFailurePolicy"]["rules"]] == ["FailJob", "FailIndex", "FailIndex"]


def test_the_agent_learns_the_whole_request() -> None:
    [config_map] = belongings(job := case("two-pods-with-gpus"), owner=owner_of(job), created=at(0)).values()
    document = json.loads(config_map["data"]["job.json"])

    assert document["request"]["TransformResources"] == {"InstanceType": "ml.g5.2xlarge", "InstanceCount": 2}
    assert document["request"]["TransformInput"]["DataSource"]["S3DataSource"]["S3DataType"] == "S3Prefix"
    assert document["request"]["TransformOutput"]["S3OutputPath"] == "s3://bucket/team/digits"
    assert "ModelName" not in document["request"]


def template(name: str) -> Any:
    return job_manifest(case(name))["spec"]["template"]


def case(name: str) -> TransformWork:
    return transform_work(CASES[name], code=CODE if name.startswith("code") else None)


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True
