"""The README's first mile, typed as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sagebridge_local.stack import LocalStack

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"^## A first manifest\n(.*?)^## ", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    section = SECTION.search((ROOT / "README.md").read_text())
    assert section
    return re.findall(r"^```sh\n(.*?)^```", section.group(1), re.MULTILINE | re.DOTALL)


def typed(work: Path) -> str:
    """The commands, with what a person does by hand: Ctrl-C for the watch, and a folder of one's own."""
    script = "\n".join(["set -euo pipefail", *commands()])
    changes = {
        "\nmake setup\n": "\nmake --dry-run setup >&2\n",
        ". .venv/bin/activate": f". '{sys.prefix}/bin/activate'",
        "digits --watch\n": "digits --watch & sleep 1; kill $! || true\n",
    }
    for before, after in changes.items():
        assert script.count(before) == 1, before
        script = script.replace(before, after)
    assert script.count("/tmp/held-out.csv") == 3
    return script.replace("/tmp/held-out.csv", f"{work}/held-out.csv")


@pytest.mark.controlplane
def test_every_command_works(tmp_path: Path) -> None:
    own = {"XDG_STATE_HOME": str(tmp_path / "state"), "KUBECACHEDIR": str(tmp_path / "kubectl")}
    command = ["bash", "-c", typed(tmp_path)]
    try:
        answer = subprocess.run(command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=False)
    finally:
        left = LocalStack(tmp_path / "state/sagebridge/local").down()
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "epoch=20 " in answer.stdout
    assert "condition met" in answer.stdout
    assert re.search(r"^s3://sagebridge-local/\S+/model\.tar\.gz$", answer.stdout, re.MULTILINE)
    assert "Reason:  Completed" in re.sub(r"Reason: +", "Reason:  ", answer.stdout)
    assert re.search(r"^batchtransform\S+/digits +Completed ", answer.stdout, re.MULTILINE)
    assert re.search(r"^endpoint\S+/digits +InService +InService ", answer.stdout, re.MULTILINE)
    assert '"tunedHyperParameters":{' in answer.stdout
    scored = re.search(r"^(\d+) of (\d+) digits are right$", answer.stdout, re.MULTILINE)
    assert scored
    assert int(scored[1]) / int(scored[2]) >= 0.9
    told = re.search(r"^(\d+) of (\d+) digits read right; answered by: tuned (\d+)$", answer.stdout, re.MULTILINE)
    assert told
    right, rows, answered = map(int, told.groups())
    assert rows == answered == len((tmp_path / "held-out.csv").read_text().splitlines())
    assert right / rows >= 0.9
    both = re.search(r"answered by: (\w+) \d+, (\w+) \d+$", answer.stdout, re.MULTILINE)
    assert both
    assert set(both.groups()) == {"tuned", "trained"}
    assert answer.stdout.count(" deleted") == 4
    assert left == []
