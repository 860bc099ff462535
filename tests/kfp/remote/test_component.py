"""A wrapped component, as pipelines compile it; UPDATE_GOLDENS=1 writes the golden again."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, dsl
from kfp.dsl import Artifact, Input
from kfp.local.subprocess_task_handler import replace_python_executable
from sagebridge_kfp import run_on_sagemaker
from sagebridge_kfp.component import IDENTITY, IMAGE_VARIABLE
from sagebridge_kfp.remote.command import Command
from sagebridge_kfp.remote.component import STAGING_VARIABLE
from sagebridge_kfp.remote.settings import Settings
from support import kfp_goldens

from .components import IMAGE, STAGING, WHERE, fit, pipeline_of

GOLDEN = Path(__file__).parent / "goldens" / "pipeline.yaml"

EVERYTHING = {
    "job": "Training",
    "image": IMAGE,
    "instance_count": 2,
    "volume_size_gb": 50,
    "max_runtime_seconds": 600,
    "spot": True,
    "max_wait_seconds": 900,
    "role_arn": "arn:aws:iam::123456789012:role/training",
    "region": "eu-west-1",
    "subnets": ("subnet-1",),
    "security_group_ids": ("sg-1",),
    "environment": {"LEVEL": "debug"},
    "tags": {"team": "a"},
    "retry_limit": 2,
    "deletion_policy": "Stop",
    "copy_inputs": True,
    "max_results_gb": 40,
    "name": "digits",
    "spec_overrides": {"enableNetworkIsolation": True},
}


@dsl.component(base_image=IMAGE)
def read(all_of_them: Input[list[Artifact]]) -> int:  # type: ignore[type-var]
    """Count artifacts."""
    return len(all_of_them)


@pytest.mark.parametrize("component", [fit, read])
def test_the_interface_is_the_components(component: Any) -> None:
    remote = run_on_sagemaker(component, **WHERE)

    assert remote.name == component.name
    assert remote.component_spec.inputs == component.component_spec.inputs
    assert remote.component_spec.outputs == component.component_spec.outputs
    assert remote.required_inputs == component.required_inputs
    assert remote.__doc__ == component.python_func.__doc__


def test_the_component_stays_as_it_was() -> None:
    before = fit.component_spec.implementation.container
    run_on_sagemaker(fit, **WHERE)

    assert fit.component_spec.implementation.container == before
    assert before.image == IMAGE


def test_the_golden_pipeline(tmp_path: Path) -> None:
    kfp_goldens.check(pipeline_of("Training"), GOLDEN, tmp_path)


def test_kfp_takes_the_golden_pipeline() -> None:
    kfp_goldens.check_shape(GOLDEN)
    assert kfp_goldens.name_of(GOLDEN) == "sides-training"


def test_a_task_knows_its_run_and_is_cached_as_the_component_is() -> None:
    specification, platform = kfp_goldens.read(GOLDEN)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]

    assert list(executors) == ["exec-fit"], "no other step is told"
    assert {each["name"]: each["fieldPath"] for each in executors["exec-fit"]["fieldPathAsEnv"]} == IDENTITY
    assert specification["root"]["dag"]["tasks"]["fit"]["cachingOptions"] == {"enableCache": True}


def test_the_step_runs_in_the_steps_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE_VARIABLE, "registry.example.com/sagebridge-kfp:mine")
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline_of("Processing"), str(path))
    specification, _ = yaml.safe_load_all(path.read_text())

    container = specification["deploymentSpec"]["executors"]["exec-fit"]["container"]
    assert container["image"] == "registry.example.com/sagebridge-kfp:mine"


def test_the_settings_reach_the_step_whole() -> None:
    settings = run_on_sagemaker(fit, **WHERE, **EVERYTHING).settings

    assert Settings.of_text(settings.to_text()) == settings
    assert {key: getattr(settings, key) for key in EVERYTHING} == EVERYTHING


def test_what_is_as_by_default_is_not_carried() -> None:
    told = yaml.safe_load(run_on_sagemaker(fit, **WHERE).settings.to_text())

    assert told == {"component": "fit", "image": IMAGE, **WHERE}


def test_the_step_reads_the_components_own_command() -> None:
    container = run_on_sagemaker(fit, **WHERE).component_spec.implementation.container
    given = '{"outputs": {"outputFile": "/tmp/out"}}'
    arguments = [*container.command[3:], *(given if each == "{{$}}" else each for each in container.args)]
    own = fit.component_spec.implementation.container

    command = Command.of(arguments)

    assert list(command.words) == [*own.command, *own.args]
    assert command.executor_input == {"outputs": {"outputFile": "/tmp/out"}}


@dsl.component(base_image=IMAGE)
def named() -> str:
    """Name interpreters."""
    return "python3, /usr/bin/python3, PYTHON"


def test_what_kfp_local_puts_in_the_place_of_python_does_not_reach_the_job() -> None:
    container = run_on_sagemaker(named, **WHERE, name="python3").component_spec.implementation.container
    given = '{"inputs": {"parameterValues": {"a": "python3"}}, "outputs": {"outputFile": "/tmp/out"}}'
    # A source that names the very Python that runs the step.
    words = [each.replace("PYTHON", sys.executable) for each in container.command]
    arguments = [*words, *(given if each == "{{$}}" else each for each in container.args)]
    replaced = replace_python_executable(arguments, sys.executable)

    assert replaced != arguments
    assert Command.of(replaced[3:]) == Command.of(arguments[3:])
    assert any(sys.executable in word for word in Command.of(replaced[3:]).words)


def test_the_staging_prefix_may_be_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STAGING_VARIABLE, STAGING)

    assert run_on_sagemaker(fit, instance_type="ml.m5.large").settings.staging == STAGING
