"""kfp.local runs the components: as far as their inputs here, where nothing is that they could make an object in."""

from pathlib import Path

import pytest
from kfp import dsl, local
from kfp.local import config
from sagebridge_kfp import DeleteOp, InvokeEndpointOp, TrainingJobOp


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

    assert "kind: must be one of TrainingJob, HPTuningJob" in capfd.readouterr().out


def test_a_task_of_a_pipeline_gets_what_an_input_says_within_a_dictionary(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="'training-job'"):
        train(where="nowhere")

    assert "channels.train: must be an s3:// URI, and is 'nowhere'" in capfd.readouterr().out


def test_an_artifact_that_is_not_given_is_not_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="'invoke-endpoint'"):
        InvokeEndpointOp(endpoint="digits")

    assert "payload: say what to send" in capfd.readouterr().out
