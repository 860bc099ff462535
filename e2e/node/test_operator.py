"""The operator runs in the cluster: from its image, by its chart, under the chart's RBAC."""

from __future__ import annotations

from typing import Any

from node.node import Node
from node.operator import NAME, NAMESPACE, OWN_IMAGE, Installation
from node.pods import condition

TRAINING_JOB: dict[str, Any] = {
    "apiVersion": "sagebridge.io/v1alpha1",
    "kind": "TrainingJob",
    "metadata": {"name": "digits"},
    "spec": {
        "algorithmSpecification": {"trainingImage": OWN_IMAGE},
        "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
        "stoppingCondition": {"maxRuntimeInSeconds": 3600},
    },
}


def test_the_operator_runs_as_the_image_says(node: Node, operator: Installation) -> None:
    deployment = node.get("deployment", NAME, namespace=NAMESPACE)
    container = deployment["spec"]["template"]["spec"]["containers"][0]

    assert deployment["status"]["readyReplicas"] == 1
    assert container["image"] == operator.image.name
    assert "command" not in container


def test_a_training_job_completes(node: Node, operator: Installation, namespace: str) -> None:
    node.apply(TRAINING_JOB, namespace=namespace)

    def ready() -> dict[str, str]:
        return condition(node, "trainingjob", "digits", namespace=namespace, of="Ready")

    node.wait_for("the job is Ready", lambda: ready().get("status") == "True")

    status = node.get("trainingjob", "digits", namespace=namespace)["status"]
    described = operator.cloud.simulator.client("sagemaker").describe_training_job(
        TrainingJobName=status["trainingJobName"]
    )
    assert ready()["reason"] == "Completed"
    assert described["TrainingJobStatus"] == "Completed"
