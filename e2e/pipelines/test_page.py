"""The pages of the digits' pipelines, typed as they stand: kfp.local, and the local stack, whose jobs really train."""

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
FIRST = ROOT / "docs/pipelines.md"
ALGORITHMS = {"logistic-regression", "k-nearest-neighbors", "random-forest"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    own = {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "KUBECACHEDIR": str(tmp_path / "kubectl"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1",
    }
    return os.environ | own


@pytest.fixture
def changes(tmp_path: Path) -> dict[str, str]:
    return {
        ". .venv/bin/activate": f". '{sys.prefix}/bin/activate'",
        "/tmp/held-out.csv": str(tmp_path / "held-out.csv"),
    }


@pytest.fixture
def page(environment: dict[str, str], changes: dict[str, str]) -> Page:
    return Page(path=PAGE, environment=environment, directory=ROOT, changes=changes)


@pytest.fixture
def first(tmp_path: Path, environment: dict[str, str], changes: dict[str, str]) -> Page:
    """The first pipeline of all, saved where the examples are."""
    clone = tmp_path / "clone"
    clone.mkdir()
    (clone / "examples").symlink_to(ROOT / "examples")
    [program] = re.findall(r"```python\n(.*?)```", FIRST.read_text(), re.DOTALL)
    (clone / "digits.py").write_text(program)
    return Page(path=FIRST, environment=environment, directory=clone, changes=changes | {"make setup": "true"})


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


@pytest.mark.controlplane
def test_the_first_pipeline_works_by_its_page(first: Page, tmp_path: Path) -> None:
    try:
        output = first.follow(*first.commands)
    finally:
        left = LocalStack(tmp_path / "state/sagebridge/local").down()

    first.assert_shown(output)
    assert len(re.findall(r"^ *epoch=\d+ ", output, re.MULTILINE)) >= 5, "the job's log is shown"
    shown = re.findall(r"^(\w+)\.sagebridge\.io/(\w+)\S* +(?:Completed|InService) ", output, re.MULTILINE)
    assert shown == [("hptuningjob", "search"), ("trainingjob", "best"), ("endpoint", "digits")]
    assert "name: digits\n" in (first.directory / "digits.yaml").read_text()
    assert left == []
