"""The cache of built programs: its key, the linker's flags, the words of a failure."""

from pathlib import Path

import pytest
from sagebridge_local.golang import CONTROL_PLANE, HELM, KWOK, BuildError, GoProgram
from sagebridge_local.golang.binary import cache_key, linker_flags
from sagebridge_local.golang.compile import Compiler
from sagebridge_local.golang.errors import explain
from sagebridge_local.golang.progress import PlainLines
from sagebridge_local.golang.toolchain import Toolchain
from sagebridge_local.paths import module_directory

PARTS = (".", "-s -w", "go1.26.8")


@pytest.fixture
def module(tmp_path: Path) -> Path:
    for name in ("go.mod", "go.sum", "main.go"):
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go", "another.go"])
def test_key_follows_the_files(module: Path, name: str) -> None:
    before = cache_key(module=module, parts=PARTS)
    (module / name).write_text("changed")

    assert cache_key(module=module, parts=PARTS) != before


def test_key_is_about_contents_only(module: Path) -> None:
    before = cache_key(module=module, parts=PARTS)
    (module / "README.md").write_text("not compiled")
    (module / "main.go").touch()

    assert cache_key(module=module, parts=PARTS) == before


@pytest.mark.parametrize("parts", [("./cmd", *PARTS[1:]), (".", "-s", "go1.26.8"), (*PARTS[:2], "go1.26.9")])
def test_key_follows_how_it_is_built(module: Path, parts: tuple[str, ...]) -> None:
    assert cache_key(module=module, parts=parts) != cache_key(module=module, parts=PARTS)


@pytest.mark.parametrize(
    ("program", "want"),
    [
        (CONTROL_PLANE, "-X k8s.io/component-base/version.gitVersion=v1.35.4"),
        (CONTROL_PLANE, "-X k8s.io/component-base/version.gitMinor=35"),
        (HELM, "-X helm.sh/helm/v3/internal/version.version=v3."),
        (KWOK, "-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0"),
    ],
)
def test_programs_report_the_version_that_is_pinned(program: object, want: str) -> None:
    assert isinstance(program, type(HELM))

    assert want in linker_flags(program, go_mod=(module_directory(program.name) / "go.mod").read_text())


def test_a_program_without_a_version_reports_none() -> None:
    program = GoProgram(name="pause", title="pause", package=".")

    assert linker_flags(program, go_mod="module example.com/pause\n") == "-s -w"


@pytest.mark.parametrize(
    ("system", "want", "reason"),
    [("linux", "linux", "a program of containers"), ("", "somewhere", "this machine's, or what its shell says")],
)
def test_a_program_is_built_for_its_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, want: str, reason: str
) -> None:
    monkeypatch.setenv("GOOS", "somewhere")
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\necho "$1 for $GOOS"\n')
    go.chmod(0o755)
    compiler = Compiler(
        module=tmp_path,
        package=".",
        linker_flags="-s -w",
        toolchain=Toolchain(go=go, version="go1.26.8"),
        system=system,
    )

    compiler.build(tmp_path / "built", log=tmp_path / "log", progress=PlainLines("built"))

    assert (tmp_path / "log").read_text().splitlines() == [f"list for {want}", f"build for {want}"], reason


@pytest.mark.parametrize(
    ("output", "want", "reason"),
    [
        ("write /x: no space left on device", "disk is full", "disk"),
        ("k8s.io/api: Get: dial tcp: lookup x: no such host", "GOPROXY", "no network: what to set"),
        ("github.com/x: signal: killed", "memory", "out of memory"),
        ("verifying module: checksum mismatch\nSECURITY ERROR", "go.sum", "a module that is not the pinned one"),
        ("mkdir /root/go: permission denied", "can't be written", "permissions"),
        ("main.go:3: undefined: x", "main.go:3: undefined: x", "anything else: its own words"),
    ],
)
def test_failures_say_what_to_do(tmp_path: Path, output: str, want: str, reason: str) -> None:
    error = explain(what="go build", output=output, log=tmp_path / "log")

    assert isinstance(error, BuildError)
    assert want in str(error), reason
    assert str(tmp_path / "log") in str(error)


def test_progress_without_a_terminal_is_a_line_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainLines("Kubernetes control plane")
    progress.phase("downloading modules")
    progress.step()
    progress.phase("compiling packages", total=40)
    for _ in range(40):
        progress.step()

    lines = capsys.readouterr().err.splitlines()

    assert lines[0] == "Kubernetes control plane: downloading modules"
    assert lines[1] == "Kubernetes control plane: compiling packages (40)"
    assert [line.split()[-2] for line in lines[2:]] == [str(tenth * 10) for tenth in range(1, 11)]
