"""What the container of a processing job finds when it starts."""

import json
import stat
from typing import Any

import pytest

from .processing import request, result, source


def files(pod: Any, name: str) -> dict[str, str]:
    directory = pod.ml(f"processing/{name}")
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_text() for path in found}


def mode(pod: Any, path: str) -> int:
    return stat.S_IMODE(pod.ml(path).stat().st_mode)


DATASET = {"InputName": "table", "DatasetDefinition": {"LocalPath": "/opt/ml/processing/table"}}


@pytest.mark.parametrize(
    ("reason", "item", "want"),
    [
        ("nothing there", {}, "Data download failed: No S3 objects found under S3 URL"),
        ("pipes need a feeder", {"S3InputMode": "Pipe"}, "Input data: the input mode Pipe is not available on the"),
        ("elsewhere", {"LocalPath": "/opt/ml/model"}, "/opt/ml/model is not below /opt/ml/processing"),
        (
            "upwards",
            {"LocalPath": "/opt/ml/processing/../x"},
            "/opt/ml/x is not below /opt/ml/processing",
        ),
        ("no such bucket", {"S3Uri": "s3://no-such-bucket/x"}, "Data download failed: NoSuchBucket: "),
        ("no manifest", {"S3Uri": "listed", "S3DataType": "ManifestFile"}, "Data download failed: s3://"),
    ],
)
def test_data_that_is_not_to_be_had(pod: Any, bucket: Any, reason: str, item: dict[str, Any], want: str) -> None:
    if item.get("S3Uri") == "listed":
        item = item | {"S3Uri": bucket.put("listed", "{}")}
    pod.processing_job(request(inputs=[source(bucket, "data", "nothing/", **item)]))
    assert pod.prepare() == 1, reason
    message = pod.message()
    assert list(message) == ["failureReason"]
    assert message["failureReason"].startswith(f"ClientError: {want}")
    listed = 'the pod\'s service account "processing" has "s3:ListBucket" permissions'
    assert (listed in message["failureReason"]) is ("No S3 objects found" in want), reason


def test_a_dataset_definition_is_refused(pod: Any) -> None:
    pod.processing_job(request(inputs=[DATASET]))
    assert pod.prepare() == 1
    assert pod.message()["failureReason"].startswith("ClientError: Input table: the cluster has no Athena or Redshift")


@pytest.mark.parametrize(
    ("reason", "members", "want"),
    [
        ("no such bucket", {"S3Uri": "s3://no-such-bucket/out"}, "ClientError: Data upload failed: NoSuchBucket: "),
        ("no URI", {"S3Uri": "out"}, "ClientError: 'out' is not an S3 URI"),
        ("elsewhere", {"LocalPath": "/opt/ml/model"}, "ClientError: /opt/ml/model is not below /opt/ml/processing"),
    ],
)
def test_an_output_that_could_not_be_taken_fails_the_job_before_it_costs_hours(
    pod: Any, bucket: Any, reason: str, members: dict[str, Any], want: str
) -> None:
    pod.processing_job(request(outputs=[result(bucket, "result"), result(bucket, "lost", **members)]))
    assert pod.prepare() == 1, reason
    assert list(pod.message()) == ["failureReason"]
    assert pod.message()["failureReason"].startswith(want)


def test_a_file_whose_name_is_the_place_of_another_input(pod: Any, bucket: Any) -> None:
    bucket.put("d/x", "data")
    inputs = [source(bucket, "data", "d/"), source(bucket, "data/x/deep", "d/")]
    pod.processing_job(request(inputs=inputs))
    assert pod.prepare() == 1
    assert pod.message()["failureReason"].startswith("ClientError: Data download failed: channel data: ")


def test_without_credentials_it_says_so(pod: Any, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    pod.endpoint_url = f"{bucket.endpoint_url}/"  # clients are shared: one of our own
    pod.processing_job(request(inputs=[source(bucket, "data", "d/")]))
    assert pod.prepare() == 1
    assert 'the pod\'s service account "processing" has no role' in pod.message()["failureReason"]


@pytest.mark.parametrize(
    ("document", "want"),
    [
        ('{"version": 2}', "job.json has the version 2, this agent knows 1"),
        ('{"version": 1}', "job.json can't be read: KeyError: 'request'"),
        ("not JSON", "job.json can't be read: JSONDecodeError"),
    ],
)
@pytest.mark.parametrize("command", ["prepare-processing", "accompany-processing"])
def test_a_document_of_another_operator_is_refused(pod: Any, document: str, want: str, command: str) -> None:
    pod.places.job.write_text(document)
    assert pod._run(command) == 1
    assert want in pod.message()["failureReason"]


def test_inputs_configuration_and_directories_for_anybody(pod: Any, bucket: Any) -> None:
    bucket.put("d/a", "1")
    bucket.put("d/deep/b", "2")
    inputs = [source(bucket, "data", "d/"), source(bucket, "deep/one/", "d/a")]
    outputs = [result(bucket, "result"), result(bucket, "result/deep", mode="Continuous")]
    asked = request(inputs=inputs, outputs=outputs, Environment={"MODE": "fast"})
    pod.processing_job(asked)
    assert pod.prepare() == 0
    assert (files(pod, "data"), files(pod, "deep/one")) == ({"a": "1", "deep/b": "2"}, {"a": "1"})
    config = pod.ml("config")
    told = json.loads((config / "processingjobconfig.json").read_text())
    arn = "arn:aws:sagebridge:us-west-2:123456789012:processing-job/split-1"
    assert told == asked | {"ProcessingJobArn": arn}
    hosts = {"current_host": "split-1-0", "hosts": ["split-1-0"]}
    assert json.loads((config / "resourceconfig.json").read_text()) == hosts
    open_to_all = ("", "/data", "/data/deep", "/deep", "/deep/one", "/result", "/result/deep")
    assert {mode(pod, path) for path in ("output", *(f"processing{each}" for each in open_to_all))} == {0o777}
    assert mode(pod, "processing/data/deep/b") & 0o666 == 0o666
    assert pod.places.termination_log.read_text() == ""
    assert bucket.keys() == ["d/a", "d/deep/b"]  # the look whether outputs can be written leaves nothing


def test_what_the_container_manages_has_a_place_and_nothing_else(pod: Any, bucket: Any) -> None:
    lost = {"S3Uri": "s3://no-such-bucket/x"}
    own = source(bucket, "own", "nothing/", **lost) | {"AppManaged": True}
    kept = result(bucket, "kept", **lost) | {"AppManaged": True}
    features = {"OutputName": "features", "FeatureStoreOutput": {"FeatureGroupName": "f"}, "AppManaged": True}
    pod.processing_job(request(inputs=[own], outputs=[kept, features]))
    assert pod.prepare() == 0, pod.places.termination_log.read_text()
    assert sorted(each.name for each in pod.ml("processing").iterdir()) == ["kept", "own"]
    assert mode(pod, "processing/kept") == 0o777


def test_hosts_share_a_sharded_input_by_rank(pods: list[Any], bucket: Any) -> None:
    for name in "abc":
        bucket.put(f"d/{name}", name)
    bucket.put("m", json.dumps([{"prefix": f"s3://{bucket.name}/d/"}, "c", "b"]))
    inputs = [
        source(bucket, "shard", "d/", S3DataDistributionType="ShardedByS3Key"),
        source(bucket, "whole", "d/", S3DataDistributionType="FullyReplicated"),
        source(bucket, "listed", "m", S3DataType="ManifestFile"),
    ]
    for pod in pods:
        pod.processing_job(request(inputs=inputs, count=2))
        assert pod.prepare() == 0
    assert [list(files(pod, "shard")) for pod in pods] == [["a", "c"], ["b"]]
    assert [list(files(pod, "whole")) for pod in pods] == [["a", "b", "c"]] * 2
    assert [list(files(pod, "listed")) for pod in pods] == [["b", "c"]] * 2
    told = [json.loads(pod.ml("config/resourceconfig.json").read_text()) for pod in pods]
    assert [each["current_host"] for each in told] == told[0]["hosts"] == ["split-1-0", "split-1-1"]


def test_a_job_without_inputs_and_outputs(pod: Any) -> None:
    pod.processing_job(request())
    assert pod.prepare() == 0
    assert mode(pod, "processing") == 0o777
