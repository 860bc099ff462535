"""Pythons of other versions than the one that runs the tests, where this machine has them or can get them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from sagebridge_local.paths import cache_directory

UV = Path(sys.prefix) / "bin/uv"
_INSTALL_SECONDS = 300


def interpreter(version: str) -> Path | None:
    """A Python of that version, such as ``3.13``: one that is there, or else the one that uv installs; None without.

    What uv installs stays in the user's cache of Sagebridge. https://docs.astral.sh/uv/guides/install-python/
    """
    found = next((each for each in _candidates(version) if _is_that(each, version)), None)
    return found or _installed(version)


def _candidates(version: str) -> Iterator[Path]:
    yield Path(sys.executable)
    if on_path := shutil.which(f"python{version}"):
        yield Path(on_path)
    # https://github.com/pyenv/pyenv: versions that are installed, whether or not they are chosen.
    yield from sorted(Path(sys.base_prefix).parent.glob(f"{version}.*/bin/python"), reverse=True)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(root.glob(f"versions/{version}.*/bin/python"), reverse=True)
    yield from sorted(_directory().glob(f"cpython-{version}.*/bin/python{version}"), reverse=True)


def _is_that(python: Path, version: str) -> bool:
    program = "import sys, venv; print('%d.%d' % sys.version_info[:2])"
    told = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return told.returncode == 0 and told.stdout.strip() == version


def _installed(version: str) -> Path | None:
    command = [UV, "python", "install", "--quiet", "--no-bin", "--install-dir", _directory(), version]
    try:
        subprocess.run(command, capture_output=True, check=False, timeout=_INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return next((each for each in _candidates(version) if _is_that(each, version)), None)


def _directory() -> Path:
    return cache_directory() / "pythons"
