"""S3 and disks that fail: what is tried again, what is given up, and what the job's owner reads."""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

TRAINS = "import pathlib\npathlib.Path('model/weights').write_text('w')"
SAVES = f"{TRAINS}\npathlib.Path('checkpoints/last').write_text('c')"
DENIAL = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
DENIED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(DENIAL), DENIAL)


class Door:
    """A way to S3 that can be shut, which cuts all connections; or cuts or denies what begins with something."""

    def __init__(self, endpoint_url: str) -> None:
        host, _, port = endpoint_url.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.shut = False
        self.cut = threading.Event()
        self.cuts: tuple[bytes, ...] = ()
        self.denies: tuple[bytes, ...] = ()
        self.denied = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.shut:
                    client.close()
                    self.cut.set()
                    continue
                server = socket.create_connection(self._target)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while (data := source.recv(65_536)) and not self.shut:
                if data.startswith(self.cuts):
                    self.cut.set()
                    break
                if data.startswith(self.denies):
                    source.sendall(DENIED)
                    self.denied.set()
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def door(bucket: Any) -> Iterator[Door]:
    made = Door(bucket.endpoint_url)
    yield made
    made.close()


def test_an_upload_is_tried_until_s3_is_back(pod: Any, bucket: Any, door: Door) -> None:
    pod.endpoint_url = door.endpoint_url
    pod.job(bucket.request())
    assert pod.prepare() == 0
    pod.train(TRAINS)
    door.shut = True
    pod.accompany()
    door.cut.wait()
    door.shut = False
    code, message = pod.end()
    assert (code, bucket.archive(message["model"])) == (0, {"weights": "w"})


def test_a_download_is_tried_until_s3_is_back(pod: Any, bucket: Any, door: Door) -> None:
    bucket.put("d/x", "data")
    pod.endpoint_url = door.endpoint_url
    s3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket.name}/d/"}
    pod.job(bucket.request(InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": s3}}]))
    door.cuts = (b"GET ",)
    codes: list[int] = []
    preparing = threading.Thread(target=lambda: codes.append(pod.prepare()))
    preparing.start()
    door.cut.wait()
    door.cuts = ()
    preparing.join()
    assert (codes, pod.ml("input/data/train/x").read_text()) == ([0], "data")


def test_a_script_is_fetched_until_s3_is_back(
    pod: Any, bucket: Any, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    parameters = {
        "sagemaker_program": '"train.py"',
        "sagemaker_submit_directory": f'"{bucket.source(train__py="")}"',
    }
    pod.endpoint_url = door.endpoint_url
    pod.job(bucket.request(HyperParameters=parameters), launch="script")
    door.cuts = (b"GET ",)
    codes: list[int] = []
    preparing = threading.Thread(target=lambda: codes.append(pod.prepare()))
    preparing.start()
    while "The download of the script failed, and is tried again" not in caplog.text:
        assert not codes
    door.cuts = ()
    preparing.join()
    assert (codes, pod.ml("code/train.py").read_text()) == ([0], "")


def test_a_permission_that_comes_in_time_saves_the_model(pod: Any, bucket: Any, door: Door) -> None:
    pod.endpoint_url = door.endpoint_url
    door.denies = (f"PUT /{bucket.name}/out/".encode(),)
    pod.job(bucket.request())
    pod.prepare()
    pod.train(TRAINS)
    pod.accompany()
    door.denied.wait()
    door.denies = ()
    code, message = pod.end()
    assert (code, bucket.archive(message["model"])) == (0, {"weights": "w"})


def test_a_permission_that_never_comes_fails_the_host(pod: Any, bucket: Any, door: Door) -> None:
    pod.endpoint_url = door.endpoint_url
    door.denies = (f"PUT /{bucket.name}/out/".encode(),)
    pod.job(bucket.request(), uploadSeconds=30)
    pod.prepare()
    pod.train(TRAINS)
    code, message = pod.accompany().end()
    assert code == 1
    assert message["failureReason"].startswith("ClientError: Data upload failed: AccessDenied: ")


def test_an_output_bucket_that_is_not_there_fails_the_job_before_training(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request(OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/out"}), uploadSeconds=10**9)
    assert pod.prepare() == 1
    message = pod.message()
    assert list(message) == ["failureReason"]
    assert message["failureReason"].startswith("ClientError: Data upload failed: NoSuchBucket: ")
    assert message["failureReason"].endswith("(s3://no-such-bucket/out/digits-1/output/)")


def test_an_output_that_can_not_be_written_fails_the_job_before_its_data_is_read(
    pod: Any, bucket: Any, door: Door
) -> None:
    pod.endpoint_url = door.endpoint_url
    door.denies = (f"POST /{bucket.name}/out/".encode(),)
    s3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket.name}/nothing/"}
    pod.job(bucket.request(InputDataConfig=[{"ChannelName": "train", "DataSource": {"S3DataSource": s3}}]))
    assert pod.prepare() == 1
    assert pod.message()["failureReason"] == (
        f"ClientError: Data upload failed: AccessDenied: Access Denied (s3://{bucket.name}/out/digits-1/output/)"
    )


def test_the_look_whether_results_can_be_written_is_by_their_key_and_leaves_nothing(
    pod: Any, bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="botocore.endpoint")
    output = {"S3OutputPath": f"s3://{bucket.name}/out", "KmsKeyId": "alias/mine"}
    pod.job(bucket.request(OutputDataConfig=output))
    assert pod.prepare() == 0
    assert bucket.keys() == []
    assert bucket.s3.list_multipart_uploads(Bucket=bucket.name).get("Uploads", []) == []
    assert "alias/mine" in caplog.text


def test_a_bucket_that_is_gone_when_training_has_ended_is_not_waited_for(pod: Any, bucket: Any) -> None:
    gone = f"{bucket.name}-gone"
    replace(bucket, name=gone).create()
    pod.job(bucket.request(OutputDataConfig={"S3OutputPath": f"s3://{gone}/out"}), uploadSeconds=10**9)
    assert pod.prepare() == 0
    bucket.s3.delete_bucket(Bucket=gone)
    pod.train(TRAINS)
    code, message = pod.accompany().end()
    assert code == 1
    assert message["failureReason"].startswith("ClientError: Data upload failed: NoSuchBucket: ")
    assert f"s3://{gone}/out/digits-1/output/model.tar.gz" in message["failureReason"]
    assert (message["stopped"], "model" in message) == ("", False)


def with_checkpoints(pod: Any, bucket: Any, door: Door, **members: Any) -> None:
    pod.endpoint_url = door.endpoint_url
    pod.job(bucket.request(CheckpointConfig={"S3Uri": f"s3://{bucket.name}/ckpt"}), **members)


def test_checkpoints_that_can_not_be_written_fail_the_job_before_training(pod: Any, bucket: Any, door: Door) -> None:
    with_checkpoints(pod, bucket, door)
    door.denies = (f"POST /{bucket.name}/ckpt/".encode(),)
    assert pod.prepare() == 1
    assert pod.message()["failureReason"] == (
        f"ClientError: Data upload failed: AccessDenied: Access Denied (s3://{bucket.name}/ckpt/)"
    )


def test_the_model_is_kept_where_the_checkpoints_can_not_be(pod: Any, bucket: Any, door: Door) -> None:
    with_checkpoints(pod, bucket, door, uploadSeconds=30)
    assert pod.prepare() == 0
    door.denies = (f"PUT /{bucket.name}/ckpt/".encode(),)
    pod.train(SAVES)
    code, message = pod.accompany().end()
    assert (code, message["failureReason"].endswith(f"(s3://{bucket.name}/ckpt/last)")) == (1, True)
    assert bucket.archive(f"s3://{bucket.name}/out/digits-1/output/model.tar.gz") == {"weights": "w"}


def test_of_two_failures_the_first_is_told(pod: Any, bucket: Any, door: Door) -> None:
    with_checkpoints(pod, bucket, door, uploadSeconds=30)
    assert pod.prepare() == 0
    door.denies = (f"PUT /{bucket.name}/".encode(),)
    pod.train(SAVES)
    code, message = pod.accompany().end()
    assert (code, message["failureReason"].endswith(f"(s3://{bucket.name}/ckpt/last)")) == (1, True)


def test_at_the_pods_end_an_upload_is_not_tried_for_long(pod: Any, bucket: Any, door: Door) -> None:
    with_checkpoints(pod, bucket, door, stopGraceSeconds=10, uploadSeconds=1_000_000)
    assert pod.prepare() == 0
    door.denies = (f"PUT /{bucket.name}/ckpt/".encode(),)
    pod.ml("checkpoints/last").write_text("c")
    pod.annotate(training_ended="143")
    pod.termination.request()
    code, message = pod.accompany().end()
    assert (code, message["stopped"]) == (1, "Terminated")
    assert message["failureReason"].startswith("ClientError: Data upload failed: AccessDenied")


def test_a_name_that_s3_can_not_have_keeps_no_other_file_from_it(
    pod: Any, bucket: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    output = {"S3OutputPath": f"s3://{bucket.name}/out", "CompressionType": "NONE"}
    checkpoints = {"S3Uri": f"s3://{bucket.name}/ckpt"}
    pod.job(bucket.request(OutputDataConfig=output, CheckpointConfig=checkpoints))
    pod.prepare()
    script = """
    for directory in (b"model", b"checkpoints"):
        for name in (b"a", b"b\\xff", b"c"):
            with open(directory + b"/" + name, "w") as file:
                file.write("w")
    """
    pod.train(script)
    assert pod.accompany().end()[0] == 0
    model = "out/digits-1/output/model"
    assert bucket.keys() == ["ckpt/a", "ckpt/c", f"{model}/a", f"{model}/c"]
    for directory in ("model", "checkpoints"):
        assert caplog.text.count(f"{directory}/b\\udcff' is not uploaded: its name is not UTF-8") == 1
