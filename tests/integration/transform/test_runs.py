"""Transform jobs that really run: real objects, through a real model server."""

import gzip
import json
import re

import pytest
from support.waiting import eventually

JOINED = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}


def test_every_object_gets_its_output(transforms):
    transforms.make_model()
    transforms.put(**{"a.csv": b"1,2\n3,4\n", "deep/b.csv": b"5,6\n"})
    described = transforms.run(target={"Accept": "text/csv"})
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert transforms.objects() == {"a.csv.out": b"6.0\n14.0\n", "deep/b.csv.out": b"22.0\n"}
    assert described["TransformStartTime"] <= described["TransformEndTime"]


def test_a_csv_is_joined_with_its_predictions(transforms):
    transforms.make_model()
    transforms.put(**{"rows.csv": b"id-1,1,2\nid-2,3,4\n"})
    described = transforms.run(DataProcessing=JOINED, target={"Accept": "text/csv"})
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert transforms.objects() == {"rows.csv.out": b"id-1,6.0\nid-2,14.0\n"}


def test_rows_go_one_by_one_side_by_side_and_come_in_order(transforms):
    transforms.make_model()
    rows = list(range(40))
    transforms.put(**{"rows.csv": "\n".join(map(str, rows)).encode()})
    described = transforms.run(BatchStrategy="SingleRecord", MaxConcurrentTransforms=8)
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert transforms.objects()["rows.csv.out"].decode().split() == [str(2.0 * row) for row in rows]


def test_a_manifest_of_gzipped_objects(transforms):
    transforms.make_model()
    transforms.put(**{"a.csv.gz": gzip.compress(b"1,2\n"), "other.csv.gz": b"not listed"})
    prefix = f"s3://bucket/{transforms.name}/in/"
    transforms.put(manifest=json.dumps([{"prefix": prefix}, "a.csv.gz"]).encode())
    where = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": f"{prefix}manifest"}}
    described = transforms.run(source={"DataSource": where, "CompressionType": "Gzip"})
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert transforms.objects() == {"a.csv.gz.out": b"6.0\n"}


def test_data_capture_says_where_the_data_lies(transforms):
    transforms.make_model()
    transforms.put(**{"a.csv": b"1,2\n"})
    destination = f"s3://bucket/{transforms.name}/captured"
    capture = {"DestinationS3Uri": destination, "GenerateInferenceId": True}
    described = transforms.run(DataCaptureConfig=capture, target={"Accept": "text/csv"})
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    captured = transforms.objects("captured/")
    manifests = {re.sub(r"\d{4}/\d{2}/\d{2}/\d{2}", "HOUR", key): json.loads(body) for key, body in captured.items()}
    assert manifests == {
        f"input/HOUR/{transforms.name}.jsonl": [{"prefix": f"s3://bucket/{transforms.name}/in/"}, "a.csv"],
        f"output/HOUR/{transforms.name}.jsonl": [{"prefix": f"s3://bucket/{transforms.name}/out/"}, "a.csv.out"],
    }
    assert re.fullmatch(rb"6\.0,[0-9a-f-]{36},\d{4}-.*Z\n", transforms.objects()["a.csv.out"])


def test_one_bad_object_fails_the_job_and_leaves_the_others_their_outputs(transforms):
    transforms.make_model()
    transforms.put(**{"a.csv": b"1,2\n", "b.csv": b"bad\n", "c.csv": b"3\n"})
    described = transforms.run(ModelClientConfig={"InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 30})
    assert described["TransformJobStatus"] == "Failed"
    reason = described["FailureReason"]
    assert reason.startswith("AlgorithmError: See job logs for more information: ")
    assert f"bucket/{transforms.name}/in/b.csv: Bad HTTP status received from algorithm: 500" in reason
    assert transforms.objects() == {"a.csv.out": b"6.0\n", "c.csv.out": b"6.0\n"}
    streams = transforms.logs()
    [data] = [text for stream, text in streams.items() if stream.endswith("/data-log")]
    assert "b.csv: Bad HTTP status received from algorithm: 500" in data
    assert any("these are no numbers" in text for stream, text in streams.items() if "data-log" not in stream)


FLAKY = """
import os


def model_fn(model_dir):
    return {"asked": 0}


def transform_fn(model, body, content_type, accept):
    model["asked"] += 1
    if model["asked"] <= int(os.environ["FAILS"]):
        raise ValueError("not yet")
    return f"answer {model['asked']}", "text/csv"
"""


@pytest.mark.parametrize(
    ("retries", "status", "outputs"),
    [(2, "Completed", {"a.csv.out": b"answer 3\n"}), (1, "Failed", {})],
)
def test_a_model_that_fails_is_asked_again_as_often_as_the_client_may(transforms, retries, status, outputs):
    transforms.make_model(inference=FLAKY)
    transforms.put(**{"a.csv": b"1\n"})
    client = {"InvocationsMaxRetries": retries, "InvocationsTimeoutInSeconds": 30}
    described = transforms.run(ModelClientConfig=client, Environment={"FAILS": "2"})
    assert described["TransformJobStatus"] == status, described.get("FailureReason")
    assert transforms.objects() == outputs


def test_a_model_that_takes_longer_than_the_client_waits_fails(transforms):
    transforms.make_model(inference=SLOW)
    transforms.put(**{"a.csv": b"1\n"})
    described = transforms.run(ModelClientConfig={"InvocationsMaxRetries": 0, "InvocationsTimeoutInSeconds": 1})
    assert described["TransformJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("AlgorithmError: ")
    assert f"bucket/{transforms.name}/in/a.csv" in described["FailureReason"]


CROWDED = """
import os
import threading
import time

lock = threading.Lock()
crowd = threading.Barrier(int(os.environ["CROWD"]))
now = most = 0


def model_fn(model_dir):
    return None


def transform_fn(model, body, content_type, accept):
    global now, most
    with lock:
        now += 1
        most = max(most, now)
    crowd.wait()  # so many are there at once
    time.sleep(0.1)  # and one more would be seen
    with lock:
        now -= 1
    return str(most), "text/csv"
"""


@pytest.mark.parametrize("asked", [1, 3])
def test_no_more_requests_are_under_way_than_the_job_asks_for(transforms, asked):
    transforms.make_model(inference=CROWDED)
    transforms.put(**{"rows.csv": b"1\n" * 12})
    described = transforms.run(
        BatchStrategy="SingleRecord", MaxConcurrentTransforms=asked, Environment={"CROWD": str(asked)}
    )
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    assert max(int(row) for row in transforms.objects()["rows.csv.out"].split()) == asked


def test_a_record_that_is_too_long_fails_as_the_clients_fault(transforms):
    transforms.make_model()
    transforms.put(**{"a.csv": b"1," * 600_000 + b"1\n"})
    described = transforms.run(MaxPayloadInMB=1)
    assert described["TransformJobStatus"] == "Failed"
    assert "ClientError" in described["FailureReason"]
    assert "Too much data for max payload size" in described["FailureReason"]


def test_predictions_that_can_not_be_joined_fail_as_the_clients_fault(transforms):
    transforms.make_model()
    transforms.put(**{"a.csv": b"1,2\n"})
    described = transforms.run(
        DataProcessing={"JoinSource": "Input", "OutputFilter": "$[9]"}, target={"Accept": "text/csv"}
    )
    assert described["FailureReason"].startswith("ClientError: ")
    assert "index 9" in described["FailureReason"]
    assert transforms.objects() == {}


def test_nothing_to_transform_is_a_failure(transforms):
    transforms.make_model()
    described = transforms.run()
    assert described["TransformJobStatus"] == "Failed"
    assert "No S3 objects found under S3 URL" in described["FailureReason"]


def test_a_model_that_does_not_start_is_a_failure_with_its_words(transforms):
    transforms.make_model(image="broken:1")
    transforms.put(**{"a.csv": b"1\n"})
    described = transforms.run()
    assert described["TransformJobStatus"] == "Failed"
    assert "did not pass the ping health check" in described["FailureReason"]


SLOW = """
import time


def model_fn(model_dir):
    return None


def transform_fn(model, body, content_type, accept):
    time.sleep(600)
"""


def test_a_job_is_stopped_with_its_model_server(transforms, client):
    transforms.make_model(inference=SLOW)
    transforms.put(**{"a.csv": b"1\n"})
    transforms.start()
    eventually(lambda: any("/data-log" not in stream for stream in _streams(transforms)), what="the model's log")
    client.stop_transform_job(TransformJobName=transforms.name)
    described = transforms.ended()
    assert described["TransformJobStatus"] == "Stopped"
    assert "FailureReason" not in described
    assert transforms.objects() == {}


def _streams(transforms):
    try:
        return transforms.logs()
    except transforms._logs.exceptions.ResourceNotFoundException:
        return {}
