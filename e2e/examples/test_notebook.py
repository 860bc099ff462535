"""The notebook, cell by cell, on a local stack: it trains, deploys and asks for real."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sagebridge_local.stack import LocalStack

NOTEBOOK = Path(__file__).parents[2] / "examples/pipelines/notebook/digits.ipynb"
BIN = Path(sys.prefix) / "bin"


def cells() -> list[str]:
    """What a person runs; what the shell is told before is there."""
    written = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in written if cell["cell_type"] == "code"]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """That of a shell in which `sagebridge local up` and `env` were typed."""
    own = {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    typed = 'sagebridge local up >&2 && eval "$(sagebridge local env)" && env --null'
    try:
        told = subprocess.check_output(["bash", "-c", typed], env=os.environ | own, text=True)
        yield dict(line.split("=", 1) for line in told.rstrip("\0").split("\0"))
    finally:
        LocalStack(tmp_path / "state/sagebridge/local").down()


@pytest.mark.controlplane
def test_every_cell_works(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "cells.py").write_text("\n\n".join(cells()))
    (tmp_path / "work").mkdir()
    answer = subprocess.run(
        [sys.executable, "-P", tmp_path / "cells.py"],
        cwd=tmp_path / "work",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    output = answer.stdout
    assert answer.returncode == 0, output + answer.stderr
    [small] = re.findall(r"^metrics: \{'accuracy': ([0-9.]+)\}$", output, re.MULTILINE)
    [large] = re.findall(r"^accuracy: ([0-9.]+)$", output, re.MULTILINE)
    assert 0.5 < float(small) < float(large) <= 1.0, "more trees read better"
    [right] = re.findall(r"^(\d+) of 100 digits are right$", output, re.MULTILINE)
    assert int(right) >= 90
    assert "Endpoint notebook-digits is gone." in output
    assert "good-enough" in (tmp_path / "work/notebook-digits.yaml").read_text()
