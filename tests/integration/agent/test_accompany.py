"""What the agent does beside a training process, and after it."""

import json
from datetime import datetime
from typing import Any

import pytest

TRAINS = """
import pathlib
pathlib.Path("model/weights").write_text("w")
pathlib.Path("output/data/report").write_text("good")
"""
WAITS = """
import pathlib, signal, sys, time
def stop(*_):
    pathlib.Path("model/stopped").write_text("in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    time.sleep(0.02)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""


def ready(process: Any) -> Any:
    assert process.stdout.readline() == b"ready\n"
    return process


def test_the_results_are_in_s3_once_training_has_ended(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    assert pod.prepare() == 0
    pod.train(TRAINS)
    code, message = pod.accompany().end()
    assert code == 0
    assert message["stopped"] == ""
    assert message["model"] == f"s3://{bucket.name}/out/digits-1/output/model.tar.gz"
    assert bucket.archive(message["model"]) == {"weights": "w"}
    assert bucket.keys("out/") == ["out/digits-1/output/model.tar.gz", "out/digits-1/output/output.tar.gz"]
    times = [datetime.fromisoformat(message[f"{name}Time"]) for name in ("trainingStart", "uploadStart", "trainingEnd")]
    assert times == sorted(times)
    assert set(message) == {"stopped", "model", "trainingStartTime", "trainingEndTime", "uploadStartTime"}


def test_a_failing_script_leaves_its_results_and_its_failure(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    pod.prepare()
    pod.train(TRAINS + "pathlib.Path('output/failure').write_text('no ' * 500)\nraise SystemExit(3)")
    code, message = pod.accompany().end()
    assert (code, message["failure"]) == (0, ("no " * 500)[:1024])
    assert bucket.archive(message["model"]) == {"weights": "w"}


def test_a_failure_file_that_is_a_link_is_not_followed(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    pod.prepare()
    (pod.root / "secret").write_text("token")
    pod.train("import os\nos.symlink('../../secret', 'output/failure')\nos.symlink('../..', 'output/data/all')")
    code, message = pod.accompany().end()
    assert (code, "failure" in message) == (0, False)
    assert "token" not in json.dumps(message)
    assert bucket.archive(f"s3://{bucket.name}/out/digits-1/output/output.tar.gz") == {}


def test_an_output_directory_that_became_a_link_is_nobodys_output(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    pod.prepare()
    (pod.root / "secret").write_text("token")
    pod.train("import os\nos.rmdir('output/data')\nos.symlink('../..', 'output/data')")
    assert pod.accompany().end()[0] == 0
    assert bucket.keys("out/") == []


def test_a_stop_is_told_to_the_process_which_saves_its_model(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    pod.prepare()
    process = ready(pod.train(WAITS))
    pod.accompany()
    pod.annotate(stop="Stopped")
    code, message = pod.end()
    assert (code, message["stopped"], process.wait()) == (0, "Stopped", 0)
    assert bucket.archive(message["model"]) == {"stopped": "in time"}


def test_the_reason_of_a_stop_is_the_operators(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    pod.prepare()
    ready(pod.train(WAITS))
    pod.annotate(stop="MaxWaitTimeExceeded")
    assert pod.accompany().end()[1]["stopped"] == "MaxWaitTimeExceeded"


def test_max_runtime_counts_from_the_beginning_and_ends_in_a_kill(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request(StoppingCondition={"MaxRuntimeInSeconds": 10}), stopGraceSeconds=10)
    pod.prepare()
    process = ready(pod.train(STUBBORN))
    code, message = pod.accompany().end()
    assert (code, message["stopped"], process.wait()) == (0, "MaxRuntimeExceeded", -9)


def test_at_the_pods_end_only_the_checkpoints_are_saved(pod: Any, bucket: Any) -> None:
    checkpoints = {"S3Uri": f"s3://{bucket.name}/ckpt"}
    pod.job(bucket.request(CheckpointConfig=checkpoints), checkpointSyncSeconds=600)
    pod.prepare()
    process = ready(pod.train(WAITS.replace("model/stopped", "checkpoints/last")))
    pod.accompany()
    pod.termination.request()
    process.terminate()  # by the kubelet
    code, message = pod.end()
    assert (code, message["stopped"]) == (143, "Terminated")
    assert "model" not in message
    assert bucket.keys() == ["ckpt/last"]


def test_at_the_pods_end_a_process_that_stays_is_killed(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request(), stopGraceSeconds=10)
    pod.prepare()
    process = ready(pod.train(STUBBORN))
    pod.accompany()
    pod.termination.request()
    code, message = pod.end()
    assert (code, message["stopped"], process.wait()) == (143, "Terminated", -9)


@pytest.mark.parametrize("code", ["0", "1", "StartError"])
def test_a_process_that_was_never_seen_is_told_by_the_operator(pod: Any, bucket: Any, code: str) -> None:
    pod.job(bucket.request())
    pod.prepare()
    pod.ml("model/weights").write_text("left in milliseconds")
    pod.annotate(training_ended=code)
    exit_code, message = pod.accompany().end()
    assert (exit_code, message["stopped"]) == (0, "")
    assert bucket.archive(message["model"]) == {"weights": "left in milliseconds"}


def test_a_stop_before_training_has_begun_ends_the_wait(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request(), stopGraceSeconds=5)
    pod.prepare()
    pod.annotate(stop="Stopped")
    code, message = pod.accompany().end()
    assert (code, message["stopped"], "model" in message) == (0, "Stopped", False)


def test_a_sidecar_that_came_first_and_an_exec_session_are_not_training(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request())
    mesh = pod.train(STUBBORN, cgroup="0::/pod/mesh", started=5)
    pod.prepare()
    probe = pod.train(STUBBORN, cgroup="0::/pod/mesh", started=7)
    shell = pod.train(STUBBORN, started=200)
    pod.train(TRAINS)
    code, message = pod.accompany().end()
    assert (code, bucket.archive(message["model"])) == (0, {"weights": "w"})
    assert [process.poll() for process in (mesh, probe, shell)] == [None, None, None]


def test_checkpoints_come_back_and_are_kept_in_s3(pod: Any, bucket: Any) -> None:
    bucket.put("ckpt/epoch-1", "old")
    pod.job(bucket.request(CheckpointConfig={"S3Uri": f"s3://{bucket.name}/ckpt/", "LocalPath": "/opt/ml/state"}))
    assert pod.prepare() == 0
    script = """
    import pathlib, time
    place = pathlib.Path("checkpoints")
    (place / "epoch-2").write_text((place / "epoch-1").read_text() + " and new")
    (place / "epoch-1").unlink()
    while not (place / "go").exists():
        time.sleep(0.02)
    """
    pod.train(script)
    pod.accompany()
    while bucket.keys("ckpt/") != ["ckpt/epoch-2"]:
        assert not pod._result
    pod.ml("checkpoints/go").touch()
    assert pod.end()[0] == 0
    assert bucket.keys("ckpt/") == ["ckpt/epoch-2", "ckpt/go"]
    assert bucket.get("ckpt/epoch-2") == b"old and new"


def test_uncompressed_results_are_files_and_links_stay_inside(pod: Any, bucket: Any) -> None:
    output = {"S3OutputPath": f"s3://{bucket.name}/out", "CompressionType": "NONE", "KmsKeyId": "alias/mine"}
    pod.job(bucket.request(OutputDataConfig=output))
    pod.prepare()
    (pod.root / "secret").write_text("token")
    pod.train(TRAINS + "import os\nos.symlink('weights', 'model/latest')\nos.symlink('../../secret', 'model/stolen')")
    code, message = pod.accompany().end()
    assert (code, message["model"]) == (0, f"s3://{bucket.name}/out/digits-1/output/model/")
    prefix = "out/digits-1/output"
    assert bucket.keys("out/") == [f"{prefix}/data/report", f"{prefix}/model/latest", f"{prefix}/model/weights"]
    head = bucket.s3.head_object(Bucket=bucket.name, Key=f"{prefix}/model/weights")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")
