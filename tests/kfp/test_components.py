"""Components as pipelines compile them; UPDATE_GOLDENS=1 writes the golden again."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sagebridge_kfp
import yaml
from google.protobuf import json_format
from kfp import compiler, components, dsl
from kfp.client import client
from kfp.pipeline_spec import pipeline_spec_pb2
from sagebridge import __version__
from sagebridge_kfp import compat, ops
from sagebridge_kfp.component import IDENTITY, IMAGE_VARIABLE, Op
from support import kfp_goldens
from support.kfp_pipelines import everything
from support.kfp_steps import component

GOLDEN = Path(__file__).parent / "goldens" / "pipeline.yaml"
COMPONENTS = Path(__file__).parents[2] / "kfp_components" / "components"
OWN = sorted(ops.__all__)
NAMES = [*OWN, *(f"compat.{name}" for name in compat.__all__)]


def compiled(pipeline: Any, directory: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pipeline's specification, and that of its platform."""
    path = directory / "compiled.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    return tuple(yaml.safe_load_all(path.read_text()))  # type: ignore[return-value]


def test_what_is_exported_are_components() -> None:
    assert all(isinstance(component(name), Op) for name in NAMES)
    assert set(sagebridge_kfp.__all__) == {*OWN, "on_gpu", "run_on_sagemaker"}
    with pytest.raises(AttributeError, match="no attribute 'TrainOp'"):
        sagebridge_kfp.TrainOp  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_every_input_and_output_is_described_and_typed(name: str) -> None:
    specification = component(name).component_spec
    for each in ((specification.inputs or {}) | (specification.outputs or {})).values():
        assert each.description
        assert each.description.endswith((".", "..."))
    assert specification.description


def test_the_golden_pipeline(tmp_path: Path) -> None:
    kfp_goldens.check(everything, GOLDEN, tmp_path)


def test_kfp_takes_the_golden_pipeline() -> None:
    kfp_goldens.check_shape(GOLDEN)
    assert kfp_goldens.name_of(GOLDEN) == "digits"


def tasks(specification: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """The tasks of all levels of a pipeline, by their components' executors."""
    found: dict[str, list[dict[str, Any]]] = {}
    levels = [specification["root"], *specification["components"].values()]
    for level in levels:
        for task in level.get("dag", {}).get("tasks", {}).values():
            executor = specification["components"][task["componentRef"]["name"]].get("executorLabel")
            if executor:
                found.setdefault(executor, []).append(task)
    return found


def test_the_golden_pipeline_has_every_component() -> None:
    specification, _ = kfp_goldens.read(GOLDEN)
    wanted = {component(name).name for name in OWN}

    assert {re.sub(r"-\d+$", "", executor.removeprefix("exec-")) for executor in tasks(specification)} == wanted


CODE_IN_A_CONFIG_MAP = {"exec-processing-job", "exec-hp-tuning-job", "exec-training-job"}


def test_only_steps_without_an_effect_elsewhere_are_cached() -> None:
    specification, _ = kfp_goldens.read(GOLDEN)
    cached = {
        executor: all(task.get("cachingOptions", {}).get("enableCache", False) for task in all_tasks)
        for executor, all_tasks in tasks(specification).items()
    }

    assert {executor for executor, is_cached in cached.items() if not is_cached} == {
        "exec-delete",
        "exec-endpoint",
        "exec-invoke-endpoint",
        *CODE_IN_A_CONFIG_MAP,
    }
    assert len(cached) == 8, "both uses of the training job count"


def test_every_step_is_told_its_run_and_its_place_in_it() -> None:
    specification, platform = kfp_goldens.read(GOLDEN)
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]

    assert executors.keys() == specification["deploymentSpec"]["executors"].keys()
    for executor in executors.values():
        assert {each["name"]: each["fieldPath"] for each in executor["fieldPathAsEnv"]} == IDENTITY


@pytest.mark.parametrize(
    ("given", "is_cached", "reason"),
    [
        ({"source": "s3://code/a.tar.gz"}, True, "the URI says which code"),
        ({"source": "digits-code"}, False, "a ConfigMap changes under its name"),
        ({"source": ""}, True, "no code"),
        ({"training_job": "digits"}, False, "so does an object"),
    ],
)
def test_what_changes_under_its_name_is_not_cached(
    given: dict[str, str], is_cached: bool, reason: str, tmp_path: Path
) -> None:
    def transform() -> None:
        model = {} if "training_job" in given else {"model_uri": "s3://models/model.tar.gz", "image": "mine:1"}
        code = {"entry_point": "inference.py"} if given.get("source") else {}
        sagebridge_kfp.BatchTransformOp(
            input_uri="s3://data/a", instance_type="ml.m5.large", **{**model, **code, **given}
        )

    specification, _ = compiled(dsl.pipeline(transform, name="transform"), tmp_path)
    [[task]] = tasks(specification).values()

    assert task["cachingOptions"].get("enableCache", False) is is_cached, reason


def arguments(task: dict[str, Any]) -> str:
    return yaml.safe_dump(task.get("inputs", {}))


def test_exactly_what_is_never_cached_has_the_run_among_its_inputs() -> None:
    specification, _ = kfp_goldens.read(GOLDEN)
    of_a_run = {
        executor
        for executor, all_tasks in tasks(specification).items()
        if any(re.search(r"pipeline_job|pipeline_task|pipeline_run", arguments(task)) for task in all_tasks)
    }

    assert of_a_run == {"exec-delete", "exec-endpoint", "exec-invoke-endpoint"}


def clean() -> None:
    """A pipeline's function; an image is named where it is made a pipeline."""
    sagebridge_kfp.DeleteOp(kind="Endpoint", name="digits")


def test_no_run_takes_from_another_one_what_is_never_cached_whatever_its_options(tmp_path: Path) -> None:
    specification, _ = compiled(dsl.pipeline(clean, name="clean"), tmp_path)
    proto = json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
    client._override_caching_options(proto, enable_caching=True)
    [task] = proto.root.dag.tasks.values()

    assert task.caching_options.enable_cache, "that is what a run may ask for"
    # https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/driver/resolve.go: only the whole text counts
    assert task.inputs.parameters["run_id"].runtime_value.constant.string_value == dsl.PIPELINE_JOB_ID_PLACEHOLDER


@pytest.mark.parametrize("name", NAMES)
def test_a_compiled_component_is_a_component(name: str, tmp_path: Path) -> None:
    op = component(name)
    loaded = components.load_component_from_file(str(COMPONENTS / f"{op.name.replace('-', '_')}.yaml"))

    assert loaded.component_spec.inputs.keys() == op.component_spec.inputs.keys() - {"run_id"}, "filled in already"
    assert (loaded.component_spec.outputs or {}).keys() == (op.component_spec.outputs or {}).keys()
    assert sorted(loaded.required_inputs) == sorted(op.required_inputs)


def test_a_compiled_component_brings_its_image_identity_and_caching_into_a_pipeline(tmp_path: Path) -> None:
    delete = components.load_component_from_file(str(COMPONENTS / "delete.yaml"))

    @dsl.pipeline(name="clean")
    def clean() -> None:
        delete(kind="Endpoint", name="digits")

    specification, platform = compiled(clean, tmp_path)
    [executor] = specification["deploymentSpec"]["executors"].values()
    [settings] = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values()
    [[task]] = tasks(specification).values()
    assert executor["container"]["image"] == f"ghcr.io/sagebridge/sagebridge-kfp:{__version__}"
    assert {each["name"] for each in settings["fieldPathAsEnv"]} == set(IDENTITY)
    assert not task["cachingOptions"]


def test_another_image_is_named_where_the_pipeline_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE_VARIABLE, "registry.example.com/sagebridge-kfp:mine")
    specification, _ = compiled(dsl.pipeline(clean, name="clean"), tmp_path)
    [executor] = specification["deploymentSpec"]["executors"].values()
    assert executor["container"]["image"] == "registry.example.com/sagebridge-kfp:mine"


def test_a_misspelt_input_is_refused_when_the_pipeline_is_written() -> None:
    with pytest.raises(TypeError, match='unexpected keyword argument "instancetype"'):
        sagebridge_kfp.TrainingJobOp(algorithm="xgboost", instancetype="ml.m5.large")


@pytest.mark.parametrize("name", NAMES)
def test_a_step_finds_its_function_without_the_compiler_of_pipelines(name: str, tmp_path: Path) -> None:
    op = component(name)
    [*_, source] = op.component_spec.implementation.container.command
    (tmp_path / "ephemeral_component.py").write_text(source)
    program = (
        "import sys, ephemeral_component as found; "
        f"print(found.{op.python_func.__name__}.__name__); "
        "print(*sys.modules.keys() & {'google.protobuf', 'google.cloud', 'kfp_server_api', 'docstring_parser', 'kopf'})"
    )

    told = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "_KFP_RUNTIME": "true"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.splitlines() == [name.removeprefix("compat."), ""]


@pytest.mark.parametrize("name", NAMES)
def test_all_inputs_are_named(name: str) -> None:
    kinds = {each.kind for each in inspect.signature(component(name).python_func).parameters.values()}

    assert kinds == {inspect.Parameter.KEYWORD_ONLY}
