"""The operator's lock is a part of the lock that everything is tested with."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NEVER = {
    "kfp",
    "kubernetes",
    "moto",
    "sagemaker",
    "sagemaker-core",
    "pytest",
    "mypy",
    "ruff",
    "numpy",
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


def test_the_operator_has_the_versions_that_were_tested() -> None:
    everything, operator = locked("requirements.lock"), locked("requirements-operator.lock")

    assert operator.items() <= everything.items(), "run make lock"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-operator.lock"])
def test_every_package_has_hashes(name: str) -> None:
    assert [package for package, (_, hashes) in locked(name).items() if not hashes] == []


def test_the_operator_has_nothing_of_development_and_pipelines() -> None:
    assert NEVER & set(locked("requirements-operator.lock")) == set()


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-operator.lock"])
def test_a_lock_names_no_index(name: str) -> None:
    assert "://" not in (ROOT / name).read_text()
