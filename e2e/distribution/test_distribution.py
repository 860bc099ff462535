"""What users install: the wheel, whole, and the pipelines' components with nothing but their extra, on each Python."""

from __future__ import annotations

import configparser
import io
import os
import re
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any, NoReturn

import pytest

from .interpreters import UV, interpreter

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = {
    "sagebridge": ROOT / "operator/sagebridge",
    "sagebridge_local": ROOT / "local/sagebridge_local",
    "sagebridge_kfp": ROOT / "kfp_components/sagebridge_kfp",
}
INCLUDED = {"_controlplane": "local/controlplane", "_helm": "local/helm", "_kwok": "local/kwok", "_crds": "crds"}
VERSIONS = [
    match[1]
    for each in PROJECT["project"]["classifiers"]
    if (match := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each))
]
TOOLS = ("pytest", "pytest-asyncio", "hypothesis", "jsonschema", "pip")
"""What the components' own tests need beside what users have."""
WITHOUT_A_CLUSTER = ("--ignore=tests/kfp/step/test_steps.py", "--ignore=tests/kfp/remote/test_run.py")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that was built from it, as for a release."""
    directory = tmp_path_factory.mktemp("dist")
    subprocess.run([UV, "build", "--quiet", "--out-dir", directory, ROOT], check=True)
    return directory


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [found] = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def files(directory: Path) -> set[str]:
    """Of the checkout, below a directory; what Python has compiled there is none of it."""
    found = {path.relative_to(directory) for path in directory.rglob("*") if path.is_file()}
    return {str(path) for path in found if "__pycache__" not in path.parts}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_in_the_wheel_with_all_its_files(names: set[str], package: str) -> None:
    wanted = {f"{package}/{name}" for name in files(PACKAGES[package])}

    assert f"{package}/py.typed" in wanted
    assert wanted <= names


@pytest.mark.parametrize("name", INCLUDED)
def test_so_is_what_it_needs_of_elsewhere(names: set[str], name: str) -> None:
    wanted = {f"sagebridge_local/{name}/{each}" for each in files(ROOT / INCLUDED[name])}

    assert wanted
    assert wanted <= names


def test_nothing_else_is_in_the_wheel(names: set[str]) -> None:
    about = f"sagebridge-{version()}.dist-info"

    assert {name.partition("/")[0] for name in names} == {*PACKAGES, about}
    assert f"{about}/licenses/LICENSE" in names
    assert not [name for name in names if name.endswith(".pyc") or "/node_modules/" in name]


def test_what_the_wheel_says_of_itself(wheel: Path, names: set[str]) -> None:
    about = f"sagebridge-{version()}.dist-info"
    archive = zipfile.ZipFile(wheel)
    scripts = configparser.ConfigParser()
    scripts.read_file(io.StringIO(archive.read(f"{about}/entry_points.txt").decode()))
    metadata = archive.read(f"{about}/METADATA").decode()

    assert dict(scripts["console_scripts"]) == PROJECT["project"]["scripts"]
    extras = set(re.findall(r"^Provides-Extra: (\S+)$", metadata, re.MULTILINE))
    assert extras == set(PROJECT["project"]["optional-dependencies"])
    assert f"\nRequires-Python: {PROJECT['project']['requires-python']}\n" in metadata


def test_the_source_archive_has_what_the_wheel_is_built_from(built: Path) -> None:
    [found] = built.glob("*.tar.gz")
    with tarfile.open(found) as archive:
        members = {name.partition("/")[2] for name in archive.getnames()}

    assert {"pyproject.toml", "README.md", "LICENSE", "crds/trainingjobs.yaml"} <= members
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line.endswith("/")]
    assert {name.partition("/")[0] for name in members} & set(ignored) == set()


@pytest.mark.parametrize("python", VERSIONS)
def test_the_components_work_with_their_extra_alone(python: str, wheel: Path, tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "venv", python=python)
    environment.install(f"sagebridge[kfp] @ {wheel.as_uri()}")

    assert environment.run("-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip() == python
    assert environment.run("-c", GENERATED).split() == ["fresh"]
    assert environment.run("-c", GOLDEN, directory=tmp_path).split() == ["the", "golden"]
    assert environment.script("version").strip() == version()
    assert "pip install 'sagebridge[local]'" in environment.script("local", "up", status=1)


@pytest.mark.parametrize("python", VERSIONS[1:])
def test_their_tests_pass_on_the_other_pythons(python: str, wheel: Path, tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "venv", python=python)
    environment.install(f"sagebridge[kfp,local] @ {wheel.as_uri()}", *TOOLS)
    told = environment.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *WITHOUT_A_CLUSTER, "tests/kfp")

    assert re.search(r"^\d{3,} passed", told, re.MULTILINE), told


GENERATED = f"""
import sys
from pathlib import Path
sys.path.append("tools")
import generate_kfp_components
root, found = Path({str(ROOT)!r}), generate_kfp_components.files()
print(*(name for name, text in found.items() if (root / name).read_text() != text), "fresh" if found else "none")
"""
"""Whether each component compiles, with its reference, to what is committed."""

GOLDEN = f"""
import sys
from pathlib import Path
sys.path.append({str(ROOT / "tests")!r})
from kfp import compiler
from support.kfp_pipelines import everything
compiler.Compiler().compile(everything, "everything.yaml")
golden = Path({str(ROOT / "tests/kfp/goldens/pipeline.yaml")!r})
print("the golden" if Path("everything.yaml").read_text() == golden.read_text() else "another")
"""
"""Whether a pipeline of all components does."""


class Environment:
    """A virtual environment of its own, which has nothing of this checkout but what is installed into it."""

    def __init__(self, directory: Path) -> None:
        self._bin = directory / "bin"

    @classmethod
    def make(cls, directory: Path, *, python: str) -> Environment:
        """An empty one."""
        found = interpreter(python)
        if found is None:
            do_without(f"There is no Python {python}, and uv could not install one")
        subprocess.run([UV, "venv", "--quiet", "--python", found, directory], check=True)
        return cls(directory)

    def install(self, *requirements: str) -> None:
        """Install packages, of the versions that everything is tested with."""
        command = [UV, "pip", "install", "--quiet", "--python", self._bin / "python"]
        subprocess.run([*command, "--constraints", ROOT / "requirements.lock", *requirements], check=True)

    def run(self, *arguments: str, directory: Path = ROOT) -> str:
        """What Python prints, in a directory."""
        return self._call("python", *arguments, directory=directory, status=0)

    def script(self, *arguments: str, status: int = 0) -> str:
        """What `sagebridge` prints."""
        return self._call("sagebridge", *arguments, directory=self._bin, status=status)

    def _call(self, program: str, *arguments: str, directory: Path, status: int) -> str:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SAGEBRIDGE"))}
        own = {"PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [self._bin / program, *arguments]
        answer = subprocess.run(
            command, cwd=directory, env=inherited | own, capture_output=True, text=True, check=False
        )
        assert answer.returncode == status, answer.stdout + answer.stderr
        return answer.stdout + answer.stderr


def version() -> str:
    told = (ROOT / PROJECT["tool"]["hatch"]["version"]["path"]).read_text()
    [found] = re.findall(r'^__version__ = "(.+)"$', told, re.MULTILINE)
    return str(found)


def do_without(why: str) -> NoReturn:
    """Skip a test with one line; under CI that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why} (CI is set)", pytrace=False)
    pytest.skip(why)
