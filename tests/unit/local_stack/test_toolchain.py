"""Which Go a build uses."""

from pathlib import Path

import pytest
from sagebridge_local.golang import toolchain


@pytest.mark.parametrize(
    ("go_mod", "want", "reason"),
    [
        ("module a\n\ngo 1.25.0\n", (1, 25, 0), "the usual form"),
        ("module a\n\ngo 1.21\n", (1, 21, 0), "without a patch number"),
        ("module a\n\ngodebug default=go1.25\n\ngo 1.26.1\n", (1, 26, 1), "other lines name versions too"),
        ("module a\n", (1, 0, 0), "no line: any Go"),
    ],
)
def test_needed_version(go_mod: str, want: tuple[int, int, int], reason: str) -> None:
    assert toolchain.needed_version(go_mod) == want, reason


@pytest.mark.parametrize(
    ("version", "want", "reason"),
    [
        ("go1.26.8", (1, 26, 8), "a release"),
        ("go1.26", (1, 26, 0), "a first release"),
        ("go1.27rc1", (1, 27, 0), "a candidate counts as its release"),
        ("devel go1.28-abcdef", (0, 0, 0), "what is no release is not trusted to be new"),
    ],
)
def test_parse(version: str, want: tuple[int, int, int], reason: str) -> None:
    assert toolchain.parse(version) == want, reason


def _module(directory: Path) -> Path:
    (directory / "go.mod").write_text("module a\n\ngo 1.25.0\n")
    return directory


def _go(directory: Path, script: str) -> Path:
    program = directory / "go"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("script", "taken", "reason"),
    [
        ("echo go1.25.0", True, "just new enough"),
        ("echo go1.30.1", True, "newer"),
        ("echo go1.24.9", False, "too old: the packaged one is taken"),
        ("exit 1", False, "a broken installation is passed over"),
    ],
)
def test_locate(tmp_path: Path, script: str, *, taken: bool, reason: str) -> None:
    go = _go(tmp_path, script)

    found = toolchain.locate(module=_module(tmp_path), search_path=str(tmp_path))

    assert (found.go == go) == taken, reason


def test_without_go_the_packaged_one_is_taken_from_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    found = toolchain.locate(module=_module(tmp_path), search_path=str(tmp_path / "nothing"))

    assert found.go.is_relative_to(tmp_path / "cache" / "sagebridge" / "go")
    assert toolchain.parse(found.version) >= (1, 26, 0), "it can build helm, which needs the newest of our modules"


def test_the_build_uses_no_compiler_but_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-p=1")
    monkeypatch.setenv("GOROOT", "/somewhere/else")

    environment = toolchain.Toolchain(go=tmp_path / "go", version="go1.26.0").environment()

    assert environment["CGO_ENABLED"] == "0"
    assert environment["GOTOOLCHAIN"] == "local"
    assert environment["GOFLAGS"].startswith("-p=1 "), "the user's own flags are kept"
    assert "GOROOT" not in environment
