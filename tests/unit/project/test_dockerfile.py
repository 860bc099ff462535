"""The Dockerfiles keep what they promise; there is no daemon to build them with in the tests."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    base: str
    instructions: tuple[Instruction, ...]

    def values(self, name: str) -> list[str]:
        return [instruction.value for instruction in self.instructions if instruction.name == name]


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A Dockerfile, and what is its own.

    Attributes:
        path: of the Dockerfile.
        lock: what it installs.
        sources: what it copies from the repository.
    """

    path: str
    lock: str
    sources: frozenset[str]

    @property
    def build(self) -> Stage:
        return stages(self)[0]

    @property
    def runtime(self) -> Stage:
        return stages(self)[1]


OPERATOR = Image(
    path="operator/Dockerfile",
    lock="requirements-operator.lock",
    sources=frozenset({"requirements-operator.lock", "operator/sagebridge", "LICENSE"}),
)
STEPS = Image(
    path="kfp_components/Dockerfile",
    lock="requirements-kfp.lock",
    sources=frozenset(
        {
            "requirements-kfp.lock",
            "operator/sagebridge/__init__.py",
            "operator/sagebridge/core",
            "operator/sagebridge/schema",
            "kfp_components/sagebridge_kfp",
            "crds",
            "LICENSE",
        }
    ),
)


@pytest.fixture(params=[OPERATOR, STEPS], ids=["operator", "steps"])
def image(request: pytest.FixtureRequest) -> Image:
    found: Image = request.param
    return found


def instructions(image: Image) -> list[Instruction]:
    lines = [line for line in (ROOT / image.path).read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    words = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(name=name, value=value) for name, value in words]


def stages(image: Image) -> list[Stage]:
    """The stages in order; ARGs before the first are not part of one."""
    found: list[list[Instruction]] = []
    for instruction in instructions(image):
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return [Stage(base=first.value, instructions=tuple(rest)) for first, *rest in found]


def globals_(image: Image) -> dict[str, str]:
    """The ARGs before the first stage."""
    before = []
    for instruction in instructions(image):
        if instruction.name == "FROM":
            break
        before.append(instruction.value.split("=", 1))
    return dict(before)


def test_bases_are_arguments(image: Image) -> None:
    assert [stage.base for stage in (image.build, image.runtime)] == ["${BASE_IMAGE} AS build", "${RUNTIME_IMAGE}"]
    assert set(globals_(image)) == {"BASE_IMAGE", "RUNTIME_IMAGE"}


def test_the_default_base_names_registry_and_version(image: Image) -> None:
    assert re.fullmatch(r"docker\.io/library/python:3\.1[1-9]-slim-\w+", globals_(image)["BASE_IMAGE"])


def test_only_its_own_lock_is_installed_with_its_hashes_and_as_wheels(image: Image) -> None:
    [install] = [value for value in image.build.values("RUN") if " install " in value]

    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    assert install.endswith(f"--requirement /build/{image.lock}")


def test_nothing_runs_in_the_image_itself_so_that_it_needs_no_shell(image: Image) -> None:
    assert image.runtime.values("RUN") == []


@pytest.mark.parametrize("name", ["ENTRYPOINT", "CMD", "SHELL", "HEALTHCHECK"])
def test_commands_do_not_go_through_a_shell(name: str, image: Image) -> None:
    for value in image.runtime.values(name):
        assert isinstance(json.loads(value), list)


def test_the_operator_starts() -> None:
    started = [json.loads(value) for value in OPERATOR.runtime.values("ENTRYPOINT")]

    assert started == [["python", "-m", "sagebridge.app"]]


def test_a_step_is_started_by_the_pipeline() -> None:
    assert STEPS.runtime.values("ENTRYPOINT") == []
    assert STEPS.runtime.values("CMD") == []


def test_a_missing_dependency_of_the_steps_fails_the_build() -> None:
    [compiles] = [value for value in STEPS.build.values("RUN") if "compileall" in value]

    assert "_KFP_RUNTIME=true" in compiles, "as in a step"
    assert "import kfp.dsl.executor_main, sagebridge_kfp.ops, sagebridge_kfp.compat" in compiles


def test_the_definitions_are_where_the_steps_look_for_them() -> None:
    assert "crds /app/sagebridge_kfp/_crds" in STEPS.build.values("COPY")


def test_it_runs_as_a_numeric_user_that_is_not_root(image: Image) -> None:
    [user] = image.runtime.values("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert not any("--chown" in value for value in image.runtime.values("COPY")), "the code stays root's"


def test_it_writes_nothing_beside_its_code(image: Image) -> None:
    environment = " ".join(image.runtime.values("ENV"))

    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    assert "HOME=/tmp" in environment
    assert image.runtime.values("WORKDIR") == ["/tmp"]
    assert image.runtime.values("VOLUME") == []


def test_the_operator_exposes_the_charts_port() -> None:
    assert OPERATOR.runtime.values("EXPOSE") == ["8080"]


def test_it_is_labelled(image: Image) -> None:
    labels = " ".join(image.runtime.values("LABEL"))
    for key in ("title", "description", "licenses", "source", "version", "revision"):
        assert f"org.opencontainers.image.{key}=" in labels


def test_everything_it_copies_is_in_the_build_context(image: Image) -> None:
    ignored, *allowed = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    sources = {
        value.split()[0]
        for stage in (image.build, image.runtime)
        for value in stage.values("COPY")
        if "--from" not in value
    }

    assert ignored == "*"
    assert sources == image.sources
    for source in sources:
        assert any(source == each or source.startswith(f"{each}/") for each in allowed_paths(allowed)), source
    assert all((ROOT / source).exists() for source in sources)


def allowed_paths(lines: list[str]) -> list[str]:
    """What .dockerignore lets through whole: without the folders of which it then excludes the most."""
    narrowed = {line.removesuffix("/*") for line in lines if line.endswith("/*")}
    return [line[1:] for line in lines if line.startswith("!") and line[1:] not in narrowed]
