"""A pipeline with a step that runs as a job, as Kubeflow Pipelines' driver, launcher and Argo run it."""

import signal
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from sagebridge_kfp import run_on_sagemaker
from sagebridge_kfp.remote.store import Store
from support.jobs import Jobs
from support.kfp_runner import Compiled, Place, Pod, Run, State
from support.waiting import eventually

from .components import STAGING, WHERE, linger, pipeline_of
from .conftest import Stack

BUCKET = STAGING.split("/")[2]
KINDS = {"Training": ("TrainingJob", "trainingjobs"), "Processing": ("ProcessingJob", "processingjobs")}


@pytest.fixture
def place(stack: Stack, tmp_path: Path) -> Place:
    """Where pods are, whose artifacts go to the bucket that the jobs read as well."""
    environment = {**stack.simulator.aws_environment, "KUBECONFIG": str(stack.kubeconfig)}
    upload = Store(stack.simulator.client("s3")).upload
    return Place(directory=tmp_path, root=f"s3://{BUCKET}/v2/artifacts", environment=environment, upload=upload)


def made(stack: Stack, job: str, run: Run) -> list[dict[str, Any]]:
    """The objects of a run."""
    kind, plural = KINDS[job]
    listed = Jobs(stack.client, stack.namespace, kind=kind, plural=plural).list()
    return [one for one in listed if one["metadata"]["labels"].get("sagebridge.io/pipeline-run") == run.id]


@pytest.mark.parametrize("job", ["Training", "Processing"])
def test_the_launcher_takes_what_comes_back(stack: Stack, place: Place, job: str, tmp_path: Path) -> None:
    run = Run(Compiled.of(pipeline_of(job), tmp_path), place=place)
    finished = run.run()

    assert finished.state is State.SUCCEEDED, finished.told()
    fitted = finished["fit"].outputs
    assert fitted.parameters["sizes"] == [200, 201, 0.5]
    [model], [metrics], [logs] = (fitted.artifacts[name] for name in ("model", "metrics", "executor-logs"))
    assert model["uri"].startswith(f"{place.root}/sides-{job.lower()}/{run.id}/fit/")
    assert (model["type"]["schemaTitle"], model["metadata"]) == ("system.Model", {"epochs": 20, "rows": 401})
    assert metrics["metadata"] == {"accuracy": fitted.parameters["accuracy"]}
    assert "Completed" in place.local(logs["uri"]).read_text(), "the step's own log, not something of the job's"
    assert finished["judge"].outputs.parameters["Output"] == "True after 20 epochs, [200, 201, 0.5], 401 rows"
    [body] = made(stack, job, run)
    [*_, data] = body["spec"]["inputDataConfig" if job == "Training" else "processingInputs"]
    assert "ManifestFile" in str(data), "the job has read the table where the launcher has left it"


def test_a_pod_that_takes_the_place_of_a_killed_one_brings_the_results_of_the_same_job(
    stack: Stack, place: Place, tmp_path: Path
) -> None:
    def kill(pod: Pod) -> None:
        if pod.task == "fit" and pod.number == 0:
            eventually(lambda: made(stack, "Training", run), what="the object of the step")
            pod.signal(signal.SIGKILL)

    run = Run(Compiled.of(pipeline_of("Training"), tmp_path).with_retries(1), place=place, watch=kill)
    finished = run.run()

    assert finished.state is State.SUCCEEDED, finished.told()
    assert finished["fit"].pods == 2
    assert "which an earlier pod of this step has made" in finished["fit"].log
    [body] = made(stack, "Training", run)
    assert len(body["status"]["attempts"]) == 1
    assert finished["judge"].outputs.parameters["Output"].startswith("True after 20 epochs")


def test_a_terminated_run_stops_the_job(stack: Stack, place: Place, tmp_path: Path) -> None:
    remote = run_on_sagemaker(linger, **WHERE)

    @dsl.pipeline(name="lingering")
    def lingering() -> None:
        remote(seconds=600)

    def terminate(pod: Pod) -> None:
        eventually(lambda: [one for one in made(stack, "Training", run) if "status" in one], what="the object")
        run.terminate()

    run = Run(Compiled.of(lingering, tmp_path), place=place, watch=terminate)
    finished = run.run()

    assert finished.state is State.FAILED
    [body] = made(stack, "Training", run)
    assert body["spec"]["runPolicy"]["suspend"] is True
    assert body["metadata"]["annotations"]["sagebridge.io/step-stopped"] == "true"
