"""Go programs are built once, by one builder, or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sagebridge_local.golang import BuildError, GoProgram, toolchain
from sagebridge_local.golang.binary import binary
from sagebridge_local.paths import module_directory

PROGRAM = GoProgram(
    name="greet",
    title="greeting",
    package=".",
    version_of="example.com/greet/words",
    variables=("main.version={version}",),
    links=("hello",),
)
MAIN = """package main

import "os"

var version string

func main() { os.Stdout.WriteString(os.Args[0] + " " + version + "\\n") }
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module without dependencies, and a cache of its own; Go's own caches stay the user's."""
    go = toolchain.locate(module=module_directory("controlplane"))
    toolchain.install(go)
    compiled = subprocess.run([go.go, "env", "GOCACHE"], capture_output=True, text=True, check=True).stdout.strip()
    monkeypatch.setenv("GOCACHE", compiled)
    monkeypatch.setenv("PATH", f"{go.go.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    directory = tmp_path / "module"
    (directory / "words").mkdir(parents=True)
    (directory / "words" / "go.mod").write_text("module example.com/greet/words\n\ngo 1.25.0\n")
    (directory / "go.mod").write_text(
        "module example.com/greet\n\ngo 1.25.0\n\nrequire (\n\texample.com/greet/words v1.2.3\n)\n\n"
        "replace example.com/greet/words => ./words\n"
    )
    (directory / "go.sum").write_text("")
    (directory / "main.go").write_text(MAIN)
    return directory


def test_it_is_built_with_its_version_and_its_other_names(module: Path) -> None:
    built = binary(PROGRAM, module=module)

    output = subprocess.run([built.with_name("hello")], capture_output=True, text=True, check=True).stdout

    assert output == f"{built.with_name('hello')} v1.2.3\n"


def test_the_second_time_it_comes_from_the_cache(module: Path) -> None:
    first = binary(PROGRAM, module=module)
    changed = first.stat().st_mtime_ns

    assert binary(PROGRAM, module=module) == first
    assert first.stat().st_mtime_ns == changed


def test_changed_source_is_another_binary(module: Path) -> None:
    first = binary(PROGRAM, module=module)
    (module / "main.go").write_text(MAIN + "\n// another version\n")

    second = binary(PROGRAM, module=module)

    assert second != first
    assert first.exists(), "whoever runs the old one still has it"


def test_a_failed_build_leaves_nothing_that_looks_built(module: Path, tmp_path: Path) -> None:
    (module / "main.go").write_text("package main\n\nfunc main() { undefinedName() }\n")

    with pytest.raises(BuildError, match="undefined: undefinedName"):
        binary(PROGRAM, module=module)

    assert {path.suffix for path in (tmp_path / "cache" / "sagebridge" / "greet").iterdir()} <= {".log", ".lock"}
    (module / "main.go").write_text(MAIN)
    assert binary(PROGRAM, module=module).exists(), "corrected, it builds"


def test_an_unreachable_proxy_is_explained(module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_mod, _, _ = (module / "go.mod").read_text().partition("replace")
    (module / "go.mod").write_text(go_mod)
    (module / "main.go").write_text('package main\n\nimport _ "example.com/greet/words"\n\nfunc main() {}\n')
    hashes = "".join(f"example.com/greet/words v1.2.3{part} h1:{'A' * 43}=\n" for part in ("", "/go.mod"))
    (module / "go.sum").write_text(hashes)
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))

    with pytest.raises(BuildError, match="set GOPROXY"):
        binary(PROGRAM, module=module)


def test_an_unwritable_cache_is_explained(module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))

    with pytest.raises(BuildError, match="XDG_CACHE_HOME"):
        binary(PROGRAM, module=module)


def test_two_builders_build_once(module: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        "from sagebridge_local.golang import GoProgram; from sagebridge_local.golang.binary import binary\n"
        "program = GoProgram(name='greet', title='greeting', package='.', version_of='example.com/greet/words',\n"
        "    variables=('main.version={version}',))\n"
        "print(binary(program, module=Path(sys.argv[2])))"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(module)]
    builders = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(3)
    ]
    outputs = [builder.communicate() for builder in builders]

    assert [builder.returncode for builder in builders] == [0, 0, 0], outputs
    assert len({path for path, _ in outputs}) == 1
    assert sum("downloading modules" in progress for _, progress in outputs) == 1, "one compiled, the others waited"
