"""A pipeline whose jobs all run on the cluster: tune, train, transform, deploy, ask, and clean up."""

from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from sagebridge_kfp import BatchTransformOp, DeleteOp, EndpointOp, HPTuningJobOp, InvokeEndpointOp, TrainingJobOp
from support.kfp_runner import Compiled, Run, State

from node.jobs import SMALL, Jobs
from node.operator import Cloud
from node.pipeline_pods import PlaceOnNode, PodsOnNode
from node.pipeline_steps import Steps
from node.serving_image import serving_image
from node.steps_image import steps_image
from node.training_image import training_image
from node.transforms import objects, put_inputs

pytestmark = pytest.mark.own_node(reason="the steps' outputs are on this machine's disk")

DATA, ACCURACY = "s3://sagebridge-local/digits-parallel", "validation:accuracy"
OBJECTS, ROWS = 2, 20
A_ZERO = (
    "0,0,5,13,9,1,0,0,0,0,13,15,10,15,5,0,0,3,15,2,0,11,8,0,0,4,12,0,0,8,8,0,"
    "0,5,8,0,0,9,8,0,0,4,11,0,1,12,7,0,0,2,14,5,10,12,0,0,0,0,6,13,10,0,0,0"
)


def _on_the_cluster(image: str, *, gpus: int = 0) -> dict[str, Any]:
    cluster = {"image": image, "resources": SMALL, "gpu": {"count": gpus}}
    return {"target": "Cluster", "instance_type": "ml.g4dn.12xlarge", "cluster": cluster}


@dsl.pipeline(name="digits-on-the-cluster")
def digits(inputs: str, predictions: str, least: float = 0.8) -> None:
    """As examples/pipelines/digits, with `target="Cluster"` in each step."""
    script: dict[str, Any] = {
        "framework": "pytorch",
        "framework_version": "2.3",
        "entry_point": "train_parallel.py",
        "source": "digits-parallel-code",
        "metric_definitions": {ACCURACY: f"{ACCURACY}=([0-9.]+)"},
        "objective_metric": ACCURACY,
        "channels": {"train": f"{DATA}/train/", "validation": f"{DATA}/validation/"},
        "content_type": "text/csv",
        **_on_the_cluster(training_image().name, gpus=1),
    }
    tuned = HPTuningJobOp(
        **script,
        hyperparameters={"epochs": 5},
        continuous_ranges={"learning-rate": [0.01, 0.5, "Logarithmic"]},
        max_jobs=2,
        max_parallel_jobs=2,
    )
    trained = TrainingJobOp(**script, hyperparameters=tuned.outputs["best_hyperparameters"])
    model = {"model_uri": trained.outputs["model_uri"], "image": serving_image().name}
    with (
        dsl.ExitHandler(DeleteOp(kind="Endpoint", name="digits"), name="clean-up"),
        dsl.If(trained.outputs["objective"] >= least, name="good-enough"),
    ):
        BatchTransformOp(
            **model,
            **_on_the_cluster(serving_image().name),
            input_uri=inputs,
            output_path=predictions,
            content_type="text/csv",
            split_type="Line",
            input_filter="$[1:]",
            join_input=True,
            output_filter="$[0,-1]",
            assemble_with="Line",
            accept="text/csv",
        )
        deployed = EndpointOp(**model, **_on_the_cluster(serving_image().name), name="digits")
        InvokeEndpointOp(endpoint=deployed.outputs["object_name"], payload=A_ZERO)


def test_from_a_search_to_an_answer(jobs: Jobs, cloud: Cloud, tmp_path: Path) -> None:
    image = steps_image()
    jobs.node.load(image, serving_image())
    steps, place = Steps(jobs.node, jobs.namespace, image=image.name), PlaceOnNode(directory=tmp_path)
    inputs = put_inputs(cloud, f"{jobs.namespace}/inputs", objects=OBJECTS, rows=ROWS)
    predictions = f"{jobs.namespace}/predictions"
    given = {"inputs": inputs, "predictions": f"s3://sagebridge-local/{predictions}/"}

    finished = Run(Compiled.of(digits, tmp_path), place=place, arguments=given, execute=PodsOnNode(steps, place)).run()

    assert finished.state is State.SUCCEEDED, finished.told()
    assert {record.state for record in finished.tasks.values()} == {State.SUCCEEDED}
    by_name = {path.rpartition("/")[2]: record.outputs for path, record in finished.tasks.items()}
    assert by_name["training-job"].parameters["objective"] > 0.8
    rows = [line.split(",") for body in objects(cloud, predictions).values() for line in body.decode().splitlines()]
    assert len(rows) == OBJECTS * ROWS
    assert sum(label == read for label, read in rows) > 0.8 * len(rows)
    assert by_name["invoke-endpoint"].parameters["response"].strip() == "0"
    assert not steps.kubectl("get", "smep", "digits", "--ignore-not-found")
