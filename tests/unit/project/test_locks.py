"""The images' locks are parts of the lock that everything is tested with."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OF_IMAGES = ["requirements-operator.lock", "requirements-kfp.lock"]
NEVER = {
    "kfp",
    "kubernetes",
    "moto",
    "sagemaker",
    "sagemaker-core",
    "pytest",
    "mypy",
    "ruff",
    "scipy",
    "scikit-learn",
    "pandas",
    "uvicorn",
}


def locked(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes by package."""
    found = {}
    for block in re.split(r"\n(?=\S)", (ROOT / name).read_text()):
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)", block):
            found[match[1].lower()] = (match[2], frozenset(re.findall(r"--hash=(\S+)", block)))
    return found


@pytest.mark.parametrize("name", OF_IMAGES)
def test_an_image_has_the_versions_that_were_tested(name: str) -> None:
    everything, image = locked("requirements.lock"), locked(name)

    assert image.items() <= everything.items(), "run make lock"


@pytest.mark.parametrize("name", ["requirements.lock", *OF_IMAGES])
def test_every_package_has_hashes(name: str) -> None:
    assert [package for package, (_, hashes) in locked(name).items() if not hashes] == []


def test_the_operator_has_nothing_of_development_and_pipelines() -> None:
    assert NEVER & set(locked("requirements-operator.lock")) == set()


def test_the_steps_have_nothing_of_the_operator_and_of_development() -> None:
    steps = set(locked("requirements-kfp.lock"))

    assert (
        NEVER - {"kfp", "kubernetes"} | {"kopf", "aiohttp", "optuna", "uvloop", "prometheus-client"}
    ) & steps == set()
    assert {"kfp", "kubernetes", "boto3"} <= steps


def test_the_steps_have_nothing_that_would_have_to_be_built() -> None:
    assert "kfp-server-api" not in locked("requirements-kfp.lock"), "it is there as a source archive only"


@pytest.mark.parametrize("name", ["requirements.lock", *OF_IMAGES])
def test_a_lock_names_no_index(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()
