"""`.ci/run` and pre-commit run what the Makefile runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]


@pytest.fixture
def sandbox(tmp_path: Path) -> Path:
    """A copy of `.ci/run` beside a `make` that writes down how it was called."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text('#!/bin/sh\necho "$1 CI=$CI $2" >> "$CALLS"\nread line && exit 9\n[ "$1" != "$FAILING" ]\n')
    make.chmod(0o755)
    return tmp_path


def run(sandbox: Path, **environment: str) -> tuple[int, str, list[str]]:
    """Exit status, output and the calls of make, without PYTHON being set unless given."""
    calls = sandbox / "calls"
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHON")}
    path = f"{sandbox / 'bin'}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sandbox / ".ci" / "run"],
        env={**inherited, "PATH": path, "CALLS": str(calls), "FAILING": "", **environment},
        cwd="/",
        input="somebody types\n",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr, calls.read_text().splitlines() if calls.exists() else []


def test_it_runs_tests_demo_and_faults_and_says_how_long(sandbox: Path) -> None:
    status, output, calls = run(sandbox)

    assert status == 0
    assert [call.split(" PYTHON")[0] for call in calls] == ["test CI=true", "demo CI=true", "e2e CI=true"]
    assert re.search(r"<== make test .*: exit 0 after \d+ s", output)
    assert re.search(r"<== make demo .*: exit 0 after \d+ s", output)
    assert re.search(r"<== make e2e .*: exit 0 after \d+ s", output)


def test_it_stops_at_the_first_failure_and_fails(sandbox: Path) -> None:
    status, output, calls = run(sandbox, FAILING="test")

    assert status == 1
    assert [call.split()[0] for call in calls] == ["test"]
    assert "exit 1 after" in output


def test_it_takes_the_python_it_is_given(sandbox: Path) -> None:
    _, _, calls = run(sandbox, PYTHON=sys.executable)

    assert all(call.endswith(f"PYTHON={sys.executable}") for call in calls)


def test_it_passes_over_a_python_that_is_too_old(sandbox: Path) -> None:
    old = sandbox / "bin" / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    newer = sandbox / "bin" / "python3.11"
    newer.symlink_to(sys.executable)

    status, _, calls = run(sandbox)

    assert status == 0
    assert all("bin/python3 " not in f"{call} " for call in calls)


def test_pre_commit_runs_what_lint_runs() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    lint = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert lint

    def tools(text: str) -> set[str]:
        return set(re.findall(r"(?:\$\(BIN\)|\.venv/bin)/((?:ruff (?:check|format))|[\w-]+)", text))

    assert tools(" ".join(hook["entry"] for hook in hooks)) == tools(lint[1])
