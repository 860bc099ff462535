"""A step's process without a cluster: what it imports, and how it tells that it can't begin."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from sagebridge_kfp import run_on_sagemaker
from sagebridge_kfp.remote import step
from sagebridge_kfp.step.failure import StepFailedError
from sagebridge_kfp.step.identity import identify
from sagebridge_kfp.step.run import Outcome, Wanted

from .components import IMAGE, STAGING, WHERE, break_down

OUTPUT = {"outputFile": "/tmp/kfp_outputs/output_metadata.json"}


def arguments(**outputs: Any) -> list[str]:
    """Those of a step of a component that gives on a number."""
    container = run_on_sagemaker(break_down, **WHERE).component_spec.implementation.container
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
