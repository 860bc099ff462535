"""What a job leaves in S3."""

import os
from pathlib import Path
from typing import Any

from sagebridge.runtime.artifacts import merged
from sagebridge_local.runtime.run import OutcomeStatus

SCRIPT = """
import os, pathlib
model, data = pathlib.Path(os.environ["SM_MODEL_DIR"]), pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"])
(model / "deep").mkdir()
(model / "deep/a").write_text(os.environ["SM_CURRENT_HOST"])
(model / os.environ["SM_CURRENT_HOST"]).write_text("x")
(model / "latest").symlink_to("deep/a")
(data / "report").write_text("good")
"""


async def test_uncompressed_output_lies_below_prefixes(bench: Any) -> None:
    output = {"S3OutputPath": f"s3://{bench.bucket}/out", "CompressionType": "NONE", "KmsKeyId": "alias/mine"}
    outcome = await bench.run(bench.script(SCRIPT, OutputDataConfig=output))
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    assert outcome.model_artifacts == f"s3://{bench.bucket}/out/digits-1/output/model/"
    keys = bench.keys("out/digits-1/output/")
    assert keys == [
        "out/digits-1/output/data/report",
        "out/digits-1/output/model/algo-1",
        "out/digits-1/output/model/deep/a",
        "out/digits-1/output/model/latest",
    ]
    head = bench.client("s3").head_object(Bucket=bench.bucket, Key=keys[1])
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")


async def test_the_models_of_all_hosts_become_one_archive(bench: Any) -> None:
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    outcome = await bench.run(bench.script(SCRIPT, ResourceConfig=resources))
    files = bench.archive(outcome.model_artifacts)
    assert files == {"algo-1": "x", "algo-2": "x", "deep/a": "algo-1"}


async def test_without_a_model_there_is_no_archive(bench: Any) -> None:
    outcome = await bench.run(bench.script("print('nothing to keep')"))
    assert (outcome.status, outcome.model_artifacts) == (OutcomeStatus.COMPLETED, None)
    assert bench.keys("out/") == []


def test_links_are_kept_as_they_are_and_pipes_left_out(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "gone").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert list(merged([tmp_path])) == ["a", "gone"]
