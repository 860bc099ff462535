"""What the image would hold: the operator's lock, installed alone, runs the operator."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ABSENT = ("kfp", "kubernetes", "moto", "sagemaker", "sagebridge_local", "pytest")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment from the lock, and the package alone beside it, read-only as in the image."""
    directory = tmp_path_factory.mktemp("image")
    uv = Path(sys.executable).with_name("uv")
    environment = directory / "opt"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--python", environment / "bin" / "python"),
            *("--require-hashes", "--only-binary=:all:", "--requirement", ROOT / "requirements-operator.lock"),
        ],
        check=True,
    )
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "operator" / "sagebridge", directory / "app" / "sagebridge", ignore=ignored)
    return directory


def run(image: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [image / "opt" / "bin" / "python", *arguments],
        env={
            "PATH": os.defpath,
            "PYTHONPATH": str(image / "app"),
            "HOME": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd=image,
        capture_output=True,
        text=True,
        check=False,
    )


def test_everything_the_image_starts_can_be_imported(image: Path) -> None:
    modules = (
        "sagebridge.app, sagebridge.agent.__main__, sagebridge.cli.main, sagebridge.cli.release, sagebridge.cli.source"
    )

    done = run(image, "-c", f"import {modules}")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ABSENT)
def test_what_the_operator_does_not_need_is_not_there(image: Path, module: str) -> None:
    assert "ModuleNotFoundError" in run(image, "-c", f"import {module}").stderr


def test_outside_of_a_cluster_the_operator_says_what_it_needs(image: Path) -> None:
    done = run(image, "-m", "sagebridge.app")

    assert done.returncode == 1
    assert "run in a cluster, or set KUBECONFIG" in done.stdout + done.stderr


def test_the_hooks_command_says_so_too(image: Path) -> None:
    done = run(image, "-m", "sagebridge.cli.release")

    assert done.returncode == 1
    assert "run in a cluster, or set KUBECONFIG" in done.stderr


def test_nothing_is_written_beside_the_code(image: Path) -> None:
    run(image, "-m", "sagebridge.app")

    assert list((image / "app").rglob("*.pyc")) == []
