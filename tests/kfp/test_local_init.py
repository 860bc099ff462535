"""Who runs the steps of a pipeline on this machine, and what they find there."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator

import pytest
from kfp import local as kfp_local
from kfp.local import executor_input_utils
from kfp.local.config import LocalExecutionConfig
from sagebridge_kfp import local


@pytest.fixture(autouse=True)
def not_chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(LocalExecutionConfig, "instance", None)
    monkeypatch.delenv(local.RUNNER_VARIABLE, raising=False)
    monkeypatch.setattr(executor_input_utils, "executor_input_to_dict", executor_input_utils.executor_input_to_dict)
    # kfp only looks whether the package is there; no daemon is asked here.
    monkeypatch.setitem(sys.modules, "docker", types.ModuleType("docker"))
    yield
    LocalExecutionConfig.instance = None


@pytest.mark.parametrize(
    ("argument", "variable", "want", "reason"),
    [
        ("", "", kfp_local.SubprocessRunner, "processes need nothing"),
        ("", "docker", kfp_local.DockerRunner, "the environment says so"),
        ("docker", "", kfp_local.DockerRunner, "the call says so"),
        ("subprocess", "docker", kfp_local.SubprocessRunner, "the call counts"),
    ],
)
def test_the_runner(
    argument: str, variable: str, want: type, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv(local.RUNNER_VARIABLE, variable)
    local.init(runner=argument, pipeline_root=str(tmp_path))
    assert isinstance(LocalExecutionConfig.instance.runner, want), reason


def test_processes_are_of_this_python() -> None:
    local.init()
    assert LocalExecutionConfig.instance.runner.use_venv is False


def test_another_runner_is_refused() -> None:
    with pytest.raises(ValueError, match="not 'podman'"):
        local.init(runner="podman")


def test_a_container_reaches_what_this_shell_reaches() -> None:
    found = local.container({"KUBECONFIG": "/a/config", "AWS_REGION": "us-east-1", "SECRET": "mine", "HOME": "/a"})
    [mount] = found["mounts"]
    assert (mount["Source"], mount["ReadOnly"]) == ("/a/config", True)
    assert found["environment"] == {"AWS_REGION": "us-east-1", "HOME": "/tmp", "KUBECONFIG": mount["Target"]}
    assert found["network_mode"] == "host"
