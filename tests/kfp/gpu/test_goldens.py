"""What a placed step compiles to, whole, for each kind of nodes; UPDATE_GOLDENS=1 writes it again."""

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sagebridge_kfp import on_gpu
from support import kfp_goldens
from support.kfp_driver import Documents

from tests.kfp.gpu.pipelines import PIPELINES
from tests.kfp.gpu.steps import compiled, placed
from tests.kfp.gpu.wishes import WISHES

HERE = Path(__file__).parent / "goldens"
NAMES = [*WISHES, *PIPELINES]


def as_yaml(found: Documents) -> str:
    ir, platform = found
    shown = {name: value for name, value in ir.items() if name != "sdkVersion"}
    return yaml.safe_dump_all([shown, platform], sort_keys=True, width=120)


@pytest.mark.parametrize("name", NAMES)
def test_steps_compile_to_those_of_the_goldens(name: str, tmp_path: Path) -> None:
    steps = compiled(PIPELINES[name], tmp_path) if name in PIPELINES else placed(tmp_path, **WISHES[name].step)
    found = as_yaml(steps)
    golden = HERE / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(found)

    assert found == golden.read_text()


def test_there_is_a_step_for_every_golden() -> None:
    assert {path.stem for path in HERE.glob("*.yaml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_golden_has_the_shape_that_kubeflow_pipelines_reads(name: str) -> None:
    ir, platform = kfp_goldens.read(HERE / f"{name}.yaml")
    kfp_goldens.check_shape(HERE / f"{name}.yaml")

    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    assert executors.keys() <= ir["deploymentSpec"]["executors"].keys()


def arguments_of_goldens() -> Iterator[tuple[str, Any]]:
    for wish in WISHES.values():
        yield from wish.step.items()


def test_every_option_is_in_a_golden() -> None:
    options = set(inspect.signature(on_gpu).parameters) - {"task"}

    assert {name for name, _ in arguments_of_goldens()} == options
    assert {value for name, value in arguments_of_goldens() if name == "spot"} == {"Avoid", "Prefer", "Require"}
    ways = [value for name, value in arguments_of_goldens() if name == "gpu"]
    assert {type(way) for way in ways} == {int, str, dict}
    assert set().union(*(way for way in ways if isinstance(way, dict))) == {
        "allowShared",
        "count",
        "product",
        "resourceName",
    }
