"""kfp.local runs the components: as far as their inputs here, where nothing is that they could make an object in."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl, local
from kfp.local import config, executor_input_utils
from sagebridge_kfp import DeleteOp, InvokeEndpointOp, TrainingJobOp
from sagebridge_kfp.last_word import end_plainly
from sagebridge_kfp.local import init
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.step.failure import StepFailedError


@pytest.fixture(autouse=True)
def subprocesses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.LocalExecutionConfig, "instance", None)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path))


@dsl.pipeline(name="train")
def train(where: str) -> None:
    TrainingJobOp(algorithm="xgboost", instance_type="ml.m5.large", channels={"train": where})


def test_a_component_by_itself(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="'delete'"):
        DeleteOp(kind="Endpoints", name="digits")

    told = capfd.readouterr().out
    assert "\n    kind: must be one of TrainingJob, HPTuningJob" in told, "the message, without the name of a class"
    assert "Traceback" not in told


def test_a_task_of_a_pipeline_gets_what_an_input_says_within_a_dictionary(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="'training-job'"):
        train(where="nowhere")

    assert "channels.train: must be an s3:// URI, and is 'nowhere'" in capfd.readouterr().out


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def count() -> int:
    return 9


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def told(table: dict, words: str) -> str:
    import json

    return json.dumps([table, words])


@dsl.pipeline(name="numbers")
def numbers(trees: int, share: float) -> str:
    counted = count().output
    table = {"trees": trees, "share": share, "count": counted}
    return told(table=table, words=f"{trees} trees, {counted} times").output


def test_a_whole_number_within_another_input_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_input_utils, "executor_input_to_dict", executor_input_utils.executor_input_to_dict)
    init(pipeline_root=str(tmp_path))
    init(pipeline_root=str(tmp_path))

    ran = numbers(trees=7, share=0.5)

    assert json.loads(ran.output) == [{"trees": "7", "share": "0.5", "count": "9"}, "7 trees, 9 times"]


@pytest.mark.parametrize("other", [None, lambda task: {"inputs": task}], ids=["gone", "another"])
def test_a_kfp_that_writes_inputs_otherwise_is_left_as_it_is(
    other: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_input_utils, "executor_input_to_dict", other)

    init(pipeline_root=str(tmp_path))

    assert executor_input_utils.executor_input_to_dict is other


@pytest.mark.parametrize(
    ("error", "lines", "reason"),
    [
        (StepFailedError("no role\nthe log's last"), ["no role", "the log's last"], "the user mends it"),
        (InputError("role_arn", "is none"), ["role_arn: is none"], "the same"),
        (KeyError("name"), ["KeyError: 'name'"], "a fault of ours is told as Python does, here without frames"),
    ],
)
def test_how_a_steps_process_ends(
    error: Exception, lines: list[str], reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    end_plainly()

    sys.excepthook(type(error), error, None)

    assert capsys.readouterr().err.splitlines() == lines, reason


def test_an_artifact_that_is_not_given_is_not_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="'invoke-endpoint'"):
        InvokeEndpointOp(endpoint="digits")

    assert "payload: say what to send" in capfd.readouterr().out
