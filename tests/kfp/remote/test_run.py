"""Whole pipelines with a step that runs as a job, from compiled IR: kfp.local runs them, and the job really trains."""

from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, components, dsl
from sagebridge_kfp import run_on_sagemaker
from support.jobs import Jobs

from .components import STAGING, WHERE, break_down, look, pipeline_of
from .conftest import Stack

KINDS = {"Training": ("TrainingJob", "trainingjobs"), "Processing": ("ProcessingJob", "processingjobs")}


def objects(stack: Stack, job: str) -> list[dict[str, Any]]:
    kind, plural = KINDS[job]
    return Jobs(stack.client, stack.namespace, kind=kind, plural=plural).list()


@pytest.mark.parametrize("job", ["Training", "Processing"])
def test_a_model_is_trained_elsewhere_and_used_by_the_next_step(runs: Stack, job: str, tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline_of(job), str(path))

    task = components.load_component_from_file(str(path))()

    assert task.output == "True after 20.0 epochs, [200.0, 201.0, 0.5], 401.0 rows"
    [body] = [each for each in objects(runs, job) if each["metadata"]["name"].startswith("fit-")]
    assert body["metadata"]["annotations"]["sagebridge.io/step-done"] == "true"
    s3 = runs.simulator.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="sagebridge-local", Prefix="staging/fit/")["Contents"]]
    assert any(key.endswith("/in/call.json") for key in keys)


@pytest.mark.parametrize("job", ["Training", "Processing"])
def test_what_is_on_s3_already_is_read_where_it_is(runs: Stack, job: str) -> None:
    s3, bucket = runs.simulator.client("s3"), STAGING.split("/")[2]
    for key in ("data/table.csv", "data/table.csv.bak", "data/images/cats/tom.png"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    remote = run_on_sagemaker(look, job=job, **WHERE)

    @dsl.pipeline(name="look")
    def looking() -> list:
        table = dsl.importer(artifact_uri=f"s3://{bucket}/data/table.csv", artifact_class=dsl.Dataset, reimport=True)
        images = dsl.importer(artifact_uri=f"s3://{bucket}/data/images", artifact_class=dsl.Dataset, reimport=True)
        return remote(table=table.output, images=images.output).output

    assert looking().output == ["data/table.csv", "table.csv", "cats/tom.png"]


@pytest.mark.parametrize("job", ["Training", "Processing"])
def test_a_failed_function_fails_the_step_by_its_own_words(
    runs: Stack, job: str, capfd: pytest.CaptureFixture[str]
) -> None:
    remote = run_on_sagemaker(break_down, job=job, **WHERE)

    with pytest.raises(RuntimeError, match="'break-down'"):
        remote(number=0)

    told = capfd.readouterr().out
    assert "ZeroDivisionError: division by zero" in told
    assert 'File "component", line' in told
    assert "Traceback" not in told, "none of ours"


def test_a_retried_step_gets_the_results_of_the_job_that_has_run(
    runs: Stack, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAGEBRIDGE_RUN_ID", "run-retried")
    remote = run_on_sagemaker(break_down, **WHERE)

    for pod in range(2):
        monkeypatch.setenv("SAGEBRIDGE_NODE_NAME", f"wf.root.break-down.executor({pod})")
        assert remote(number=4).output == 0.25

    assert capfd.readouterr().out.count("Made TrainingJob") == 1
    label = "sagebridge.io/pipeline-run"
    mine = [each for each in objects(runs, "Training") if each["metadata"]["labels"].get(label) == "run-retried"]
    assert len(mine) == 1
    assert len(mine[0]["status"]["attempts"]) == 1
