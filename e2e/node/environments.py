"""Python packages of a lock file as a layer."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from sagebridge_local.golang.progress import BuildProgress

from node import debian
from node.layers import Layer, Recipe, chrooted
from node.store import key_of

_GLIBC = "manylinux_2_36"
_INSTALLER, _LOCK = "/opt/installer", "/opt/packages.lock"


def environment(lock: Path, *, at: str, base: Layer) -> Layer:
    """Return a layer with a virtual environment of exactly what a lock file names; every file must have its hash.

    Args:
        lock: The lock file, with hashes.
        at: Where the environment is in the image.
        base: The layer with its Python.
    """

    def put(root: Path, progress: BuildProgress) -> None:
        progress.phase("installing")
        chrooted(["python3", "-m", "venv", "--without-pip", at], on=[base], upper=root)
        _install(lock, into=root / at.lstrip("/") / "lib" / f"python{debian.PYTHON}" / "site-packages")
        progress.phase("compiling")
        chrooted([f"{at}/bin/python", "-m", "compileall", "-q", "-j", "0", at], on=[base], upper=root)

    key = key_of([at, base.key, lock.read_bytes()])
    recipe = _recipe(lock, at=at, key=key)
    return Layer(name="environment", title="Python packages", key=key, put=put, below=(base,), recipe=recipe)


def _recipe(lock: Path, *, at: str, key: str) -> Recipe:
    """The environment itself has no pip, as here; the other one goes in the same step."""
    pip = f"{_INSTALLER}/bin/pip --python {at}/bin/python install --quiet --no-cache-dir --disable-pip-version-check"
    steps = (
        f"python3 -m venv --without-pip {at}",
        f"python3 -m venv {_INSTALLER}",
        f"{pip} --require-hashes --only-binary=:all: --requirement {_LOCK}",
        f"rm -r {_INSTALLER} {_LOCK}",
    )
    return Recipe(
        instructions=(f"COPY {key}.lock {_LOCK}", f"RUN {' && '.join(steps)}"),
        files={f"{key}.lock": lock.read_bytes()},
    )


def _install(lock: Path, *, into: Path) -> None:
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [
        shutil.which("uv", path=search) or "uv",
        *("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary=:all:", "--link-mode=copy"),
        f"--python-version={debian.PYTHON}",
        f"--python-platform={platform.machine()}-{_GLIBC}",
        f"--target={into}",
        f"--requirement={lock}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"uv pip install failed:\n{done.stdout}{done.stderr}")
