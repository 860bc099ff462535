"""What docs/pipelines.md and the page on migration show can be done."""

import re
from pathlib import Path

import pytest
from kfp import components
from sagebridge_kfp import ops
from support.kfp_steps import component

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "pipelines.md").read_text()


@pytest.mark.parametrize(("page", "name"), [("pipelines", "digits"), ("pipelines/migration", "train-and-deploy")])
def test_the_pipeline_compiles(page: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [program] = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / f"{page}.md").read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)

    exec(compile(program, f"docs/{page}.md", "exec"), {"__name__": "__main__"})

    assert components.load_component_from_file(f"{name}.yaml").name == name


@pytest.mark.parametrize("name", sorted(ops.__all__))
def test_what_a_component_gives_on_is_told(name: str) -> None:
    [row] = re.findall(rf"^\| \[{name}\]\(.*?\) \|.*?\|(.*)\|$", PAGE, re.MULTILINE)

    outputs = set(component(name).component_spec.outputs or ())
    assert outputs == set(re.findall(r"`(\w+)`", row)) | (outputs & {"object_name"})
