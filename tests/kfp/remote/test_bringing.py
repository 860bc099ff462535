"""What a step brings to S3 before its job begins, and which channels the job gets."""

import contextlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from sagebridge.core.cluster import refusals as training
from sagebridge.core.cluster.processing import refusals as processing
from sagebridge.core.errors import NotAllowedError
from sagebridge.core.tenancy.checks import check_s3_uris
from sagebridge.core.tenancy.tenant import Tenant
from sagebridge_kfp import run_on_sagemaker
from sagebridge_kfp.remote.bringing import bring, packed_kfp
from sagebridge_kfp.remote.call import local_path
from sagebridge_kfp.remote.command import Command
from sagebridge_kfp.remote.places import Channel, Prefix
from sagebridge_kfp.remote.spec import remote_spec
from sagebridge_kfp.remote.store import Store
from sagebridge_kfp.step.failure import StepFailedError

from .components import IMAGE, WHERE, fit

PREFIX = Prefix(uri="s3://staging/kfp/fit/abc")
CODE = "kfp/fit/abc/in/"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    with mock_aws():
        for bucket in ("staging", "root"):
            boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=bucket)
        yield Store.connect("us-east-1")


def content() -> dict[str, bytes]:
    """What is in the staging bucket, by key."""
    s3 = boto3.client("s3", region_name="us-east-1")
    listed = s3.list_objects_v2(Bucket="staging").get("Contents", [])
    return {each["Key"]: s3.get_object(Bucket="staging", Key=each["Key"])["Body"].read() for each in listed}


def command(*uris: str, **settings: Any) -> Command:
    """A call with a list of input artifacts."""
    artifacts = [{"name": "a", "uri": uri, "metadata": {"n": 1}} for uri in uris]
    remote = run_on_sagemaker(fit, **{**WHERE, **settings})
    executor_input = {
        "inputs": {"parameterValues": {"epochs": 10.0}, "artifacts": {"data": {"artifacts": artifacts}}},
        "outputs": {
            "artifacts": {"model": {"artifacts": [{"name": "model", "uri": "minio://mlpipeline/v2/x/model"}]}},
            "parameters": {"accuracy": {"outputFile": "/tmp/kfp/outputs/accuracy"}},
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }
    return Command(settings=remote.settings, words=("sh", "{{$}}"), executor_input=executor_input)


def called() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(content()[f"{CODE}call.json"])
    return told


def places() -> list[str]:
    return [each["uri"] for each in called()["executor_input"]["inputs"]["artifacts"]["data"]["artifacts"]]


def test_the_call_is_that_of_the_pod_at_other_places(store: Store) -> None:
    assert bring(command("minio://mlpipeline/v2/nothing"), prefix=PREFIX, store=store) == []

    told = called()
    assert (told["job"], told["words"]) == ("Training", ["sh", "{{$}}"])
    assert told["executor_input"]["inputs"]["parameterValues"] == {"epochs": 10.0}
    assert told["executor_input"]["outputs"] == {
        "artifacts": {"model": {"artifacts": [{"name": "model", "uri": "artifacts/model"}]}},
        "parameters": {"accuracy": {"outputFile": "parameters/accuracy"}},
        "outputFile": "executor_output.json",
    }


def test_what_is_not_on_s3_is_copied(store: Store, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("1,2")
    (tmp_path / "images" / "cats").mkdir(parents=True)
    (tmp_path / "images" / "cats" / "tom.png").write_text("tom")
    given = command(str(tmp_path / "table.csv"), str(tmp_path / "images"), str(tmp_path / "never-written"))

    assert bring(given, prefix=PREFIX, store=store) == []
    assert places() == [
        "sagebridge/artifacts/0/table.csv",
        "sagebridge/artifacts/1/images",
        "sagebridge/artifacts/2/never-written",
    ]
    copied = {key.removeprefix(f"{CODE}artifacts/"): data for key, data in content().items() if "artifacts/" in key}
    assert copied == {"0/table.csv": b"1,2", "1/images/cats/tom.png": b"tom"}


def test_what_is_on_s3_is_read_where_it_is(store: Store) -> None:
    store.put("s3://root/run/table.csv", b"1,2")
    store.put("s3://root/run/images/tom.png", b"tom")

    channels = bring(command("s3://root/run/table.csv", "s3://root/run/images"), prefix=PREFIX, store=store)

    assert channels == [
        Channel(name="artifact-0", uri="s3://staging/kfp/fit/abc/manifests/0.json", is_manifest=True),
        Channel(name="artifact-1", uri="s3://root/run/images/"),
    ]
    assert places() == ["artifact-0/table.csv", "artifact-1"]
    assert json.loads(content()["kfp/fit/abc/manifests/0.json"]) == [{"prefix": "s3://root/run/"}, "table.csv"]
    assert not [key for key in content() if "/artifacts/" in key]


def test_it_is_copied_where_the_jobs_role_may_not_read_it(store: Store) -> None:
    store.put("s3://root/run/table.csv", b"1,2")
    store.put("s3://root/run/images/cats/tom.png", b"tom")
    given = command("s3://root/run/table.csv", "s3://root/run/images", copy_inputs=True)

    assert bring(given, prefix=PREFIX, store=store) == []
    copied = {key.removeprefix(f"{CODE}artifacts/"): data for key, data in content().items() if "artifacts/" in key}
    assert copied == {"0/table.csv": b"1,2", "1/images/cats/tom.png": b"tom"}


def test_what_was_never_written_is_no_channel(store: Store) -> None:
    assert bring(command("s3://root/run/nothing", "s3://nowhere/a"), prefix=PREFIX, store=store) == []
    assert places() == ["sagebridge/artifacts/0/nothing", "sagebridge/artifacts/1/a"]


@pytest.mark.parametrize(("job", "most"), [("Training", 20), ("Processing", 10)])
def test_a_job_has_no_more_channels_than_it_may(store: Store, job: str, most: int) -> None:
    uris = [f"s3://root/run/{number}" for number in range(25)]
    for uri in uris:
        store.put(uri, uri.encode())

    channels = bring(command(*uris, job=job), prefix=PREFIX, store=store)

    assert len(channels) == most - 1, "the code is one"
    assert [place.split("/")[0] for place in places()] == [
        *(f"artifact-{number}" for number in range(most - 1)),
        *["sagebridge"] * (26 - most),
    ]
    assert content()[f"{CODE}artifacts/24/24"] == b"s3://root/run/24"


def test_kfp_that_is_brought_runs_components_by_itself(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed_kfp())) as archive:
        archive.extractall(tmp_path)
    program = "import kfp.dsl.executor_main, importlib.metadata; print(importlib.metadata.version('kfp'))"

    # Without what is installed here.
    told = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": str(tmp_path), "_KFP_RUNTIME": "true"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.stdout.startswith("2."), told.stderr
    assert len(packed_kfp()) < 500_000, "it is brought with each step"


def test_a_step_without_credentials_says_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))

    with pytest.raises(StepFailedError, match=r"may not read or write s3://.*\n?.*IRSA or EKS Pod Identity"):
        bring(command(), prefix=PREFIX, store=Store.connect("us-east-1"))


def test_half_of_the_credentials_are_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)

    with pytest.raises(StepFailedError, match=r"missing: AWS_SECRET_ACCESS_KEY.*use_secret_as_env"):
        Store.connect("us-east-1")


def test_a_bucket_that_is_not_there_is_told(store: Store) -> None:
    with pytest.raises(StepFailedError, match=r"s3://nowhere/a can't be read or written: .*NoSuchBucket"):
        store.put("s3://nowhere/a", b"")


@pytest.mark.parametrize(
    ("job", "wanted"),
    [
        (
            "Training",
            {
                "target": "SageMaker",
                "algorithmSpecification": {
                    "trainingImage": IMAGE,
                    "containerEntrypoint": ["python3", "/opt/ml/input/data/sagebridge/bootstrap.py"],
                    "trainingInputMode": "File",
                },
                "inputDataConfig": [
                    {
                        "channelName": "sagebridge",
                        "dataSource": {
                            "s3DataSource": {"s3DataType": "S3Prefix", "s3Uri": "s3://staging/kfp/fit/abc/in/"}
                        },
                    },
                    {
                        "channelName": "artifact-0",
                        "dataSource": {"s3DataSource": {"s3DataType": "ManifestFile", "s3Uri": "s3://staging/m.json"}},
                    },
                ],
                "outputDataConfig": {"s3OutputPath": "s3://staging/kfp/fit/abc/out"},
                "resourceConfig": {"instanceType": "ml.m5.large", "instanceCount": 1},
                "environment": {"LEVEL": "7"},
            },
        ),
        (
            "Processing",
            {
                "target": "SageMaker",
                "appSpecification": {
                    "imageUri": IMAGE,
                    "containerEntrypoint": ["python3", "/opt/ml/processing/input/sagebridge/bootstrap.py"],
                },
                "processingInputs": [
                    {
                        "inputName": "sagebridge",
                        "s3Input": {"s3DataType": "S3Prefix", "s3Uri": "s3://staging/kfp/fit/abc/in/"},
                    },
                    {
                        "inputName": "artifact-0",
                        "s3Input": {"s3DataType": "ManifestFile", "s3Uri": "s3://staging/m.json"},
                    },
                ],
                "processingOutputConfig": {
                    "outputs": [{"outputName": "result", "s3Output": {"s3Uri": "s3://staging/kfp/fit/abc/out"}}]
                },
                "processingResources": {"clusterConfig": {"instanceType": "ml.m5.large", "instanceCount": 1}},
                "environment": {"LEVEL": "7"},
            },
        ),
    ],
)
def test_the_spec(job: str, wanted: dict[str, Any]) -> None:
    settings = run_on_sagemaker(fit, **WHERE, job=job, environment={"LEVEL": 7.0}).settings
    channel = Channel(name="artifact-0", uri="s3://staging/m.json", is_manifest=True)

    assert remote_spec(settings, prefix=PREFIX, channels=[channel]) == wanted


@pytest.mark.parametrize("job", ["Training", "Processing"])
@pytest.mark.parametrize(("allowed", "is_allowed"), [("s3://staging/kfp", True), ("s3://staging/kf", False)])
def test_a_policy_that_allows_the_staging_prefix_allows_the_spec(job: str, allowed: str, is_allowed: bool) -> None:
    tenant = Tenant(
        regions=None,
        default_region="us-east-1",
        default_role=None,
        allowed_roles=(),
        default_bucket=None,
        allowed_prefixes=(allowed,),
    )
    settings = run_on_sagemaker(fit, **WHERE, job=job).settings
    channel = Channel(name="artifact-0", uri=PREFIX.manifest(0), is_manifest=True)
    spec = remote_spec(settings, prefix=PREFIX, channels=[channel])

    with contextlib.nullcontext() if is_allowed else pytest.raises(NotAllowedError):
        check_s3_uris(tenant, spec)


def test_what_no_pod_has_as_a_file_is_given_by_its_uri(store: Store) -> None:
    assert bring(command("https://example.com/table.csv"), prefix=PREFIX, store=store) == []

    assert places() == ["https://example.com/table.csv"]


@pytest.mark.parametrize("told", [{}, {"type": {"instanceSchema": ""}}, {"type": {"schemaTitle": "system.Model"}}])
def test_a_model_that_is_an_image_lies_where_the_launcher_has_it(told: dict[str, Any]) -> None:
    """The launcher says of no input what it is."""
    artifact = {"uri": "oci://registry.example.com/llm:1", **told}

    assert local_path(artifact) == Path("/oci/registry.example.com_llm:1/models")


@pytest.mark.parametrize(("job", "check"), [("Training", training.check), ("Processing", processing.check)])
def test_the_cluster_takes_the_spec(job: str, check: Callable[[dict[str, Any]], None]) -> None:
    where = {**WHERE, "target": "Cluster", "cluster": {"serviceAccountName": "training"}}
    settings = run_on_sagemaker(fit, job=job, **where).settings
    spec = remote_spec(settings, prefix=PREFIX, channels=[Channel(name="artifact-0", uri="s3://a/b", is_manifest=True)])

    check(spec)

    assert (spec["target"], spec["cluster"]) == ("Cluster", {"serviceAccountName": "training"})
