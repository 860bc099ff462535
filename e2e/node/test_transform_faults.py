"""What goes wrong with batch transforms on the cluster, made to happen on a real node: how they end."""

from __future__ import annotations

from typing import Any

import pytest

from node.node import Node
from node.operator import Cloud, Installation
from node.transforms import BUCKET, Transforms, objects, put_inputs, put_model, serving

SERVER = "/usr/local/bin/serve"
AGENT = "sagebridge.agent transform"
ANSWERED_SECONDS = 45
"""How long a request takes that is answered in the end: two pods begin one after the other, and are found at work."""


@pytest.fixture
def transforms(node: Node, operator: Installation, namespace: str) -> Transforms:
    return serving(node, namespace)


def begin(transforms: Transforms, cloud: Cloud, name: str, *changes: dict[str, Any], pause: int = 600) -> str:
    """Apply a job whose model takes its time for each request, and wait until it is asked; where its outputs go."""
    place = f"transforms/{transforms.namespace}"
    transforms.apply(
        name,
        {"environment": {"PAUSE": str(pause)}},
        *changes,
        model=put_model(cloud, f"{place}/model.tar.gz"),
        source=put_inputs(cloud, f"{place}/in", objects=2, rows=1),
        output=f"s3://{BUCKET}/{place}/out",
    )
    transforms.wait_serving(name, pods=2)
    transforms.node.wait_for("both models serve", lambda: transforms.logs(name).count("serving 10 classes") == 2)
    return f"{place}/out"


def kill(node: Node, process: str) -> None:
    """Kill all processes with a command line like this, on the node."""
    node.run("pkill", "-KILL", "-f", process)


def test_a_model_server_that_is_killed_is_started_again_and_asked_again(transforms: Transforms, cloud: Cloud) -> None:
    outputs = begin(transforms, cloud, "restarted", pause=ANSWERED_SECONDS)

    kill(transforms.node, SERVER)
    status = transforms.wait_reason("restarted", "Completed", "JobFailed")

    assert transforms.reason("restarted") == "Completed", status
    assert len(status["attempts"]) == 1
    assert sorted(objects(cloud, outputs)) == ["part-0.csv.out", "part-1.csv.out"]


def test_a_killed_agent_fails_the_job_by_its_name(transforms: Transforms, cloud: Cloud) -> None:
    begin(transforms, cloud, "orphan")

    kill(transforms.node, AGENT)
    status = transforms.wait_reason("orphan", "Completed", "JobFailed")

    assert status["failureReason"].startswith("InternalServerError: ")
    assert "The container agent of pod" in status["failureReason"]
    assert "ended with exit code 137" in status["failureReason"]


def test_a_pod_that_somebody_deletes_fails_the_job_once_the_other_has_done_its_part(
    transforms: Transforms, cloud: Cloud
) -> None:
    outputs = begin(transforms, cloud, "victim", pause=ANSWERED_SECONDS)
    victim = transforms.pods()[0]["metadata"]["name"]

    transforms.node.kubectl("delete", "pod", victim, f"--namespace={transforms.namespace}", "--wait=false")
    status = transforms.wait_reason("victim", "Completed", "JobFailed")

    assert f"Pod {victim} was deleted" in status["failureReason"]
    assert len(objects(cloud, outputs)) == 1


def test_a_reclaimed_node_is_a_new_attempt_that_uses_up_no_retry(transforms: Transforms, cloud: Cloud) -> None:
    begin(transforms, cloud, "spot")

    transforms.node.add_taint("reclaimed", effect="NoExecute")
    try:
        transforms.node.wait_for("a second attempt", lambda: len(transforms.status("spot")["attempts"]) == 2)
    finally:
        transforms.node.remove_taint("reclaimed", effect="NoExecute")

    assert transforms.status("spot")["attempts"][0]["reason"] == "Interrupted"
    transforms.wait_serving("spot", pods=2)
