"""The page of the digits' pipeline, typed as it stands: kfp.local before the local stack, whose jobs really train."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from examples.pages import Page
from sagebridge_local.stack import LocalStack

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "examples/pipelines/digits/README.md"
ALGORITHMS = {"logistic-regression", "k-nearest-neighbors", "random-forest"}


@pytest.fixture
def page(tmp_path: Path) -> Page:
    own = {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "KUBECACHEDIR": str(tmp_path / "kubectl"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1",
    }
    changes = {
        ". .venv/bin/activate": f". '{sys.prefix}/bin/activate'",
        "/tmp/held-out.csv": str(tmp_path / "held-out.csv"),
    }
    return Page(path=PAGE, environment=os.environ | own, directory=ROOT, changes=changes)


@pytest.mark.controlplane
def test_every_command_works(page: Page, tmp_path: Path) -> None:
    try:
        output = page.follow(*page.commands)
    finally:
        left = LocalStack(tmp_path / "state/sagebridge/local").down()

    page.assert_shown(output)
    scored = re.search(r"^(\d+) of (\d+) digits are right$", output, re.MULTILINE)
    assert scored
    assert int(scored[1]) >= 0.9 * int(scored[2])
    assert len(re.findall(r"^ *epoch=\d+ ", output, re.MULTILINE)) >= 12, "each step shows its job's log"
    assert set(re.findall(r"^ *(\S+) train:accuracy=", output, re.MULTILINE)) == ALGORITHMS, "and each iteration"
    achieved = re.findall(r"^(\S+)-\w+ +(0\.\d+)$", output, re.MULTILINE)
    assert sorted(name for name, accuracy in achieved if float(accuracy) >= 0.9) == ["best", *sorted(ALGORITHMS)]
    assert "log can't be shown" not in output
    assert len(re.findall(r"^trainingjob\S+ +Completed ", output, re.MULTILINE)) == 4
    deleted = re.findall(r'^(\w+)\.sagebridge\.io "\S+" deleted', output, re.MULTILINE)
    assert sorted(deleted) == ["batchtransform", "hptuningjob", *["trainingjob"] * 4], "the endpoint has gone before"
    assert left == []
