"""The operator's Dockerfile keeps what it promises; there is no daemon to build it with in the tests."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DOCKERFILE = ROOT / "operator" / "Dockerfile"


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


def instructions() -> list[Instruction]:
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    words = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(name=name, value=value) for name, value in words]


def stages() -> list[Stage]:
    """The stages in order; ARGs before the first are not part of one."""
    found: list[list[Instruction]] = []
    for instruction in instructions():
        if instruction.name == "FROM":
            found.append([])
        if found:
            found[-1].append(instruction)
    return [Stage(base=first.value, instructions=tuple(rest)) for first, *rest in found]


def globals_() -> dict[str, str]:
    """The ARGs before the first stage."""
    before = []
    for instruction in instructions():
        if instruction.name == "FROM":
            break
        before.append(instruction.value.split("=", 1))
    return dict(before)


BUILD, RUNTIME = stages()


def test_bases_are_arguments() -> None:
    assert [stage.base for stage in (BUILD, RUNTIME)] == ["${BASE_IMAGE} AS build", "${RUNTIME_IMAGE}"]
    assert set(globals_()) == {"BASE_IMAGE", "RUNTIME_IMAGE"}


def test_the_default_base_names_registry_and_version() -> None:
    assert re.fullmatch(r"docker\.io/library/python:3\.1[1-9]-slim-\w+", globals_()["BASE_IMAGE"])


def test_only_the_operators_lock_is_installed_with_its_hashes_and_as_wheels() -> None:
    [install] = [value for value in BUILD.values("RUN") if " install " in value]

    assert "--require-hashes" in install
    assert "--only-binary=:all:" in install
    assert install.endswith("--requirement /build/requirements-operator.lock")


def test_nothing_runs_in_the_image_itself_so_that_it_needs_no_shell() -> None:
    assert RUNTIME.values("RUN") == []


@pytest.mark.parametrize("name", ["ENTRYPOINT", "CMD", "SHELL", "HEALTHCHECK"])
def test_commands_do_not_go_through_a_shell(name: str) -> None:
    for value in RUNTIME.values(name):
        assert isinstance(json.loads(value), list)


def test_it_starts_the_operator() -> None:
    assert [json.loads(value) for value in RUNTIME.values("ENTRYPOINT")] == [["python", "-m", "sagebridge.app"]]


def test_it_runs_as_a_numeric_user_that_is_not_root() -> None:
    [user] = RUNTIME.values("USER")

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    assert not any("--chown" in value for value in RUNTIME.values("COPY")), "the code stays root's"


def test_it_writes_nothing_beside_its_code() -> None:
    environment = " ".join(RUNTIME.values("ENV"))

    assert "PYTHONDONTWRITEBYTECODE=1" in environment
    assert "HOME=/tmp" in environment
    assert RUNTIME.values("WORKDIR") == ["/tmp"]
    assert RUNTIME.values("VOLUME") == []


def test_it_exposes_the_charts_port_and_is_labelled() -> None:
    assert RUNTIME.values("EXPOSE") == ["8080"]
    labels = " ".join(RUNTIME.values("LABEL"))
    for key in ("title", "description", "licenses", "source", "version", "revision"):
        assert f"org.opencontainers.image.{key}=" in labels


def test_everything_it_copies_is_in_the_build_context() -> None:
    ignored, *allowed = [
        line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")
    ]
    sources = {
        value.split()[0] for stage in (BUILD, RUNTIME) for value in stage.values("COPY") if "--from" not in value
    }

    assert ignored == "*"
    assert sources == {"requirements-operator.lock", "operator/sagebridge", "LICENSE"}
    assert {f"!{source}" for source in sources} <= set(allowed)
    assert all((ROOT / source).exists() for source in sources)
