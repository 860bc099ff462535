"""Checkpoints: down at the start, up while the training goes on, gone where they were deleted."""

from typing import Any

from sagebridge_local.runtime.run import OutcomeStatus

SCRIPT = """
import os, pathlib, sys, time
place = pathlib.Path(sys.argv[sys.argv.index("--checkpoint-dir") + 1])
print("found", sorted(p.name for p in place.iterdir()))
(place / "epoch-2").write_text("new")
(place / "epoch-1").unlink()
while not (place / "go").exists():
    time.sleep(0.02)
(place / "epoch-3").write_text("last")
"""


async def test_checkpoints_go_both_ways(bench: Any) -> None:
    bench.put("ckpt/epoch-1", "old")
    request = bench.script(
        SCRIPT,
        hyperparameters={"checkpoint-dir": '"/opt/ml/checkpoints"'},
        CheckpointConfig={"S3Uri": f"s3://{bench.bucket}/ckpt"},
    )
    handle = bench.start(request)
    await bench.until(keys=("ckpt/", ["ckpt/epoch-2"]))
    (bench.work_dir / "algo-1/ml/checkpoints/go").touch()
    outcome = await handle.outcome()
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    assert bench.keys("ckpt/") == ["ckpt/epoch-2", "ckpt/epoch-3", "ckpt/go"]
    assert bench.get(f"s3://{bench.bucket}/ckpt/epoch-3") == b"last"
    assert "found ['epoch-1']" in bench.log()


async def test_a_failing_job_keeps_its_checkpoints(bench: Any) -> None:
    script = "import os, pathlib; pathlib.Path(os.environ['HOLD'], 'c').write_text('c'); raise SystemExit(1)"
    request = bench.script(
        script,
        Environment={"HOLD": "/opt/ml/state"},
        CheckpointConfig={"S3Uri": f"s3://{bench.bucket}/ckpt/", "LocalPath": "/opt/ml/state"},
    )
    outcome = await bench.run(request)
    assert outcome.status is OutcomeStatus.FAILED
    assert bench.keys("ckpt/") == ["ckpt/c"]


async def test_a_path_that_local_mode_has_not_got_is_refused(bench: Any) -> None:
    request = bench.script("", CheckpointConfig={"S3Uri": f"s3://{bench.bucket}/ckpt", "LocalPath": "/tmp/mine"})
    outcome = await bench.run(request)
    assert outcome.failure_reason.startswith("ClientError: Local mode: CheckpointConfig.LocalPath /tmp/mine is outside")
