"""A step's process without a cluster: what it imports, and how it tells that it can't begin."""

import errno
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from sagebridge_kfp import run_on_sagemaker
from sagebridge_kfp.remote import step
from sagebridge_kfp.remote.store import Store
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import identify
from sagebridge_kfp.step.run import Outcome, Wanted

from .components import IMAGE, STAGING, WHERE, break_down

RESULTS = f"s3://{STAGING.split('/')[2]}/out/model.tar.gz"
OUTPUT = {"outputFile": "/tmp/kfp_outputs/output_metadata.json"}


def arguments(*, max_results_gb: int = 10, **outputs: Any) -> list[str]:
    """Those of a step of a component that gives on a number."""
    remote = run_on_sagemaker(break_down, **WHERE, max_results_gb=max_results_gb)
    container = remote.component_spec.implementation.container
    executor_input = {"inputs": {"parameterValues": {"number": 2}}, "outputs": {**OUTPUT, **outputs}}
    return [*container.command[3:], container.args[0], json.dumps(executor_input), *container.args[2:]]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=STAGING.split("/")[2])
        yield client


def leave(s3: Any, told: bytes) -> None:
    """Leave the results of a job on S3."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        member = tarfile.TarInfo("executor_output.json")
        member.size = len(told)
        archive.addfile(member, io.BytesIO(told))
    s3.put_object(Bucket=STAGING.split("/")[2], Key="out/model.tar.gz", Body=content.getvalue())


@pytest.fixture
def completed(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job that has left its results on S3; where the step is to leave what the executor has told."""
    leave(s3, b'{"parameterValues": {"Output": 0.5}}')
    status = {"modelArtifacts": {"s3ModelArtifacts": RESULTS}}
    monkeypatch.setattr(step, "run", lambda wanted: Outcome(name="a", namespace="team", body={"status": status}))
    return tmp_path / "run" / "task" / "output.json"


@pytest.fixture
def wanted(monkeypatch: pytest.MonkeyPatch) -> list[Wanted]:
    """What steps want, in the place of a cluster whose jobs fail."""
    asked: list[Wanted] = []

    def run(one: Wanted) -> Outcome:
        asked.append(one)
        raise StepFailedError("TrainingJob break-down has failed: no capacity")

    monkeypatch.setattr(step, "run", run)
    return asked


def test_it_imports_no_compiler() -> None:
    program = (
        "import sys, sagebridge_kfp.remote.step, kfp.dsl; "
        "print(*sys.modules.keys() & {'google.protobuf', 'kfp_server_api', 'docstring_parser', 'kopf'})"
    )

    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "_KFP_RUNTIME": "true"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.strip() == ""


def test_each_pod_of_a_step_wants_the_same_and_each_step_its_own(
    s3: Any, wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [("run", "wf.root.a.executor(0)"), ("run", "wf.root.a.executor(1)"), ("run", "wf.root.b.executor(0)")]
    for run, node in places:
        monkeypatch.setenv("SAGEBRIDGE_RUN_ID", run)
        monkeypatch.setenv("SAGEBRIDGE_NODE_NAME", node)
        assert step.main(arguments()) == 1

    first, again, other = (one.spec for one in wanted)
    assert first == again
    assert first["outputDataConfig"] != other["outputDataConfig"]
    assert [one.kind for one in wanted] == ["TrainingJob"] * 3
    assert {one.readable for one in wanted} == {"break-down"}
    assert first["algorithmSpecification"]["trainingImage"] == IMAGE


@pytest.mark.usefixtures("s3", "wanted")
def test_a_failure_is_told_in_its_own_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert step.main(arguments(outputFile=str(tmp_path / "run" / "task" / "output.json"))) == 1

    assert capsys.readouterr().err == "TrainingJob break-down has failed: no capacity\n"


@pytest.mark.usefixtures("s3")
def test_the_place_of_its_output_tells_a_step_whose_variables_are_lost(
    wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "pod")
    files = [f"/minio/mlpipeline/v2/forest/{run}/fit/salt/output_metadata.json" for run in ("r1", "r1", "r2")]

    assert [step.main(arguments(outputFile=file)) for file in files] == [1, 1, 1]

    first, again, other = wanted
    assert first.spec == again.spec != other.spec
    assert identify({}, output_uri=first.output_uri).run == "r1"


@pytest.mark.usefixtures("s3")
def test_in_a_pod_that_nothing_tells_from_others_nothing_is_made(
    wanted: list[Wanted], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KFP_POD_NAME", "pod")

    assert step.main(arguments()) == 1
    assert "Nothing tells which step of which run this is" in capsys.readouterr().err
    assert wanted == []


def test_what_a_job_has_left_comes_back(completed: Path) -> None:
    assert step.main(arguments(outputFile=str(completed))) == 0

    assert json.loads(completed.read_text()) == {"parameterValues": {"Output": 0.5}}


def test_more_than_a_step_takes_is_left_on_s3(
    completed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Store, "size", lambda self, uri: (3 << 30) + 1)
    monkeypatch.setattr(Store, "download", lambda self, uri, file: pytest.fail("it is brought to the node's disk"))

    assert step.main(arguments(max_results_gb=3, outputFile=str(completed))) == 1

    assert f"more than the 3 GB that the step takes (max_results_gb). They are in {RESULTS}" in capsys.readouterr().err


def test_a_full_disk_is_told_with_where_the_results_are(
    completed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def download(self: Store, uri: str, file: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Store, "download", download)

    assert step.main(arguments(outputFile=str(completed))) == 1

    told = capsys.readouterr().err
    assert told == f"The job's results, which are in {RESULTS}, can't be brought back: [Errno 28] {os.strerror(28)}\n"


def test_results_that_are_no_json_are_told(s3: Any, completed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    leave(s3, b"not JSON")

    assert step.main(arguments(outputFile=str(completed))) == 1

    assert capsys.readouterr().err.startswith(f"The job's results, which are in {RESULTS}, can't be brought back: ")


@pytest.mark.usefixtures("s3")
def test_with_more_room_a_step_on_a_laptop_takes_what_the_same_job_has_left(
    wanted: list[Wanted], tmp_path: Path
) -> None:
    output = {"outputFile": str(tmp_path / "run" / "task" / "output.json")}

    assert [step.main(arguments(max_results_gb=most, **output)) for most in (1, 20)] == [1, 1]

    first, again = wanted
    assert first.spec == again.spec
