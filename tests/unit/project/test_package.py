"""What pyproject.toml says of the package is so; e2e/distribution builds and installs it."""

import importlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
WHEEL = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]


@pytest.mark.parametrize("package", WHEEL["packages"])
def test_every_package_says_that_it_is_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()


@pytest.mark.parametrize("source", WHEEL["force-include"])
def test_what_is_included_from_elsewhere_is_there(source: str) -> None:
    assert (ROOT / source).is_dir()


@pytest.mark.parametrize("name", PROJECT["project"]["scripts"])
def test_a_script_has_something_to_run(name: str) -> None:
    module, _, attribute = PROJECT["project"]["scripts"][name].partition(":")

    assert callable(getattr(importlib.import_module(module), attribute))


def test_the_pythons_that_are_named_begin_with_the_oldest_that_may_install_it() -> None:
    named = [
        match[1]
        for each in PROJECT["project"]["classifiers"]
        if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each))
    ]

    assert PROJECT["project"]["requires-python"] == f">={named[0]}"
    assert PROJECT["tool"]["mypy"]["python_version"] == named[0]
    assert PROJECT["tool"]["ruff"]["target-version"] == f"py{named[0].replace('.', '')}"
    assert len(named) == len(set(named)) == 3
