"""Script mode: from an S3 prefix and a source archive to a model and its metrics."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import uvloop
from sagebridge_local.runtime.run import Outcome, OutcomeStatus


async def test_a_script_becomes_a_model(bench: Any) -> None:
    bench.put("data/train/a.csv", "1,2\n")
    bench.put("data/train/deep/b.csv", "3,4\n")
    request = bench.script(
        """
        import json, os, pathlib, sys
        print("arguments", sys.argv[1:])
        data = pathlib.Path(os.environ["SM_CHANNEL_TRAIN"])
        files = {str(p.relative_to(data)): p.read_text() for p in data.rglob("*.csv")}
        pathlib.Path(os.environ["SM_MODEL_DIR"], "model.json").write_text(json.dumps(files))
        pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "report.txt").write_text("good")
        print("loss=0.5; accuracy=0.25")
        print("loss=0.125; accuracy=0.75")
        """,
        hyperparameters={"epochs": "2", "name": '"a b"', "verbose": "true"},
        InputDataConfig=[bench.channel("train", "data/train/")],
        algorithm={
            "MetricDefinitions": [
                {"Name": "loss", "Regex": "loss=([0-9.]+)"},
                {"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"},
                {"Name": "never", "Regex": "never=([0-9.]+)"},
            ]
        },
    )
    outcome = await bench.run(request)
    assert (outcome.status, outcome.failure_reason, outcome.exit_code) == (OutcomeStatus.COMPLETED, None, 0)
    assert bench.statuses() == ["Downloading", "Training", "Uploading"]
    assert outcome.model_artifacts == f"s3://{bench.bucket}/out/digits-1/output/model.tar.gz"
    model = bench.archive(outcome.model_artifacts)
    assert json.loads(model["model.json"]) == {"a.csv": "1,2\n", "deep/b.csv": "3,4\n"}
    assert bench.archive(f"s3://{bench.bucket}/out/digits-1/output/output.tar.gz") == {"report.txt": "good"}
    assert {each["MetricName"]: each["Value"] for each in outcome.metrics} == {"loss": 0.125, "accuracy": 0.75}
    log = bench.log()
    assert "arguments ['--epochs', '2', '--name', 'a b', '--verbose', 'True']" in log
    assert "loss=0.125; accuracy=0.75" in log


async def test_a_failing_script_is_reported_as_the_toolkit_does(bench: Any) -> None:
    request = bench.script("import sys\nprint('before')\nraise ValueError('no such column: label')\n")
    outcome = await bench.run(request)
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.failure_reason is not None
    assert outcome.failure_reason.startswith('AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "')
    assert "ValueError: no such column: label" in outcome.failure_reason
    assert outcome.failure_reason.endswith('train.py", exit code: 1')
    assert outcome.model_artifacts is None
    assert bench.statuses() == ["Downloading", "Training", "Uploading"]
    assert "ValueError: no such column: label" in bench.log()


def test_many_jobs_at_once_on_the_event_loop_of_the_local_sagemaker(bench: Any) -> None:
    script = "import os, pathlib; print('loss=1'); pathlib.Path(os.environ['SM_MODEL_DIR'], 'm').write_text('m')"
    request = bench.script(script)

    async def run_all() -> list[Outcome]:
        benches = [replace(bench, work_dir=bench.work_dir / str(number)) for number in range(12)]
        jobs = [
            each.run(request | {"TrainingJobName": f"digits-{number}"}) for number, each in enumerate(benches, start=1)
        ]
        return await asyncio.gather(*jobs)

    for outcome in uvloop.run(run_all()):
        assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
        assert bench.archive(outcome.model_artifacts) == {"m": "m"}
