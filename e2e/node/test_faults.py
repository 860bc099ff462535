"""What goes wrong with jobs on the cluster, made to happen on a real node: how they end, and what is said of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from node.jobs import CODE, Jobs, archive
from node.node import Node
from node.operator import Cloud, Installation
from node.pods import phase

ALONE = {"resourceConfig": {"instanceCount": 1}}
# It never ends by itself while a test looks: it is told to (`end_training`).
ENDLESS = {"hyperParameters": {"epochs": 100_000, "pause": 0.5, "checkpoint-dir": "/opt/ml/checkpoints"}}

# It dies of SIGTERM, as most scripts do.
MORTAL = "import time\nprint('waiting', flush=True)\ntime.sleep(600)\n"
GREEDY = "held = bytearray()\nwhile True:\n    held += b'x' * (64 << 20)\n"
BULKY = """import time
with open('/opt/ml/output/data/bulk', 'wb') as file:
    for _ in range(12):
        file.write(bytes(100 << 20))
        file.flush()
print('written', flush=True)
time.sleep(600)
"""


def checkpoints(name: str, jobs: Jobs) -> dict[str, Any]:
    return {"checkpointConfig": {"s3Uri": f"s3://sagebridge-local/checkpoints/{jobs.namespace}/{name}/"}}


def train(jobs: Jobs, name: str, *changes: dict[str, Any]) -> None:
    """Apply a job that takes its time, and wait until it has learnt something."""
    jobs.apply(name, ENDLESS, checkpoints(name, jobs), *changes)
    jobs.wait(name, lambda status: status.get("secondaryStatus") == "Training", what="Training")
    jobs.node.wait_for(f"{name} has learnt something", lambda: "epoch=3 " in jobs.logs(name))


def signal(node: Node, *, process: str, name: str) -> None:
    """Send a signal to all processes with a command line like this, on the node."""
    node.run("pkill", f"-{name}", "-f", process)


def end_training(jobs: Jobs) -> None:
    """Let the script come to its end by itself, with its model saved: that is what the example does on SIGTERM."""
    signal(jobs.node, process=CODE.name, name="TERM")


def wait_resumed(jobs: Jobs, name: str) -> None:
    """Wait until the last attempt has gone on from a checkpoint, and has learnt more."""

    def look() -> bool:
        said = "".join(jobs.log_of(pod) for pod in jobs.pods(name)[:1])
        return "epoch=" in said.partition("resuming after epoch")[2]

    jobs.node.wait_for(f"{name} goes on from its checkpoint", look)


def test_a_pod_that_somebody_kills_fails_the_job(jobs: Jobs) -> None:
    train(jobs, "victim")
    victim = jobs.pods("victim")[1]["metadata"]["name"]

    jobs.node.kubectl("delete", "pod", victim, f"--namespace={jobs.namespace}", "--wait=false")
    status = jobs.wait_reason("victim", "JobFailed")

    assert victim in status["failureReason"]
    assert len(status["attempts"]) == 1


def test_a_killed_agent_is_no_fault_of_the_script(jobs: Jobs) -> None:
    train(jobs, "orphan", ALONE)

    signal(jobs.node, process="sagebridge.agent accompany", name="KILL")
    status = jobs.wait_reason("orphan", "JobFailed")

    assert status["failureReason"].startswith("InternalServerError:")
    assert "The container agent of pod" in status["failureReason"]


def test_a_failing_rank_ends_the_whole_attempt(jobs: Jobs) -> None:
    jobs.apply("failing", {"hyperParameters": {"epochs": 5, "fail-at-epoch": 2}})
    status = jobs.wait_reason("failing", "JobFailed")

    assert status["failureReason"].startswith("AlgorithmError: ExecuteUserScriptError:")
    assert "told to fail at epoch 2" in status["failureReason"]
    assert "modelArtifacts" not in status
    jobs.node.wait_for("no pod runs", lambda: not running(jobs, "failing"))


def test_too_much_memory_is_called_so(jobs: Jobs) -> None:
    jobs.put_code(GREEDY)
    jobs.apply("greedy", ALONE)
    status = jobs.wait_reason("greedy", "JobFailed")

    assert "OutOfMemory" in status["failureReason"]


def test_a_full_disk_is_called_so(jobs: Jobs) -> None:
    jobs.put_code(BULKY)
    jobs.apply("bulky", ALONE, {"resourceConfig": {"volumeSizeInGB": 1}})
    status = jobs.wait_reason("bulky", "JobFailed")

    assert status["failureReason"].startswith("ClientError:")
    assert "volumeSizeInGB" in status["failureReason"]


def test_results_wait_for_s3_and_are_not_lost(jobs: Jobs, cloud: Cloud) -> None:
    train(jobs, "patient", ALONE)

    cloud.cut_off()
    try:
        end_training(jobs)
        jobs.wait("patient", lambda status: status.get("secondaryStatus") == "Uploading", what="Uploading")
        jobs.node.wait_for("the agent tries", lambda: "again" in jobs.logs("patient"))
    finally:
        cloud.connect()
    status = jobs.wait_reason("patient", "Completed")

    assert "model.npz" in archive(cloud, status["modelArtifacts"]["s3ModelArtifacts"])


def test_results_that_can_not_be_uploaded_fail_the_job(jobs: Jobs) -> None:
    jobs.apply("lost", ALONE, {"outputDataConfig": {"s3OutputPath": "s3://no-such-bucket/out"}})
    status = jobs.wait_reason("lost", "JobFailed")

    assert "no-such-bucket" in status["failureReason"]
    assert "modelArtifacts" not in status


def test_data_that_is_not_there_is_named(jobs: Jobs) -> None:
    channel = {
        "channelName": "train",
        "dataSource": {"s3DataSource": {"s3Uri": "s3://sagebridge-local/nowhere/"}},
    }
    jobs.apply("astray", {"inputDataConfig": [channel]})
    status = jobs.wait_reason("astray", "JobFailed")

    assert status["failureReason"].startswith("ClientError: Data download failed")
    assert "s3://sagebridge-local/nowhere/" in status["failureReason"]


def test_a_reclaimed_node_costs_what_was_learnt_since_the_last_checkpoint(jobs: Jobs) -> None:
    train(jobs, "spot", {"enableManagedSpotTraining": True})

    jobs.node.add_taint("reclaimed", effect="NoExecute")
    try:
        status = jobs.wait("spot", lambda status: len(status["attempts"]) == 2, what="a second attempt")
    finally:
        jobs.node.remove_taint("reclaimed", effect="NoExecute")

    assert status["attempts"][0]["reason"] == "Interrupted"
    wait_resumed(jobs, "spot")
    end_training(jobs)
    jobs.wait_reason("spot", "Completed")


def test_deleting_the_object_ends_what_runs_and_leaves_nothing_stuck(jobs: Jobs, cloud: Cloud) -> None:
    train(jobs, "unwanted")
    name = jobs.status("unwanted")["trainingJobName"]
    selector = f"batch.kubernetes.io/job-name={name}"

    jobs.delete("unwanted")
    jobs.node.wait_for("the object is gone", lambda: jobs.is_gone("unwanted"))

    def finished() -> bool:
        listed = jobs.node.kubectl("get", "pods", f"--namespace={jobs.namespace}", f"-l{selector}", "--output=json")
        pods = json.loads(listed)["items"]
        return len(pods) == 2 and all(pod["status"]["phase"] in ("Succeeded", "Failed") for pod in pods)

    jobs.node.wait_for("all pods have ended", finished)
    uri = f"s3://sagebridge-local/{jobs.namespace}/unwanted/{name}/output/model.tar.gz"
    assert "model.npz" in archive(cloud, uri)


def test_a_suspended_job_keeps_its_model_and_goes_on_from_its_checkpoint(jobs: Jobs, cloud: Cloud) -> None:
    train(jobs, "paused")

    jobs.patch("paused", {"runPolicy": {"suspend": True}})
    status = jobs.wait_reason("paused", "Suspended")
    assert status["trainingJobStatus"] == "Stopped"
    assert "model.npz" in archive(cloud, status["modelArtifacts"]["s3ModelArtifacts"])

    jobs.patch("paused", {"runPolicy": {"suspend": False}})
    wait_resumed(jobs, "paused")
    end_training(jobs)
    jobs.wait_reason("paused", "Completed")


def test_a_job_whose_time_is_up_keeps_its_model(jobs: Jobs, cloud: Cloud) -> None:
    # The time counts from when the data comes: until the script has begun nothing keeps a model.
    jobs.apply("long", ENDLESS, checkpoints("long", jobs), ALONE, {"stoppingCondition": {"maxRuntimeInSeconds": 45}})
    status = jobs.wait_reason("long", "JobStopped")

    assert status["secondaryStatus"] == "MaxRuntimeExceeded"
    assert "model.npz" in archive(cloud, status["modelArtifacts"]["s3ModelArtifacts"])


def test_what_does_not_fit_says_what_is_short(jobs: Jobs) -> None:
    jobs.apply("large", {"cluster": {"gpu": {"count": 3}}})
    jobs.wait_reason("large", "Unschedulable")

    assert "Insufficient nvidia.com/gpu" in jobs.message("large")


def test_an_image_that_can_not_be_pulled_says_so(jobs: Jobs) -> None:
    jobs.apply("imageless", ALONE, {"cluster": {"image": "localhost/nothing:1"}})
    jobs.wait_reason("imageless", "ImagePullFailed")

    assert "localhost/nothing:1" in jobs.message("imageless")


def test_a_job_whose_image_is_not_there_can_be_stopped(jobs: Jobs) -> None:
    jobs.apply("hopeless", {"cluster": {"image": "localhost/nothing:1"}})
    jobs.wait_reason("hopeless", "ImagePullFailed")

    jobs.patch("hopeless", {"runPolicy": {"suspend": True}})
    status = jobs.wait_reason("hopeless", "Suspended")

    assert status["trainingJobStatus"] == "Stopped"
    jobs.node.wait_for("no pod runs", lambda: not running(jobs, "hopeless"))


def test_a_preempted_job_goes_on_in_the_same_job(jobs: Jobs) -> None:
    """What Kueue does to a Job that has to make room, and when there is room again."""
    jobs.put_code(MORTAL)
    jobs.apply("polite")
    jobs.wait("polite", lambda status: status.get("secondaryStatus") == "Training", what="Training")
    name = jobs.status("polite")["trainingJobName"]

    suspend(jobs, name, to=True)
    jobs.wait_reason("polite", "Queued")
    jobs.node.wait_for("its pods are gone", lambda: not jobs.pods("polite"))
    jobs.put_code()
    suspend(jobs, name, to=False)

    jobs.wait("polite", lambda status: status.get("secondaryStatus") == "Training", what="Training again")
    assert len(jobs.status("polite")["attempts"]) == 1


def test_an_operator_that_is_away_misses_nothing(jobs: Jobs, operator: Installation) -> None:
    train(jobs, "unwatched", ALONE)
    pod = jobs.pods("unwatched")[0]["metadata"]["name"]

    operator.scale(0)
    end_training(jobs)
    jobs.node.wait_for("the pod has ended", lambda: phase(jobs.node, pod, namespace=jobs.namespace) == "Succeeded")
    operator.scale(1)
    status = jobs.wait_reason("unwatched", "Completed")

    assert len(status["attempts"]) == 1
    assert status["modelArtifacts"]["s3ModelArtifacts"].endswith("/model.tar.gz")


def running(jobs: Jobs, name: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in jobs.pods(name) if pod["status"]["phase"] in ("Pending", "Running")]


def suspend(jobs: Jobs, name: str, *, to: bool) -> None:
    patch = json.dumps({"spec": {"suspend": to}})
    jobs.node.kubectl("patch", "job", name, f"--namespace={jobs.namespace}", "--type=merge", f"--patch={patch}")


@pytest.fixture(autouse=True)
def clean(jobs: Jobs) -> Iterator[None]:
    """Give the GPUs back at once."""
    yield
    jobs.kubectl("delete", jobs.resource, "--all", "--wait=false")
    jobs.node.wait_for("all objects are gone", lambda: not jobs.names())
    jobs.node.kubectl("delete", "jobs", "--all", f"--namespace={jobs.namespace}", "--wait=false")
