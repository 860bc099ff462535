"""Steps of Kubeflow Pipelines on the node: in pods of their own, under rights of their own, with nothing of AWS's."""

from typing import Any

import pytest
from sagebridge_kfp import TrainingJobOp, on_gpu

from node.jobs import SMALL, Jobs, archive
from node.operator import Cloud
from node.pipeline_steps import Steps, Task
from node.steps_image import steps_image
from node.training_image import training_image
from node.user_step import learn

DATA = "s3://sagebridge-local/digits-parallel"
IN_TWO_PARTS = """
import time
from pathlib import Path

begun = Path("/opt/ml/checkpoints/begun")
if begun.exists():
    Path("/opt/ml/model/weights").write_text(begun.read_text())
    print("validation:accuracy=0.5", flush=True)
else:
    begun.write_text("half")
    print("half is done", flush=True)
    time.sleep(3600)
"""


@pytest.fixture
def steps(jobs: Jobs) -> Steps:
    """The steps of the namespace of `jobs`."""
    image = steps_image()
    jobs.node.load(image)
    return Steps(jobs.node, jobs.namespace, image=image.name)


def training(**more: Any) -> Task:
    """The example of docs/cluster as a step."""

    def body() -> None:
        TrainingJobOp(
            framework="pytorch",
            framework_version="2.3",
            entry_point="train_parallel.py",
            source="digits-parallel-code",
            hyperparameters={"epochs": 20},
            metric_definitions={"validation:accuracy": "validation:accuracy=([0-9.]+)"},
            objective_metric="validation:accuracy",
            channels={"train": _sharded(f"{DATA}/train/"), "validation": f"{DATA}/validation/"},
            content_type="text/csv",
            instance_type="ml.g4dn.12xlarge",
            instance_count=2,
            target="Cluster",
            cluster={"image": training_image().name, "gpu": {"count": 2}, "resources": SMALL},
            **more,
        )

    return Task.of(body)


def _sharded(uri: str) -> dict[str, Any]:
    return {"dataSource": {"s3DataSource": {"s3Uri": uri, "s3DataDistributionType": "ShardedByS3Key"}}}


def test_a_step_trains_on_two_pods_and_shows_their_lines(steps: Steps, jobs: Jobs, cloud: Cloud) -> None:
    task = training()
    pod = steps.start(task)

    told = steps.outputs(task, pod)

    values = told.parameters
    assert archive(cloud, values["model_uri"]).keys() == {"model.npz", "host-0.json", "host-1.json"}
    assert values["objective"] > 0.9
    assert values["objective"] == values["final_metrics"]["validation:accuracy"]
    assert jobs.reason(values["object_name"]) == "Completed"
    [model] = told.artifacts["model"]
    assert model["metadata"]["model_uri"] == values["model_uri"]
    [metrics] = told.artifacts["metrics"]
    assert metrics["metadata"] == {"validation:accuracy": values["objective"]}
    assert f"validation:accuracy={values['objective']}" in steps.log(pod)


def test_what_a_step_left_when_it_was_ended_its_next_try_goes_on_with(steps: Steps, jobs: Jobs, cloud: Cloud) -> None:
    jobs.put_code(IN_TWO_PARTS)
    task = training(checkpoints=f"s3://sagebridge-local/{jobs.namespace}/checkpoints")
    first = steps.start(task)
    jobs.node.wait_for("half of it is done", lambda: "half is done" in steps.log(first))
    [name] = jobs.names()

    steps.delete(first)

    jobs.wait_reason(name, "Suspended")
    told = steps.outputs(task, steps.start(task))
    assert told.parameters["object_name"] == name
    assert jobs.names() == [name]
    assert [each["status"] for each in jobs.status(name)["attempts"]] == ["Stopped", "Completed"]
    assert archive(cloud, told.parameters["model_uri"]) == {"weights": b"half"}


def test_a_step_whose_job_fails_says_why(steps: Steps, jobs: Jobs) -> None:
    jobs.put_code("raise RuntimeError('the data is empty')\n")
    pod = steps.start(training())

    assert steps.wait(pod) == "Failed"

    log = steps.log(pod)
    [name] = jobs.names()
    assert " ".join(jobs.status(name)["failureReason"].split()) in log
    assert "RuntimeError: the data is empty" in log


def test_a_users_own_step_runs_on_the_gpus_that_it_asks_for(steps: Steps) -> None:
    def body() -> None:
        on_gpu(
            learn(),
            instance_type="ml.g4dn.12xlarge",
            gpu=2,
            shared_memory="32Mi",
            resources=SMALL,
            tolerations=[{"key": "research", "operator": "Exists"}],
        )

    steps.node.add_taint("research", value="a", effect="NoSchedule")
    try:
        task = Task.of(body)
        pod = steps.start(task)
        told = steps.outputs(task, pod)
    finally:
        steps.node.remove_taint("research", effect="NoSchedule")

    spec = steps.node.get("pod", pod, namespace=steps.namespace)["spec"]
    assert spec["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert told.parameters == {"Output": 2.0}
    assert told.artifacts["model"][0]["metadata"] == {"framework": "none"}
    assert told.artifacts["metrics"][0]["metadata"] == {"shared_memory": 32 * 2**20}
