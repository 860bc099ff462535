"""The compiled components and the reference pages are those of this code."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from sagebridge_kfp import compat, ops
from support import kfp_goldens

ROOT = Path(__file__).parents[2]


def generator() -> ModuleType:
    path = ROOT / "tools" / "generate_kfp_components.py"
    specification = importlib.util.spec_from_file_location("generate_kfp_components", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


GENERATOR = generator()
FILES: dict[str, str] = GENERATOR.files()


@pytest.mark.parametrize("name", FILES)
def test_what_is_committed_is_what_make_components_writes(name: str) -> None:
    assert (ROOT / name).read_text() == FILES[name], f"{name} is stale: run `make components`"


@pytest.mark.parametrize("folder", [GENERATOR.COMPONENTS, GENERATOR.REFERENCE])
def test_no_file_is_left_of_a_component_that_is_gone(folder: str) -> None:
    assert {f"{folder}/{path.name}" for path in (ROOT / folder).iterdir()} == {
        name for name in FILES if name.startswith(folder)
    }


COMPILED = [name for name in FILES if name.endswith(".yaml")]


def test_every_component_has_a_file() -> None:
    assert len(COMPILED) == len(ops.__all__) + len(compat.__all__)


@pytest.mark.parametrize("name", COMPILED)
def test_a_file_has_the_shape_that_kubeflow_pipelines_reads(name: str) -> None:
    kfp_goldens.check_shape(ROOT / name)
