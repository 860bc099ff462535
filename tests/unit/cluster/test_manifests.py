"""The Job of each kind of TrainingJob, as it is sent: golden files, and what holds for all of them."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from sagebridge.core.cluster.document import document
from sagebridge.core.cluster.engines import reference
from sagebridge.core.cluster.fast_file import claim, fast_files, volume
from sagebridge.core.cluster.job import ClusterJob
from sagebridge.core.cluster.manifests import attempt_manifest, belongings, job_manifest
from sagebridge.core.cluster.names import host_names, kubernetes_name
from sagebridge.core.names import Owner
from sagebridge.core.placement import PlacementSettings, find
from sagebridge.core.placement.headroom import allocatable, for_container
from support.cluster_jobs import cluster_job
from support.training_jobs import CHANNEL, FILE_SYSTEM, OWN_IMAGE, SCRIPT, Spec, changed

FAST_FILE = {
    "channelName": "digits",
    "inputMode": "FastFile",
    "dataSource": {"s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": "s3://bucket/digits/"}},
}
GOLDENS = Path(__file__).parent / "goldens"
CASES: dict[str, Spec] = {
    "own-image-cpu": changed(OWN_IMAGE, {"inputDataConfig": [CHANNEL]}),
    "script-on-framework-image": changed(SCRIPT, {"resourceConfig": {"instanceType": "ml.g5.12xlarge"}}),
    "script-on-another-image": changed(
        SCRIPT,
        {
            "resourceConfig": {"instanceType": "ml.g5.12xlarge", "instanceCount": 2},
            "cluster": {"image": "registry.example/pytorch:2.3", "imagePullSecrets": [{"name": "registry"}]},
        },
    ),
    "spot-with-checkpoints": changed(
        OWN_IMAGE,
        {
            "enableManagedSpotTraining": True,
            "checkpointConfig": {"s3Uri": "s3://bucket/checkpoints/", "localPath": "/checkpoints"},
            "stoppingCondition": {"maxRuntimeInSeconds": 3600, "maxWaitTimeInSeconds": 7200},
        },
    ),
    "file-system": changed(OWN_IMAGE, {"inputDataConfig": [CHANNEL | {"channelName": "s3"}, FILE_SYSTEM]}),
    "fast-file": changed(OWN_IMAGE, {"inputDataConfig": [CHANNEL | {"channelName": "s3"}, FAST_FILE]}),
    "queue": changed(
        OWN_IMAGE,
        {"cluster": {"queueName": "team-a", "priorityClassName": "urgent", "serviceAccountName": "trainer"}},
    ),
    "secrets": changed(
        OWN_IMAGE,
        {
            "environment": {"PRICE": "$(HOME) is no reference"},
            "environmentFrom": [{"secretRef": {"name": "token"}, "prefix": "WANDB_"}],
        },
    ),
    "job-set": changed(
        OWN_IMAGE,
        {
            "cluster": {"engine": "JobSet", "queueName": "team-a"},
            "resourceConfig": {"instanceType": "ml.g5.12xlarge", "instanceCount": 2},
        },
    ),
    "entry-point": changed(
        OWN_IMAGE,
        {
            "algorithmSpecification": {
                "containerEntrypoint": ["/opt/program"],
                "containerArguments": ["--epochs", "3"],
            }
        },
    ),
}


def with_uid(made: dict[str, Any]) -> dict[str, Any]:
    return made | {"metadata": made["metadata"] | {"uid": "u1"}}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    job = case(name)
    made = attempt_manifest(job)
    objects = [made, *belongings(job, owner=reference(with_uid(made))).values(), *volumes_of(job)]
    text = yaml.dump_all(objects, Dumper=_Plain, sort_keys=False, width=120)
    golden = GOLDENS / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(text)

    assert text == golden.read_text(), "see what changed; UPDATE_GOLDENS=1 accepts it"


@pytest.mark.parametrize("name", CASES)
def test_no_container_can_speak_to_the_api_server(name: str) -> None:
    spec = job_manifest(case(name))["spec"]["template"]["spec"]

    assert spec["automountServiceAccountToken"] is False
    assert not [volume for volume in spec["volumes"] if "projected" in volume or "secret" in volume]


@pytest.mark.parametrize("name", CASES)
def test_nothing_hides_what_the_image_has_in_opt_ml(name: str) -> None:
    train = containers(name)["train"]
    mounted = {mount["mountPath"] for mount in train["volumeMounts"]}

    assert "/opt/ml" not in mounted
    assert ("/opt/ml/code" in mounted) == (name == "script-on-another-image")


def test_a_value_that_looks_like_a_reference_stays_a_value() -> None:
    train = containers("secrets")["train"]

    assert {"name": "PRICE", "value": "$$(HOME) is no reference"} in train["env"]


def test_words_of_a_command_stay_as_they_are() -> None:
    """Kubernetes makes ``$(NAME)`` of ``$$(NAME)``, and what the variable says of ``$(NAME)``."""
    start = {"containerEntrypoint": ["sh", "-c", "echo $(date)"], "containerArguments": ["$(HOME)"]}
    job = cluster_job(changed(OWN_IMAGE, {"algorithmSpecification": start}))
    [train, _] = job_manifest(job)["spec"]["template"]["spec"]["containers"]

    assert (train["command"], train["args"]) == (["sh", "-c", "echo $$(date)"], ["$$(HOME)"])


def test_a_secret_stays_a_reference() -> None:
    assert containers("secrets")["train"]["envFrom"] == [{"prefix": "WANDB_", "secretRef": {"name": "token"}}]
    assert "token" not in document(case("secrets"))


def test_the_document_tells_the_hosts_in_order_of_their_ranks() -> None:
    job = cluster_job(changed(OWN_IMAGE, {"resourceConfig": {"instanceCount": 12}}))

    assert json.loads(document(job))["hosts"] == [f"{job.name}-{index}" for index in range(12)]


@pytest.mark.parametrize(
    ("namespace", "name"),
    [("team", "digits"), ("2024-team", "x"), ("n" * 63, "m" * 253), ("team", "dots.are.fine")],
    ids=["usual", "begins with a digit", "too long", "dots"],
)
def test_host_names_are_labels_of_dns(namespace: str, name: str) -> None:
    made = kubernetes_name(Owner(cluster="c", namespace=namespace, name=name, uid="u"), 1)

    assert made[0].isalpha()
    assert all(len(host) <= 63 and host.replace("-", "").isalnum() for host in host_names(made, 10_000))


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def case(name: str) -> ClusterJob:
    job = cluster_job(CASES[name], claims={"train": "datasets"} if name == "file-system" else None)
    return replace(job, fast_files=fast_files(job.request, owner=job.owner, attempt=job.attempt))


def volumes_of(job: ClusterJob) -> Iterator[dict[str, Any]]:
    for one in job.fast_files:
        yield claim(job, one, owner=reference(with_uid(attempt_manifest(job))))
        yield volume(job, one, claim_uid="c1")


def containers(name: str) -> dict[str, Any]:
    pod = job_manifest(case(name))["spec"]["template"]["spec"]
    return {one["name"]: one for one in [*pod["initContainers"], *pod["containers"]]}


def test_what_the_cluster_must_have_is_in_an_annotation() -> None:
    job = cluster_job(changed(OWN_IMAGE, {"resourceConfig": {"instanceType": "ml.p4d.24xlarge", "instanceCount": 2}}))
    notes = json.loads(job_manifest(job)["metadata"]["annotations"]["sagebridge.io/placement-notes"])
    assert notes == list(job.placement.lines)
    assert any("EFA device plugin" in note for note in notes)


def test_what_needs_nothing_notes_what_nodes_are_found_by() -> None:
    notes = json.loads(job_manifest(case("own-image-cpu"))["metadata"]["annotations"]["sagebridge.io/placement-notes"])
    assert notes == ["Nodes are found by node.kubernetes.io/instance-type: m5.xlarge (with or without ml.)"]


def test_the_agent_asks_for_what_the_placement_leaves_to_it() -> None:
    job = case("own-image-cpu")
    [_, agent] = job_manifest(job)["spec"]["template"]["spec"]["containers"]
    found = find("m5.xlarge")
    assert found is not None
    whole = allocatable(found)
    rest = for_container(
        found, PlacementSettings(daemons_millicores=0, daemons_mebibytes=0), share=Fraction(1), hugepages=False
    )
    assert agent["resources"]["requests"] == {
        "cpu": f"{whole.millicores - rest.millicores}m",
        "memory": f"{whole.mebibytes - rest.mebibytes}Mi",
    }
