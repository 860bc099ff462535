"""What the agent does beside the container of a processing job, and after it."""

import json
from datetime import datetime
from typing import Any

import pytest

from .processing import request, result
from .test_troubles import Door

WRITES = """
import pathlib
pathlib.Path("processing/result/it").write_text("whole")
pathlib.Path("processing/seen/it").write_text("part")
"""
SAYS = "import pathlib\npathlib.Path('output/message').write_bytes(%r)"
WAITS = """
import pathlib, signal, sys, time
def stop(*_):
    pathlib.Path("processing/result/last").touch()
    pathlib.Path("processing/seen/last").touch()
    pathlib.Path("output/message").write_text("stopped in time")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path("processing/result/first").touch()
pathlib.Path("processing/seen/first").touch()
print("ready", flush=True)
while True:
    time.sleep(0.02)
"""
STUBBORN = WAITS.replace("signal.SIGTERM, stop", "signal.SIGTERM, signal.SIG_IGN")


def outputs(bucket: Any) -> list[dict[str, Any]]:
    return [result(bucket, "result"), result(bucket, "seen", mode="Continuous")]


def ready(process: Any) -> Any:
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.fixture
def job(pod: Any, bucket: Any) -> Any:
    """A host that is prepared, with an output of either kind."""
    pod.processing_job(request(outputs=outputs(bucket)))
    assert pod.prepare() == 0
    return pod


@pytest.fixture
def door(bucket: Any) -> Any:
    made = Door(bucket.endpoint_url)
    yield made
    made.close()


def test_a_failing_script_leaves_its_continuous_outputs_its_failure_and_its_message(job: Any, bucket: Any) -> None:
    said = "import pathlib\npathlib.Path('output/failure').write_text('no data')\n"
    job.process(WRITES + said + SAYS % b"half" + "\nraise SystemExit(7)")
    code, message = job.accompany().end()
    assert (code, message["stopped"], message["failure"], message["message"]) == (0, "", "no data", "half")
    assert bucket.keys() == ["seen/it"]


@pytest.mark.parametrize("ended", ["StartError", "137"])
def test_a_container_that_never_ran_has_no_outputs_of_its_end(job: Any, bucket: Any, ended: str) -> None:
    job.ml("processing/result/it").touch()
    job.annotate(training_ended=ended)
    assert job.accompany().end()[0] == 0
    assert bucket.keys() == []


def test_a_message_that_is_no_text_fails_the_job(job: Any, bucket: Any) -> None:
    job.process(WRITES + SAYS % b"\xff")
    code, message = job.accompany().end()
    assert code == 1
    assert message["failureReason"] == "ClientError: The content of /opt/ml/output/message is not UTF-8 encoded"
    assert ("message" in message, bucket.keys()) == (False, ["seen/it"])


def test_a_stopped_job_is_not_failed_by_its_message(job: Any) -> None:
    ready(job.train(WAITS.replace('write_text("stopped in time")', 'write_bytes(b"\\xff")')))
    job.annotate(stop="Stopped")
    code, message = job.accompany().end()
    assert (code, message["stopped"]) == (0, "Stopped")
    assert not {"failureReason", "message"} & set(message)


def test_a_message_that_is_a_link_is_not_followed(job: Any) -> None:
    (job.root / "secret").write_text("token")
    job.process("import os\nos.symlink('../../secret', 'output/message')")
    code, message = job.accompany().end()
    assert (code, "token" in json.dumps(message)) == (0, False)


def test_a_stop_keeps_what_was_to_be_kept_meanwhile_and_nothing_of_the_end(job: Any, bucket: Any) -> None:
    process = ready(job.train(WAITS))
    job.annotate(stop="Stopped")
    code, message = job.accompany().end()
    assert (code, message["stopped"], message["message"]) == (0, "Stopped", "stopped in time")
    assert (process.wait(), bucket.keys()) == (0, ["seen/first", "seen/last"])


def test_max_runtime_counts_from_the_beginning_and_ends_in_a_kill(pod: Any, bucket: Any) -> None:
    asked = request(outputs=outputs(bucket), StoppingCondition={"MaxRuntimeInSeconds": 10})
    pod.processing_job(asked, stopGraceSeconds=10)
    pod.prepare()
    process = ready(pod.train(STUBBORN))
    code, message = pod.accompany().end()
    assert (code, message["stopped"], process.wait()) == (0, "MaxRuntimeExceeded", -9)
    assert bucket.keys() == ["seen/first"]


def test_at_the_pods_end_only_continuous_outputs_are_saved(job: Any, bucket: Any) -> None:
    process = ready(job.train(WAITS))
    job.accompany()
    job.termination.request()
    process.terminate()  # by the kubelet
    code, message = job.end()
    assert (code, message["stopped"]) == (143, "Terminated")
    assert bucket.keys() == ["seen/first", "seen/last"]


def test_a_host_whose_pod_ends_before_anybody_tells_how_it_went_has_not_done_its_part(job: Any, bucket: Any) -> None:
    job.train(WRITES).wait()
    job.termination.request()
    code, message = job.accompany().end()
    assert (code, message["stopped"]) == (143, "Terminated")
    assert bucket.keys() == ["seen/it"]


def test_where_nobody_tells_how_it_went_the_outputs_are_not_lost(
    pod: Any, bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    pod.processing_job(request(outputs=outputs(bucket)), uploadSeconds=20)
    pod.prepare()
    pod.train(WRITES)
    code, message = pod.accompany().end()
    assert (code, message["stopped"], bucket.keys()) == (0, "", ["result/it", "seen/it"])
    assert "Nobody says how the container has ended" in caplog.text


def test_continuous_outputs_go_on_while_nobody_tells_how_it_went(job: Any, bucket: Any) -> None:
    job.train("").wait()
    job.accompany()
    for name in ("one", "two"):
        job.ml(f"processing/seen/{name}").touch()
        while f"seen/{name}" not in bucket.keys():  # noqa: SIM118 - S3's, not a dict's
            assert not job._result
    job.annotate(training_ended="0")
    assert job.end()[0] == 0


def test_an_output_that_is_refused_does_not_keep_the_others_from_s3(pod: Any, bucket: Any, door: Any) -> None:
    pod.endpoint_url = door.endpoint_url
    pod.processing_job(request(outputs=[*outputs(bucket), result(bucket, "third")]), uploadSeconds=20)
    pod.prepare()
    door.denies = (f"PUT /{bucket.name}/seen/".encode(),)
    pod.process(WRITES + "pathlib.Path('processing/third/it').touch()")
    code, message = pod.accompany().end()
    assert code == 1
    assert message["failureReason"].startswith("ClientError: Data upload failed: AccessDenied: ")
    assert message["failureReason"].endswith(f"(s3://{bucket.name}/seen/it)")
    assert bucket.keys() == ["result/it", "third/it"]


def test_outputs_are_tried_until_s3_is_back(pod: Any, bucket: Any, door: Any) -> None:
    pod.endpoint_url = door.endpoint_url
    pod.processing_job(request(outputs=outputs(bucket)))
    pod.prepare()
    door.shut = True
    pod.process(WRITES)
    pod.accompany()
    door.cut.wait()
    door.shut = False
    code, _ = pod.end()
    assert (code, bucket.keys()) == (0, ["result/it", "seen/it"])


def test_the_outputs_are_in_s3_once_the_container_has_ended(job: Any, bucket: Any) -> None:
    job.process(WRITES + SAYS % "zwölf".encode())
    code, message = job.accompany().end()
    assert (code, message["stopped"], message["message"]) == (0, "", "zwölf")
    assert (bucket.get("result/it"), bucket.get("seen/it")) == (b"whole", b"part")
    names = ("processingStartTime", "uploadStartTime", "processingEndTime")
    times = [datetime.fromisoformat(message[name]) for name in names]
    assert times == sorted(times)
    assert set(message) == {"stopped", "message", *names}


def test_continuous_outputs_are_in_s3_while_the_container_runs(job: Any, bucket: Any) -> None:
    process = ready(job.train(WAITS))
    job.accompany()
    while bucket.keys() != ["seen/first"]:
        assert not job._result
    process.terminate()
    process.wait()
    job.annotate(training_ended="0")
    assert job.end()[0] == 0
    assert bucket.keys() == ["result/first", "result/last", "seen/first", "seen/last"]


def test_outputs_are_encrypted_with_their_key(pod: Any, bucket: Any) -> None:
    pod.processing_job(request(outputs=outputs(bucket), key="alias/mine"))
    assert pod.prepare() == 0
    pod.process(WRITES)
    assert pod.accompany().end()[0] == 0
    for key in ("result/it", "seen/it"):
        head = bucket.s3.head_object(Bucket=bucket.name, Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", "alias/mine")


def test_what_the_container_manages_is_left_to_it(pod: Any, bucket: Any) -> None:
    pod.processing_job(request(outputs=[result(bucket, "seen", mode="Continuous") | {"AppManaged": True}]))
    assert pod.prepare() == 0
    pod.process("import pathlib\npathlib.Path('processing/seen/it').touch()")
    assert pod.accompany().end()[0] == 0
    assert bucket.keys() == []


def test_without_outputs_of_the_end_nobody_has_to_tell_how_it_went(pod: Any, bucket: Any) -> None:
    pod.processing_job(request(outputs=[result(bucket, "seen", mode="Continuous")]), uploadSeconds=10**9)
    pod.prepare()
    pod.train("import pathlib\npathlib.Path('processing/seen/it').touch()")
    assert pod.accompany().end()[0] == 0
    assert bucket.keys() == ["seen/it"]
