"""What a training container finds when it starts."""

import json
import stat
from typing import Any

import pytest

RESOURCES = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 30}


def channel(bucket: Any, name: str, key: str, *, s3: dict[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket.name}/{key}", **(s3 or {})}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **members}


def files(pod: Any, name: str) -> dict[str, str]:
    directory = pod.ml(f"input/data/{name}")
    found = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_text() for path in found}


def test_files_configuration_and_directories_for_anybody(pod: Any, bucket: Any) -> None:
    bucket.put("d/a", "1")
    bucket.put("d/deep/b", "2")
    request = bucket.request(
        InputDataConfig=[channel(bucket, "train", "d/"), channel(bucket, "fast", "d/a", InputMode="FastFile")],
        HyperParameters={"epochs": "3", "where": "/opt/ml/input/data/train"},
    )
    pod.job(request)
    assert pod.prepare() == 0
    assert (files(pod, "train"), files(pod, "fast")) == ({"a": "1", "deep/b": "2"}, {"a": "1"})
    config = pod.ml("input/config")
    assert json.loads((config / "hyperparameters.json").read_text()) == request["HyperParameters"]
    assert json.loads((config / "resourceconfig.json").read_text())["current_host"] == "digits-1-0"
    modes = {
        name: stat.S_IMODE(pod.ml(name).stat().st_mode) for name in ("model", "output", "output/data", "checkpoints")
    }
    assert set(modes.values()) == {0o777}
    assert pod.places.termination_log.read_text() == ""


def test_hosts_share_a_sharded_channel_by_rank(pods: list[Any], bucket: Any) -> None:
    for name in "abc":
        bucket.put(f"d/{name}", name)
    bucket.put("m", json.dumps([{"prefix": f"s3://{bucket.name}/d/"}, "c", "b"]))
    request = bucket.request(
        ResourceConfig=RESOURCES,
        InputDataConfig=[
            channel(bucket, "shard", "d/", s3={"S3DataDistributionType": "ShardedByS3Key"}),
            channel(bucket, "listed", "m", s3={"S3DataType": "ManifestFile"}),
        ],
    )
    for pod in pods:
        pod.job(request)
        assert pod.prepare() == 0
    assert [list(files(pod, "shard")) for pod in pods] == [["a", "c"], ["b"]]
    assert [list(files(pod, "listed")) for pod in pods] == [["b", "c"], ["b", "c"]]


def test_a_channel_that_is_a_volume_is_left_alone(pod: Any, bucket: Any) -> None:
    efs = {"FileSystemDataSource": {"FileSystemId": "fs-1", "DirectoryPath": "/"}}
    request = bucket.request(
        InputDataConfig=[
            {"ChannelName": "efs", "DataSource": efs},
            channel(bucket, "mounted", "nothing/", InputMode="FastFile"),
        ]
    )
    pod.job(request, mounted=["efs", "mounted"])
    assert pod.prepare() == 0
    assert list(pod.ml("input/data").iterdir()) == []


@pytest.mark.parametrize(
    ("reason", "members", "want"),
    [
        ("nothing there", {}, "ClientError: Data download failed: No S3 objects found under S3 URL"),
        ("pipes need a feeder", {"InputMode": "Pipe"}, "ClientError: Channel train: the input mode Pipe is not"),
        (
            "a file system that is no volume",
            {"DataSource": {"FileSystemDataSource": {"FileSystemId": "fs-1", "DirectoryPath": "/"}}},
            "ClientError: Channel train: its file system is not a volume of the pod",
        ),
        (
            "no such bucket",
            {"DataSource": {"S3DataSource": {"S3Uri": "s3://no-such-bucket/x"}}},
            "ClientError: Data download failed: NoSuchBucket: The specified bucket does not exist",
        ),
    ],
)
def test_data_that_is_not_to_be_had(pod: Any, bucket: Any, reason: str, members: dict[str, Any], want: str) -> None:
    pod.job(bucket.request(InputDataConfig=[channel(bucket, "train", "nothing/") | members]))
    assert pod.prepare() == 1, reason
    message = pod.message()
    assert list(message) == ["failureReason"]
    assert message["failureReason"].startswith(want)
    listed = 'the pod\'s service account "training" has "s3:ListBucket" permissions'
    assert (listed in message["failureReason"]) is ("No S3 objects found" in want), reason


@pytest.mark.parametrize(
    ("document", "want"),
    [
        ('{"version": 2}', "job.json has the version 2, this agent knows 1"),
        ('{"version": 1}', "job.json can't be read: KeyError: 'request'"),
        ("not JSON", "job.json can't be read: JSONDecodeError"),
    ],
)
@pytest.mark.parametrize("command", ["prepare", "accompany"])
def test_a_document_of_another_operator_is_refused(pod: Any, document: str, want: str, command: str) -> None:
    pod.places.job.write_text(document)
    assert pod._run(command) == 1
    assert want in pod.message()["failureReason"]
    assert pod.message()["failureReason"].startswith("InternalServerError: ")


def test_without_credentials_it_says_so(pod: Any, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    pod.endpoint_url = f"{bucket.endpoint_url}/"  # clients are shared: one of our own
    pod.job(bucket.request(InputDataConfig=[channel(bucket, "train", "d/")]))
    assert pod.prepare() == 1
    said = pod.message()["failureReason"]
    assert "Unable to locate credentials" in said
    assert 'the pod\'s service account "training" has no role' in said


def test_checkpoints_are_everybodys(pod: Any, bucket: Any) -> None:
    bucket.put("ckpt/deep/epoch-1", "old")
    pod.job(bucket.request(CheckpointConfig={"S3Uri": f"s3://{bucket.name}/ckpt"}))
    assert pod.prepare() == 0
    assert pod.ml("checkpoints/deep").stat().st_mode & 0o777 == 0o777
    assert pod.ml("checkpoints/deep/epoch-1").stat().st_mode & 0o666 == 0o666


def test_the_look_whether_checkpoints_can_be_written_leaves_nothing(pod: Any, bucket: Any) -> None:
    pod.job(bucket.request(CheckpointConfig={"S3Uri": f"s3://{bucket.name}/ckpt"}))
    assert pod.prepare() == 0
    assert bucket.keys() == []
    assert "Uploads" not in bucket.s3.list_multipart_uploads(Bucket=bucket.name)
