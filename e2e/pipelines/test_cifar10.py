"""The CIFAR-10 pipelines, followed as their page tells, on a local stack: searched, trained, deployed and asked."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from examples.pages import Page
from sagebridge_local.stack import LocalStack

pytestmark = pytest.mark.controlplane

ROOT = Path(__file__).parents[2]
EXAMPLE = Path("examples/pipelines/cifar10")
RIGHT = re.compile(r"^(\d+) of 50 pictures told right$", re.MULTILINE)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of the repository, as far as the page needs one."""
    directory = tmp_path_factory.mktemp("cifar10")
    shutil.copytree(ROOT / EXAMPLE, directory / EXAMPLE, ignore=shutil.ignore_patterns("*.yaml", "*.bin"))
    return directory


@pytest.fixture(scope="module")
def begun(clone: Path) -> Iterator[tuple[dict[str, str], LocalStack]]:
    """The stack, with the pictures, the code and the compiled pipelines; and what its end leaves."""
    quick = {"SAGEBRIDGE_POLL_INTERVAL_SECONDS": "1", "KUBECACHEDIR": str(clone / "kubectl")}
    environment = os.environ | {"XDG_STATE_HOME": str(clone / "state"), "PYTHONDONTWRITEBYTECODE": "1"} | quick
    activation = {". .venv/bin/activate": f". '{sys.prefix}/bin/activate'"}
    begin = Page(path=clone / EXAMPLE / "README.md", environment=environment, directory=clone, changes=activation)
    up, prepare, *_, end = begin.commands
    stack = LocalStack(clone / "state/sagebridge/local")
    try:
        begin.follow(up, prepare, f"export CODE; env --null > '{clone}/environment'")
        written = (clone / "environment").read_text().rstrip("\0").split("\0")
        shell = dict(line.split("=", 1) for line in written)
        yield shell, stack
        Page(path=begin.path, environment=shell, directory=clone).follow(end)
        assert stack.status() == []
    finally:
        stack.down()


@pytest.mark.parametrize(("name", "block"), [("script-mode", 2), ("own-container", 3)])
def test_a_pipeline(name: str, block: int, clone: Path, begun: tuple[dict[str, str], LocalStack]) -> None:
    shell, stack = begun
    page = Page(path=clone / EXAMPLE / "README.md", environment=shell, directory=clone / EXAMPLE)

    output = page.follow(page.commands[block])

    assert f"The endpoint is cifar10-{name}" in output
    [right] = RIGHT.findall(output)
    assert int(right) >= 40
    sagemaker = stack.simulator.client("sagemaker")
    assert trials_of(sagemaker, f"cifar10-{name}") == 4
    [model] = models_of(sagemaker, f"cifar10-{name}")
    assert model["EnableNetworkIsolation"] is False


def models_of(sagemaker: Any, endpoint: str) -> list[dict[str, Any]]:
    """The models that an endpoint serves."""
    config = sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
    variants = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    return [sagemaker.describe_model(ModelName=each["ModelName"]) for each in variants]


def trials_of(sagemaker: Any, endpoint: str) -> int:
    """How many trials the search had that came before the endpoint's model: that of the same image."""
    [model] = models_of(sagemaker, endpoint)
    image = model["PrimaryContainer"]["Image"]
    searches = [
        sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=each["HyperParameterTuningJobName"])
        for each in sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    ]
    return sum(
        each["TrainingJobStatusCounters"]["Completed"]
        for each in searches
        if each["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"] == image
    )
