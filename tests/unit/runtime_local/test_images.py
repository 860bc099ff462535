"""What images mean, and how Docker is told to run one."""

from pathlib import Path
from typing import Any

import pytest
from sagebridge_local.runtime import docker, images
from sagebridge_local.runtime.images import CommandImage, DockerImage, ScriptImage, UnknownImage

OWN = "123456789012.dkr.ecr.us-west-2.amazonaws.com/team/trainer:3"
DLC = "763104351884.dkr.ecr.us-west-2.amazonaws.com/{}"
SCRIPT = {"sagemaker_program": '"train.py"'}


def _request(image: str | None, hyperparameters: dict[str, str] | None = None, **algorithm: Any) -> dict[str, Any]:
    return {
        "AlgorithmSpecification": {"TrainingImage": image, **algorithm} if image else algorithm,
        "HyperParameters": hyperparameters or {},
    }


@pytest.mark.parametrize(
    ("repository", "module"),
    [
        ("pytorch-training:2.3.0-gpu-py311-cu121-ubuntu20.04-sagemaker", "sagemaker_pytorch_container.training:main"),
        ("huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu", "sagemaker_pytorch_container.training:main"),
        ("huggingface-pytorch-training-neuronx:2.1", "sagemaker_pytorch_container.training:main"),
        ("huggingface-tensorflow-trcomp-training:2.6", "sagemaker_tensorflow_container.training:main"),
        ("tensorflow-training@sha256:0123", "sagemaker_tensorflow_container.training:main"),
        ("mxnet-training:1.9", "sagemaker_mxnet_container.training:main"),
        ("sagemaker-scikit-learn:1.4-2-cpu-py3", "sagemaker_sklearn_container.training:main"),
        ("sagemaker-xgboost:1.7-1", "sagemaker_xgboost_container.training:main"),
        ("sagemaker-base-python-310:1.0", None),
    ],
)
def test_framework_images_run_scripts(repository: str, module: str | None) -> None:
    found = images.meaning(_request(DLC.format(repository), SCRIPT), mapping={}, docker=True)
    assert found == ScriptImage(framework_module=module)


@pytest.mark.parametrize(
    ("reason", "request_", "mapping", "docker_answers", "want"),
    [
        (
            "an own image runs in Docker",
            _request(OWN),
            {},
            True,
            DockerImage(image=OWN, entrypoint=(), arguments=("train",)),
        ),
        (
            "with its own entry point",
            _request(OWN, ContainerEntrypoint=["a", "b"], ContainerArguments=["c"]),
            {},
            True,
            DockerImage(image=OWN, entrypoint=("a", "b"), arguments=("c",)),
        ),
        ("a mapping comes before Docker", _request(OWN), {OWN: ["me"]}, True, CommandImage(command=("me", "train"))),
        (
            "and before script mode",
            _request(DLC.format("pytorch-training:2"), SCRIPT),
            {"*pytorch*": ["me"]},
            False,
            CommandImage(command=("me", "train")),
        ),
        (
            "the exact name before a glob",
            _request(OWN),
            {"*": ["any"], OWN: ["me"]},
            False,
            CommandImage(command=("me", "train")),
        ),
        (
            "an algorithm of the marketplace can be mapped",
            _request(None, AlgorithmName="x"),
            {"x": ["me"]},
            False,
            CommandImage(command=("me", "train")),
        ),
        (
            "a built-in algorithm is no script",
            _request(DLC.format("sagemaker-xgboost:1.7-1")),
            {},
            True,
            DockerImage(image=DLC.format("sagemaker-xgboost:1.7-1"), entrypoint=(), arguments=("train",)),
        ),
    ],
)
def test_meaning(reason: str, request_: Any, mapping: Any, docker_answers: bool, want: Any) -> None:
    assert images.meaning(request_, mapping=mapping, docker=docker_answers) == want, reason


@pytest.mark.parametrize("request_", [_request(OWN), _request(None, AlgorithmName="x"), {}])
def test_what_nothing_can_run(request_: Any) -> None:
    assert isinstance(images.meaning(request_, mapping={}, docker=False), UnknownImage)


def _container(**members: Any) -> docker.Container:
    values: dict[str, Any] = {
        "name": "job-algo-1",
        "image": OWN,
        "entrypoint": (),
        "arguments": ("train",),
        "mounts": {"/opt/ml/model": Path("/w/model"), "/opt/ml/input": Path("/w/input")},
        "environment": {"SECRET": "s", "A": "b"},
        "hosts": ("algo-1", "algo-2"),
        "gpus": False,
        "isolated": False,
    }
    return docker.Container(**(values | members))


def test_the_docker_client_finds_its_daemon_as_the_shell_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    found = docker.client_environment()
    assert found["DOCKER_HOST"] == "unix:///run/user/1000/docker.sock"
    assert found["XDG_RUNTIME_DIR"] == "/run/user/1000"
    assert not any(name.startswith("AWS_") for name in found)


def test_docker_command() -> None:
    assert docker.run_command(_container()) == [
        *("docker", "run", "--rm", "--init", "--name", "job-algo-1", "--network", "host"),
        *("--add-host=algo-1:127.0.0.1", "--add-host=algo-2:127.0.0.1"),
        *("--mount", "type=bind,source=/w/input,target=/opt/ml/input"),
        *("--mount", "type=bind,source=/w/model,target=/opt/ml/model"),
        *("--env", "A", "--env", "SECRET", OWN, "train"),
    ]


def test_docker_isolated_with_gpus_and_an_entry_point() -> None:
    words = docker.run_command(_container(isolated=True, gpus=True, entrypoint=("sh", "-c"), arguments=("x",)))
    assert words[6:8] == ["--network", "none"]
    assert not [word for word in words if word.startswith("--add-host")]
    assert words[8:10] == ["--gpus", "all"]
    assert words[-5:] == ["--entrypoint", "sh", OWN, "-c", "x"]


def test_docker_with_a_port_of_its_own() -> None:
    words = docker.run_command(_container(ports={8080: 7001}, hosts=(), arguments=("serve",)))
    assert words[6:8] == ["--publish", "127.0.0.1:7001:8080"]
    assert "--network" not in words
    assert words[-2:] == [OWN, "serve"]
