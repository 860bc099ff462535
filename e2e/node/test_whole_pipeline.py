"""A pipeline whose jobs all run on the cluster: tune, train, compare, transform, deploy, ask, and clean up."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from sagebridge_kfp import BatchTransformOp, DeleteOp, EndpointOp, HPTuningJobOp, InvokeEndpointOp, TrainingJobOp
from sagebridge_local.stack import aws
from support.kfp_runner import Cache, Compiled, Finished, Pod, Run, State

from node import algorithms
from node.jobs import CODE, SMALL, Jobs, archive
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
def digits(source: str, inputs: str, predictions: str, least: float = 0.8) -> None:
    """As examples/pipelines/digits, with `target="Cluster"` in each step."""
    script: dict[str, Any] = {
        "framework": "pytorch",
        "framework_version": "2.3",
        "source": source,
        "metric_definitions": {ACCURACY: f"{ACCURACY}=([0-9.]+)"},
        "objective_metric": ACCURACY,
        "channels": {"train": f"{DATA}/train/", "validation": f"{DATA}/validation/"},
        "content_type": "text/csv",
        **_on_the_cluster(training_image().name, gpus=1),
    }
    network = {**script, "entry_point": CODE.name}
    tuned = HPTuningJobOp(
        **network,
        hyperparameters={"epochs": 5, "pause": 2},
        continuous_ranges={"learning-rate": [0.01, 0.5, "Logarithmic"]},
        max_jobs=2,
        max_parallel_jobs=2,
    )
    trained = TrainingJobOp(**network, hyperparameters=tuned.outputs["best_hyperparameters"], name="best")
    trained.set_retry(num_retries=2)
    with dsl.ParallelFor(sorted(algorithms.ALGORITHMS), name="algorithms", parallelism=2) as algorithm:
        TrainingJobOp(**script, entry_point="algorithms.py", hyperparameters={"algorithm": algorithm})
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


class Drain:
    """Deletes the first pod of a task once the task's job is under way, as whoever drains its node does."""

    def __init__(self, steps: Steps, *, task: str) -> None:
        self._steps = steps
        self._task = task

    def watch(self, pod: Pod) -> None:
        """See to a pod that was made."""
        if pod.task == self._task and pod.number == 0:
            self._steps.node.wait_for("its job is under way", lambda: "InProgress" in self._steps.log(pod.name))
            self._steps.delete(pod.name)


def push(cloud: Cloud, *scripts: Path, to: str) -> str:
    """Put scripts on S3, from where a cached task's code is known by its URI; the URI."""
    with tempfile.TemporaryDirectory() as directory:
        for script in scripts:
            shutil.copy(script, directory)
        return subprocess.run(
            [sys.executable, "-m", "sagebridge.cli.main", "source", "push", directory, to],
            env={**os.environ, **aws.environment(cloud.simulator.url)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()


def by_name(finished: Finished, name: str) -> list[Any]:
    """What the tasks of a name have given on."""
    return [record.outputs for path, record in finished.tasks.items() if path.rpartition("/")[2] == name]


def test_from_a_search_to_an_answer_and_once_more_from_the_cache(jobs: Jobs, cloud: Cloud, tmp_path: Path) -> None:
    image = steps_image()
    jobs.node.load(image, serving_image())
    steps, place = Steps(jobs.node, jobs.namespace, image=image.name), PlaceOnNode(directory=tmp_path)
    inputs = put_inputs(cloud, f"{jobs.namespace}/inputs", objects=OBJECTS, rows=ROWS)
    predictions = f"{jobs.namespace}/predictions"
    given = {
        "source": push(cloud, CODE, Path(algorithms.__file__), to=f"s3://sagebridge-local/{jobs.namespace}/code"),
        "inputs": inputs,
        "predictions": f"s3://sagebridge-local/{predictions}/",
    }
    compiled, cache = Compiled.of(digits, tmp_path), Cache()

    def run(watch: Callable[[Pod], None]) -> Finished:
        execute = PodsOnNode(steps, place)
        return Run(compiled, place=place, arguments=given, cache=cache, watch=watch, execute=execute).run()

    finished = run(Drain(steps, task="training-job").watch)

    assert finished.state is State.SUCCEEDED, finished.told()
    assert {record.state for record in finished.tasks.values()} == {State.SUCCEEDED}
    assert finished["training-job"].pods == 2
    best = finished["training-job"].outputs.parameters
    assert best["objective"] > 0.8
    assert [each["status"] for each in jobs.status(best["object_name"])["attempts"]] == ["Stopped", "Completed"]
    compared = [outputs.parameters for outputs in by_name(finished, "training-job-2")]
    models = sorted(archive(cloud, each["model_uri"])["algorithm"].decode() for each in compared)
    assert models == sorted(algorithms.ALGORITHMS)
    assert min(each["objective"] for each in compared) > 0.8
    rows = [line.split(",") for body in objects(cloud, predictions).values() for line in body.decode().splitlines()]
    assert len(rows) == OBJECTS * ROWS
    assert sum(label == read for label, read in rows) > 0.8 * len(rows)
    [answer] = by_name(finished, "invoke-endpoint")
    assert answer.parameters["response"].strip() == "0"
    assert not steps.kubectl("get", "smep", "digits", "--ignore-not-found")

    made = jobs.names()
    again = run(lambda pod: None)

    assert again.state is State.SUCCEEDED, again.told()
    ran = {path.rpartition("/")[2] for path, record in again.tasks.items() if record.logs}
    assert ran == {"endpoint", "invoke-endpoint", "delete"}
    assert jobs.names() == made
