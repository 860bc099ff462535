"""Ends before the end: StopTrainingJob, time limits, abort, failures of one host and of the runtime itself."""

import os
from pathlib import Path
from typing import Any

import psutil
from sagebridge.runtime import artifacts
from sagebridge_local.runtime.run import OutcomeStatus
from sagebridge_local.runtime.stopping import StopReason

WAITS = """
import os, pathlib, signal, sys, time
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
def stop(*_):
    (model / "stopped").write_text("saved in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
(model / "pid").write_text(str(os.getpid()))
print("ready")
while True:
    time.sleep(0.05)
"""

STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600; sleep 600"])
pathlib.Path(os.environ["SM_MODEL_DIR"], "pid").write_text(f"{os.getpid()} {child.pid}")
print("ready")
time.sleep(600)
"""


PID = Path("algo-1/ml/model/pid")


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_a_stopped_script_saves_its_model(bench: Any) -> None:
    handle = bench.start(bench.script(WAITS))
    await bench.until(path=PID)
    await handle.stop()
    await handle.stop()
    outcome = await handle.outcome()
    await handle.stop()
    assert (outcome.status, outcome.secondary_status) == (OutcomeStatus.STOPPED, "Stopped")
    assert outcome.failure_reason is None
    assert bench.archive(outcome.model_artifacts)["stopped"] == "saved in time"
    assert bench.statuses() == ["Downloading", "Training", "Stopping", "Uploading"]


async def test_after_the_grace_everything_is_killed(bench: Any) -> None:
    handle = bench.start(bench.script(STUBBORN), stop_grace_seconds=0.2)
    pids = [int(pid) for pid in (await bench.until(path=PID)).split()]
    await handle.stop()
    outcome = await handle.outcome()
    assert outcome.status is OutcomeStatus.STOPPED
    assert all(_gone(pid) for pid in pids)


async def test_the_time_limit_stops_the_job(bench: Any) -> None:
    # A script that was not yet ready for the signal would end by it.
    outcome = await bench.run(bench.script(WAITS, StoppingCondition={"MaxRuntimeInSeconds": 4}))
    assert (outcome.status, outcome.secondary_status) == (OutcomeStatus.STOPPED, "MaxRuntimeExceeded")
    assert "stopped" in bench.archive(outcome.model_artifacts)


async def test_a_stop_before_the_script_starts_leaves_nothing(bench: Any) -> None:
    bench.put("d/x", "x")
    handle = bench.start(bench.script(WAITS, InputDataConfig=[bench.channel("train", "d/")]))
    await handle.stop(StopReason.USER)
    outcome = await handle.outcome()
    assert (outcome.status, outcome.model_artifacts) == (OutcomeStatus.STOPPED, None)
    assert bench.keys("out/") == []


async def test_abort_kills_and_uploads_nothing(bench: Any) -> None:
    handle = bench.start(bench.script(WAITS))
    pid = int(await bench.until(path=PID))
    await handle.abort()
    assert handle.done
    assert _gone(pid)
    assert bench.keys("out/") == []


async def test_a_host_that_fails_fails_the_job(bench: Any) -> None:
    script = """
    import os, pathlib, time
    pathlib.Path(os.environ["SM_MODEL_DIR"], "pid").write_text(str(os.getpid()))
    if os.environ["SM_CURRENT_HOST"] == "algo-2":
        peer = pathlib.Path(os.environ["SM_MODEL_DIR"].replace("algo-2", "algo-1"), "pid")
        while not (peer.exists() and peer.read_text()):
            time.sleep(0.01)
        pathlib.Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("rank 1 gave up")
        raise SystemExit(3)
    time.sleep(600)
    """
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    outcome = await bench.run(bench.script(script, ResourceConfig=resources))
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.failure_reason == "AlgorithmError: rank 1 gave up, exit code: 1"
    assert _gone(int(await bench.until(path=PID)))


async def test_a_crash_of_the_runtime_is_an_outcome(bench: Any, monkeypatch: Any) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(artifacts, "upload", crash)
    outcome = await bench.run(bench.script("print('fine')"))
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.failure_reason.startswith("InternalServerError: We encountered an internal error.")
    assert "disk on fire" in outcome.failure_reason


async def test_an_output_bucket_that_is_not_there_fails_the_job(bench: Any) -> None:
    script = "import os, pathlib; pathlib.Path(os.environ['SM_MODEL_DIR'], 'm').write_text('m')"
    request = bench.script(script, OutputDataConfig={"S3OutputPath": "s3://no-such-bucket-here/out"})
    outcome = await bench.run(request)
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.failure_reason.startswith("ClientError: Data upload failed:")


async def test_what_a_script_leaves_behind_ends_with_it(bench: Any) -> None:
    script = """
    import os, pathlib, subprocess, sys
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path(os.environ["SM_MODEL_DIR"], "pid").write_text(str(child.pid))
    """
    outcome = await bench.run(bench.script(script))
    assert outcome.status is OutcomeStatus.COMPLETED
    pid = int(bench.archive(outcome.model_artifacts)["pid"])
    assert _gone(pid)
    assert os.getpid() != pid
