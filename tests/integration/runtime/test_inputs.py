"""Channels: what a script finds in its input directory."""

import gzip
import json
import struct
from typing import Any

import pytest
from sagebridge_local.runtime.run import OutcomeStatus

LIST_FILES = """
import json, os, pathlib
data = pathlib.Path(os.environ["SM_INPUT_DIR"], "data")
files = {str(p.relative_to(data)): p.read_text() for p in sorted(data.rglob("*")) if p.is_file()}
pathlib.Path(os.environ["SM_MODEL_DIR"], os.environ["SM_CURRENT_HOST"] + ".json").write_text(json.dumps(files))
"""

READ_PIPES = """
import json, os, pathlib
data = pathlib.Path(os.environ["SM_INPUT_DIR"], "data")
epochs = [(data / f"train_{epoch}").read_bytes().hex() for epoch in range(3)]
pathlib.Path(os.environ["SM_MODEL_DIR"], os.environ["SM_CURRENT_HOST"] + ".json").write_text(json.dumps(epochs))
"""
WAIT = """
import time
time.sleep(600)
"""


async def _found(bench: Any, request: Any, host: str = "algo-1", **options: Any) -> Any:
    outcome = await bench.run(request, **options)
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.failure_reason
    return json.loads(bench.archive(outcome.model_artifacts)[f"{host}.json"])


async def test_a_manifest_names_the_objects(bench: Any) -> None:
    bench.put("d/a.txt", "a")
    bench.put("d/sub/b.txt", "b")
    bench.put("d/c.txt", "c")
    manifest = [{"prefix": f"s3://{bench.bucket}/d/"}, "a.txt", "sub/b.txt"]
    bench.put("d.manifest", json.dumps(manifest))
    channel = bench.channel("train", "d.manifest", s3={"S3DataType": "ManifestFile"})
    files = await _found(bench, bench.script(LIST_FILES, InputDataConfig=[channel]))
    assert files == {"train/a.txt": "a", "train/sub/b.txt": "b"}


@pytest.mark.parametrize("mode", ["File", "FastFile"])
async def test_hosts_share_a_sharded_channel_and_replicate_the_other(bench: Any, mode: str) -> None:
    for name in "abcde":
        bench.put(f"shards/{name}", name)
    bench.put("all/x", "x")
    channels = [
        bench.channel("train", "shards/", s3={"S3DataDistributionType": "ShardedByS3Key"}, InputMode=mode),
        bench.channel("test", "all/", InputMode=mode),
    ]
    request = bench.script(
        LIST_FILES,
        InputDataConfig=channels,
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
    )
    outcome = await bench.run(request)
    model = bench.archive(outcome.model_artifacts)
    first, second = (json.loads(model[f"algo-{number}.json"]) for number in (1, 2))
    assert first == {"train/a": "a", "train/c": "c", "train/e": "e", "test/x": "x"}
    assert second == {"train/b": "b", "train/d": "d", "test/x": "x"}
    assert outcome.instance_count == 2


async def test_instance_groups_get_only_their_channels(bench: Any) -> None:
    bench.put("cpu/x", "x")
    bench.put("gpu/y", "y")
    request = bench.script(
        LIST_FILES,
        InputDataConfig=[
            bench.channel("cpu", "cpu/", s3={"InstanceGroupNames": ["cpu-group"]}),
            bench.channel("gpu", "gpu/", s3={"InstanceGroupNames": ["gpu-group"]}),
        ],
        ResourceConfig={
            "VolumeSizeInGB": 1,
            "InstanceGroups": [
                {"InstanceGroupName": "cpu-group", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
                {"InstanceGroupName": "gpu-group", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
            ],
        },
    )
    outcome = await bench.run(request)
    model = bench.archive(outcome.model_artifacts)
    assert [json.loads(model[f"algo-{number}.json"]) for number in (1, 2)] == [{"cpu/x": "x"}, {"gpu/y": "y"}]


async def test_pipes_bring_the_data_again_in_each_epoch(bench: Any) -> None:
    bench.put("d/1", b"first\n")
    bench.put("d/2", b"second\n" * 50_000)
    epochs = await _found(
        bench, bench.script(READ_PIPES, InputDataConfig=[bench.channel("train", "d/", InputMode="Pipe")])
    )
    assert [bytes.fromhex(each) for each in epochs] == [b"first\n" + b"second\n" * 50_000] * 3


async def test_pipes_unpack_and_wrap_and_shuffle(bench: Any) -> None:
    for name in ("alpha", "beta", "gamma", "delta"):
        bench.put(f"d/{name}", gzip.compress(name.encode()))
    channel = bench.channel(
        "train",
        "d/",
        InputMode="Pipe",
        CompressionType="Gzip",
        RecordWrapperType="RecordIO",
        ShuffleConfig={"Seed": 7},
    )
    epochs = await _found(bench, bench.script(READ_PIPES, InputDataConfig=[channel]))
    orders = [_records(bytes.fromhex(each)) for each in epochs]
    assert all(sorted(order) == [b"alpha", b"beta", b"delta", b"gamma"] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


async def test_an_augmented_manifest_streams_its_attributes_in_order(bench: Any) -> None:
    image = bench.put("img/1.png", b"\x89PNG")
    lines = [{"image-ref": image, "label": "1", "other": 5}, {"label": {"x": 1}, "image-ref": image}]
    bench.put("train.jsonl", "\n".join(json.dumps(line) for line in lines))
    channel = bench.channel(
        "train",
        "train.jsonl",
        s3={"S3DataType": "AugmentedManifestFile", "AttributeNames": ["image-ref", "label"]},
        InputMode="Pipe",
        RecordWrapperType="RecordIO",
    )
    epochs = await _found(bench, bench.script(READ_PIPES, InputDataConfig=[channel]))
    assert _records(bytes.fromhex(epochs[0])) == [b"\x89PNG", b"1", b"\x89PNG", b'{"x": 1}']


async def test_a_pipe_that_breaks_fails_the_job(bench: Any) -> None:
    bench.put("train.jsonl", json.dumps({"image-ref": f"s3://{bench.bucket}/not-there"}))
    channel = bench.channel(
        "train",
        "train.jsonl",
        s3={"S3DataType": "AugmentedManifestFile", "AttributeNames": ["image-ref"]},
        InputMode="Pipe",
    )
    outcome = await bench.run(bench.script(READ_PIPES + WAIT, InputDataConfig=[channel]))
    assert outcome.status is OutcomeStatus.FAILED
    assert outcome.failure_reason.startswith("ClientError: Data download failed: NoSuchKey")


async def test_file_systems_are_local_directories(bench: Any, tmp_path: Any) -> None:
    (tmp_path / "efs/team/digits").mkdir(parents=True)
    (tmp_path / "efs/team/digits/a.csv").write_text("1")
    source = {
        "FileSystemId": "fs-0123456789abcdef0",
        "FileSystemAccessMode": "ro",
        "FileSystemType": "EFS",
        "DirectoryPath": "/team/digits",
    }
    channel = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": source}}
    script = LIST_FILES.replace('data.rglob("*")', '(data / "train").iterdir()')
    request = bench.script(script, InputDataConfig=[channel])
    files = await _found(bench, request, file_systems={"fs-0123456789abcdef0": tmp_path / "efs"})
    assert files == {"train/a.csv": "1"}


@pytest.mark.parametrize(
    ("reason", "channel", "want"),
    [
        (
            "an empty prefix",
            {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://BUCKET/none/"}},
            'ClientError: Data download failed: No S3 objects found under S3 URL "s3://BUCKET/none/" given in',
        ),
        (
            "a bucket that is not there",
            {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://no-such-bucket-here/x"}},
            "ClientError: Data download failed: NoSuchBucket",
        ),
        (
            "a file system nobody mapped",
            {
                "FileSystemDataSource": {
                    "FileSystemId": "fs-12345678",
                    "FileSystemAccessMode": "ro",
                    "FileSystemType": "EFS",
                    "DirectoryPath": "/",
                }
            },
            "ClientError: Channel train: no local directory stands for the file system fs-12345678.",
        ),
        (
            "a manifest that is none",
            {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": "s3://BUCKET/bad.manifest"}},
            "ClientError: Data download failed: s3://BUCKET/bad.manifest is not a manifest",
        ),
        (
            "an augmented manifest in File mode",
            {"S3DataSource": {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://BUCKET/bad.manifest"}},
            "ClientError: Channel train: AugmentedManifestFile needs the input mode Pipe",
        ),
    ],
)
async def test_data_that_is_not_there_fails_the_job(bench: Any, reason: str, channel: Any, want: str) -> None:
    bench.put("bad.manifest", "{}")
    data_source = json.loads(json.dumps(channel).replace("BUCKET", bench.bucket))
    request = bench.script("", InputDataConfig=[{"ChannelName": "train", "DataSource": data_source}])
    outcome = await bench.run(request)
    assert outcome.status is OutcomeStatus.FAILED, reason
    assert outcome.failure_reason.startswith(want.replace("BUCKET", bench.bucket)), reason
    assert bench.statuses() == ["Downloading"], reason


def _records(stream: bytes) -> list[bytes]:
    found, position = [], 0
    while position < len(stream):
        magic, length = struct.unpack_from("<II", stream, position)
        assert magic == 0xCED7230A
        found.append(stream[position + 8 : position + 8 + length])
        position += 8 + length + (-length % 4)
    return found
