"""docs/local-sagemaker.md: each behaviour names a public source and a test that is there."""

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "local-sagemaker.md"
FOLDERS = [
    ROOT / "tests" / kind / area for kind in ("unit", "integration") for area in ("sagemaker_local", "transform")
]
FOLDERS += [ROOT / "tests" / area for area in ("unit/tuning_local", "unit/cloudwatch", "integration/serving")]
UNKNOWN = PAGE.read_text().split("## Not known")[1]
TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")


def rows():
    """The rows of the tables that have tests, as (behaviour, source, test)."""
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        if len(cells) == 3 and cells[2] not in {"test", "---"}:
            yield pytest.param(*cells, id=re.sub(r"\W+", "-", cells[0])[:60])


@functools.cache
def names_in(file):
    tree = ast.parse(file.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("behaviour", "source", "test"), list(rows()))
def test_each_row_names_a_test_that_is_there(behaviour, source, test):
    file, name = TEST.fullmatch(test).groups()
    found = [folder / file for folder in FOLDERS if (folder / file).exists()]
    assert any(name in names_in(each) for each in found)


@pytest.mark.parametrize(("behaviour", "source", "test"), list(rows()))
def test_each_row_has_a_public_source_unless_it_is_not_known(behaviour, source, test):
    assert f"| {behaviour} |" in UNKNOWN or all(each.startswith("https://") for each in source.split())


def test_there_are_rows():
    assert len(list(rows())) > 50
