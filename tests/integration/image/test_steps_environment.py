"""What the steps' image would hold: its lock, installed alone, runs a component as Kubeflow Pipelines starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from node.code import copied, copy
from sagebridge_kfp import ops
from support.kfp_steps import component

ROOT = Path(__file__).parents[3]
ABSENT = ("kfp_server_api", "kopf", "aiohttp", "moto", "sagebridge.kinds", "sagebridge.targets", "sagebridge_local")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment from the lock, and beside it what kfp_components/Dockerfile copies."""
    directory = tmp_path_factory.mktemp("image")
    uv = Path(sys.executable).with_name("uv")
    environment = directory / "opt"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--python", environment / "bin" / "python", "--no-deps"),
            *("--require-hashes", "--only-binary=:all:", "--requirement", ROOT / "requirements-kfp.lock"),
        ],
        check=True,
    )
    for target, source in copied(ROOT / "kfp_components/Dockerfile").items():
        copy(ROOT / source, directory / "app" / target)
    return directory


def run(image: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        env={
            "PATH": f"{image / 'opt/bin'}{os.pathsep}{os.defpath}",
            "PYTHONPATH": str(image / "app"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=image,
        capture_output=True,
        text=True,
        check=False,
    )


def start(image: Path, name: str, /, **inputs: object) -> "subprocess.CompletedProcess[str]":
    """Start a component's container, as the launcher does."""
    container = component(name).component_spec.implementation.container
    outputs = component(name).component_spec.outputs or {}
    artifacts = {
        key: {"artifacts": [{"name": key, "uri": str(image / key), "type": {"schemaTitle": each.type.split("@")[0]}}]}
        for key, each in outputs.items()
        if each.type.startswith("system.")
    }
    executor_input = {
        "inputs": {"parameterValues": inputs},
        "outputs": {"outputFile": str(image / "executor_output.json"), "artifacts": artifacts},
    }
    arguments = [each.replace("{{$}}", json.dumps(executor_input)) for each in container.args]
    return run(image, *container.command, *arguments)


@pytest.mark.parametrize("name", sorted({*ops.__all__} - {"DeleteOp", "InvokeEndpointOp"}))
def test_a_step_comes_as_far_as_its_inputs(name: str, image: Path) -> None:
    needed = {"instance_type": "ml.m5.large", "name": "digits", "input_uri": "s3://a/", "objective_metric": "a"}
    known = component(name).component_spec.inputs
    given = {key: value for key, value in needed.items() if key in known}

    done = start(image, name, **given, target="Moon")

    assert done.returncode == 1
    input_name, _, message = done.stderr.splitlines()[-1].partition(": ")
    assert input_name.split(".")[0] in known
    assert message
    assert "Traceback" not in done.stderr


def test_a_former_component_comes_as_far_as_its_arguments(image: Path) -> None:
    required = dict.fromkeys(component("compat.train").required_inputs, "1")

    done = start(image, "compat.train", **required, assume_role="arn:aws:iam::123456789012:role/other")

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("assume_role: steps do not call SageMaker")


def test_a_wrong_field_is_found_by_the_definitions_in_the_image(image: Path) -> None:
    overrides = {"resourceConfg": {}}

    done = start(image, "TrainingJobOp", algorithm="xgboost", instance_type="ml.m5.large", spec_overrides=overrides)

    assert "spec_overrides.resourceConfg: there is no such field: is resourceConfig meant?" in done.stderr


def test_the_steps_can_call_kubernetes_and_aws(image: Path) -> None:
    done = run(image, "python3", "-c", "import kubernetes.client, boto3, sagebridge_kfp.step.run")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ABSENT)
def test_what_steps_do_not_need_is_absent(module: str, image: Path) -> None:
    done = run(image, "python3", "-c", f"import {module}")

    assert "ModuleNotFoundError" in done.stderr
