"""A user's own component as a job on the node, between steps that are pods."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from sagebridge_kfp import run_on_sagemaker
from support.kfp_runner import Compiled, Run, State

from node.custom_objects import CustomObjects
from node.jobs import SMALL, Jobs
from node.node import Node
from node.operator import Cloud
from node.pipeline_pods import PlaceOnNode, PodsOnNode
from node.pipeline_steps import Steps
from node.processing import Processing
from node.steps_image import steps_image
from node.training_image import training_image
from node.user_step import fit, prepare, read

pytestmark = pytest.mark.own_node(reason="the steps' outputs are on this machine's disk")


def line_of(job: str) -> Callable[[], Any]:
    """A dataset goes to a job of this kind; a model, metrics and a list come back."""
    fit_on_the_cluster = run_on_sagemaker(
        fit,
        job=job,
        instance_type="ml.g4dn.12xlarge",
        image=training_image().name,
        staging="s3://sagebridge-local/staging",
        target="Cluster",
        cluster={"resources": SMALL, "gpu": {"count": 1}},
        # The root of the pipelines is another store than the one of the jobs.
        copy_inputs=True,
    )

    @dsl.pipeline(name=f"line-{job.lower()}")
    def line() -> None:
        prepared = prepare()
        fitted = fit_on_the_cluster(data=prepared.outputs["data"])
        read(model=fitted.outputs["model"], found=fitted.outputs["Output"])

    return line


@pytest.mark.parametrize(("job", "kind"), [("Training", Jobs), ("Processing", Processing)])
def test_it_gives_what_it_would_in_a_pod(
    job: str, kind: type[CustomObjects], gpu_node: Node, namespace: str, cloud: Cloud, tmp_path: Path
) -> None:
    image, jobs = steps_image(), kind(gpu_node, namespace)
    gpu_node.load(image)
    steps = Steps(gpu_node, namespace, image=image.name)
    place = PlaceOnNode(directory=tmp_path, environment=cloud.environment())

    finished = Run(Compiled.of(line_of(job), tmp_path), place=place, execute=PodsOnNode(steps, place)).run()

    assert finished.state is State.SUCCEEDED, finished.told()
    told = finished["fit"].outputs
    assert told.parameters["Output"] == pytest.approx([2, 1])
    assert told.artifacts["metrics"][0]["metadata"]["error"] < 1e-9
    [name] = jobs.names()
    assert jobs.reason(name) == "Completed"
    assert finished["read"].outputs.parameters["Output"] == told.artifacts["model"][0]["metadata"]["host"]
