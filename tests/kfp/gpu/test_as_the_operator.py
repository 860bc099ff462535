"""A step's pod is what the operator's own placement gives for a job that asks for the same, field by field."""

from pathlib import Path

import pytest
from sagebridge.core.placement import Placement, place
from support.kfp_driver import Step, drive

from tests.kfp.gpu.steps import placed
from tests.kfp.gpu.wishes import WISHES

OPERATORS = {name: place(wish.job) for name, wish in WISHES.items()}


@pytest.fixture(params=WISHES)
def pair(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Step, Placement]:
    return drive(placed(tmp_path, **WISHES[request.param].step)), OPERATORS[request.param]


def test_requests_and_limits(pair: tuple[Step, Placement]) -> None:
    step, operator = pair

    assert step.pod["resources"] == operator.resources


def test_affinity(pair: tuple[Step, Placement]) -> None:
    step, operator = pair

    assert step.pod["affinity"] == operator.affinity


def test_tolerations(pair: tuple[Step, Placement]) -> None:
    step, operator = pair

    assert step.pod["tolerations"] == [dict(each) for each in operator.tolerations]


def test_node_selector(pair: tuple[Step, Placement]) -> None:
    step, operator = pair

    assert step.pod["node_selector"] == operator.node_selector


def test_environment(pair: tuple[Step, Placement]) -> None:
    step, operator = pair

    assert step.pod["environment"] == operator.environment


@pytest.mark.parametrize("name", sorted(set(WISHES) - {"everything"}))
def test_shared_memory(name: str, tmp_path: Path) -> None:
    (mount,) = drive(placed(tmp_path, **WISHES[name].step)).shared_memory

    assert (mount["mountPath"], mount["medium"], mount["sizeLimit"]) == (
        "/dev/shm",
        "Memory",
        OPERATORS[name].shared_memory,
    )


def test_most_of_these_have_accelerators() -> None:
    assert sum(bool(each.gpus or each.neurons) for each in OPERATORS.values()) == len(WISHES) - 1
