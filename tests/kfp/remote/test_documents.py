"""What docs/pipelines/remote.md shows can be done, and it leaves no argument out."""

import importlib.util
import inspect
import json
import re
from pathlib import Path

import pytest
from kfp import components
from sagebridge_kfp import run_on_sagemaker

PAGE = (Path(__file__).parents[3] / "docs" / "pipelines" / "remote.md").read_text()


def test_the_pipeline_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    # A file, for kfp reads the source of components.
    file = tmp_path / "forest.py"
    file.write_text(program)
    specification = importlib.util.spec_from_file_location("forest", file)
    assert specification is not None
    assert specification.loader is not None
    specification.loader.exec_module(importlib.util.module_from_spec(specification))

    assert components.load_component_from_file("forest.yaml").name == "forest"


def test_every_argument_is_told() -> None:
    [table] = re.findall(r"\| argument \|.*?\n\n", PAGE, re.DOTALL)
    first_cells = " ".join(row.split("|")[1] for row in table.splitlines() if row)

    assert set(re.findall(r"`(\w+)`", first_cells)) == set(inspect.signature(run_on_sagemaker).parameters)


def test_the_policy_is_one() -> None:
    [policy] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)

    [statement] = json.loads(policy)["Statement"]
    assert statement["Action"] == ["s3:GetObject", "s3:PutObject"]
