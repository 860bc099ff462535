"""Where no node can run, or not the one that a test needs, tests say why in one line; under CI that is a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OTHERWISE = """
import os, platform, sys
import pytest
{pretence}
sys.exit(pytest.main(["-q", "-rs", "-p", "no:cacheprovider", "e2e/node/{test}"]))
"""
ANY = "test_node.py::test_the_node_is_ready"
OWN = "test_own_images.py::test_the_same_code_is_the_same_image[operator_image]"
NOT_ROOT = "os.geteuid = lambda: 1000"
NOT_LINUX = "platform.system = lambda: 'Darwin'"
NO_DAEMON = "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n"
DAEMON = "#!/bin/sh\necho 29.0.0\n"
CASES = [
    (NOT_ROOT, {}, ANY, "No node: a node needs root"),
    (NOT_LINUX, {}, ANY, "No node: a node needs Linux; this is Darwin"),
    (NOT_ROOT, {"docker": NO_DAEMON, "kind": DAEMON}, ANY, "its daemon can't be reached: Cannot connect to the Docker"),
    (NOT_ROOT, {"docker": DAEMON, "kind": DAEMON}, OWN, "No node of our own: elsewhere docker makes the image"),
]


def run(pretence: str, test: str, programs: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "CI"} | {"PATH": str(programs)}
    command = [sys.executable, "-c", OTHERWISE.format(pretence=pretence, test=test)]
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, text=True, check=False)


def install(contents: dict[str, str], directory: Path) -> Path:
    for name, content in contents.items():
        (directory / name).write_text(content)
        (directory / name).chmod(0o755)
    return directory


@pytest.mark.parametrize(("pretence", "programs", "test", "want"), CASES)
def test_elsewhere_the_tests_are_skipped_with_a_reason(
    pretence: str, programs: dict[str, str], test: str, want: str, tmp_path: Path
) -> None:
    done = run(pretence, test, install(programs, tmp_path))

    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if want in line], done.stdout
    assert "1 skipped" in done.stdout


@pytest.mark.parametrize(("pretence", "programs", "test", "want"), [CASES[0], CASES[-1]])
def test_under_ci_that_is_a_failure(
    pretence: str, programs: dict[str, str], test: str, want: str, tmp_path: Path
) -> None:
    done = run(pretence, test, install(programs, tmp_path), CI="true")

    assert done.returncode == 1
    assert want in done.stdout
    assert "(CI is set)" in done.stdout
