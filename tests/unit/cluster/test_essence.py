"""Of Jobs and pods little is kept, and nothing is missed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sagebridge.core.cluster.manifests import job_manifest
from sagebridge.core.cluster.names import ANNOTATION_ENDED, annotations_of, labels_of
from sagebridge.core.cluster.observation import essence as of_job
from sagebridge.core.cluster.observation import observe
from sagebridge.core.cluster.pods import essence as of_pod
from support.cluster_jobs import cluster_job, disruption, ended, held, kubernetes_job, pod, running

SPEC = {
    "algorithmSpecification": {"trainingImage": "registry.example/own:1", "trainingInputMode": "File"},
    "outputDataConfig": {"s3OutputPath": "s3://bucket/out"},
    "resourceConfig": {"instanceType": "ml.g5.12xlarge", "instanceCount": 2, "volumeSizeInGB": 30},
    "stoppingCondition": {"maxRuntimeInSeconds": 3600},
    "environment": {f"VARIABLE_{index}": "x" * 40 for index in range(30)},
}
TRAINS = {"prepare": ended(2, 5), "train": running(6), "agent": running(6)}
UNSCHEDULABLE = [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]


def full(body: dict[str, Any]) -> dict[str, Any]:
    """A pod with all that an API server tells beside what matters."""
    template = job_manifest(cluster_job(SPEC))["spec"]["template"]
    more = {"containerID": "containerd://0", "image": "own:1", "imageID": "sha256:0", "ready": True, "restartCount": 0}
    status = body["status"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            **body["metadata"],
            "namespace": "team",
            "uid": "u1",
            "resourceVersion": "7",
            "labels": template["metadata"]["labels"],
            "annotations": {**template["metadata"]["annotations"], **annotations_of(body)},
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {"f:phase": {}}}}],
        },
        "spec": {**template["spec"], **body["spec"]},
        "status": {
            **status,
            "podIP": "10.0.0.7",
            "qosClass": "Burstable",
            "initContainerStatuses": [{**one, **more} for one in status["initContainerStatuses"]],
            "containerStatuses": [{**one, **more} for one in status["containerStatuses"]],
        },
    }


@pytest.mark.parametrize(
    ("job", "pods"),
    [
        (kubernetes_job(size=2), [pod(0, **TRAINS), pod(1, **TRAINS)]),
        (kubernetes_job(), [pod(node="", phase="Pending", conditions=UNSCHEDULABLE)]),
        (kubernetes_job(), [pod(prepare=held("ErrImagePull", "not found"), phase="Pending")]),
        (kubernetes_job(suspend=True, labels={"kueue.x-k8s.io/queue-name": "gpus"}), []),
        (kubernetes_job(stop="Stopped"), [pod(**TRAINS)]),
        (
            kubernetes_job(ended="Complete"),
            [pod(prepare=ended(2, 5), train=ended(6, 9), agent=ended(6, 12, said={"stopped": "", "model": "s3://m"}))],
        ),
        (
            kubernetes_job(ended="Failed"),
            [
                pod(
                    prepare=ended(2, 5),
                    train=ended(6, 9, 1),
                    agent=ended(6, 9, said={"failure": "NaN"}),
                    phase="Failed",
                )
            ],
        ),
        (
            kubernetes_job(ended="Failed", reason="PodFailurePolicy"),
            [pod(prepare=ended(2, 5), conditions=disruption("DeletionByTaintManager", "spot"), phase="Failed")],
        ),
        (
            kubernetes_job(ended="Failed"),
            [pod(phase="Failed", status={"reason": "Evicted", "message": "The node was low on ephemeral-storage."})],
        ),
        (kubernetes_job(), [pod(name="job-0-old", born=1, **TRAINS), pod(name="job-0-new", born=2)]),
    ],
    ids=[
        "trains",
        "no node",
        "no image",
        "in a queue",
        "told to stop",
        "completed",
        "failed",
        "reclaimed",
        "evicted",
        "a host's second pod",
    ],
)
def test_what_is_kept_says_the_same_as_the_whole(job: dict[str, Any], pods: list[dict[str, Any]]) -> None:
    whole = [full(one) for one in pods]
    template = job_manifest(cluster_job(SPEC))["spec"]["template"]
    job = {**job, "spec": {**job["spec"], "template": template}}

    kept = observe(of_job(job), [of_pod(one) for one in whole])

    assert kept == observe(job, whole)


def test_what_is_kept_tells_whose_it_is_and_where_to_write() -> None:
    whole = full(pod(**TRAINS))
    whole["metadata"]["annotations"][ANNOTATION_ENDED] = "0"

    kept = of_pod(whole)

    names = ("name", "namespace", "uid", "resourceVersion")
    assert [kept["metadata"][key] for key in names] == [whole["metadata"][key] for key in names]
    assert labels_of(kept) == labels_of(whole)
    assert annotations_of(kept)[ANNOTATION_ENDED] == "0"


def test_what_is_kept_of_a_pod_is_little() -> None:
    whole = full(pod(**TRAINS))

    assert len(json.dumps(of_pod(whole))) < len(json.dumps(whole)) / 10
