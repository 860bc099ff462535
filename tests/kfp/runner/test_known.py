"""What the runner does not know of pipelines, it refuses by name."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from support.kfp_runner import Compiled, Place, Run

AS_IT_IS = {"base_image": "python:3.11", "install_kfp_package": False}


@dsl.component(**AS_IT_IS)
def say(word: str = "a") -> str:
    return word


@dsl.component(**AS_IT_IS)
def tell(status: dsl.PipelineTaskFinalStatus):
    print(status)


@dsl.component(**AS_IT_IS)
def make(model: dsl.Output[dsl.Model]):
    model.metadata["is"] = "made"


@dsl.component(**AS_IT_IS)
def use(model: dsl.Input[dsl.Model]):
    print(model)


@dsl.component(**AS_IT_IS)
def join(words: list):
    print(words)


@dsl.component(**AS_IT_IS)
def place(config: dsl.TaskConfig):
    print(config)


@dsl.container_component
def greet(name: str = "") -> dsl.ContainerSpec:
    words = [dsl.IfPresentPlaceholder("name", then=["--name", name]), dsl.ConcatPlaceholder(["--from=", name])]
    return dsl.ContainerSpec(image="python:3.11", command=["greet"], args=words)


def importer() -> None:
    use(model=dsl.importer(artifact_uri="s3://a/b", artifact_class=dsl.Model).output)


def collected() -> None:
    with dsl.ParallelFor(["a", "b"]) as word:
        said = say(word=word)
    join(words=dsl.Collected(said.output))


def one_of_parameters() -> None:
    with dsl.If(say().output == "a"):
        one = say()
    with dsl.Else():
        other = say()
    say(word=dsl.OneOf(one.output, other.output))


def one_of_artifacts() -> None:
    with dsl.If(say().output == "a"):
        one = make()
    with dsl.Else():
        other = make()
    use(model=dsl.OneOf(one.outputs["model"], other.outputs["model"]))


def final_status() -> None:
    with dsl.ExitHandler(tell()):
        say()


def cache_key() -> None:
    say().set_caching_options(enable_caching=True, cache_key="mine")


def task_config() -> None:
    place()


def conditional_words() -> None:
    greet()


def time() -> None:
    say(word=dsl.PIPELINE_JOB_CREATE_TIME_UTC_PLACEHOLDER)


@pytest.mark.parametrize(
    ("pipeline", "name"),
    [
        (importer, r"importer \(exec-importer\)"),
        (collected, r"dsl.Collected \(for-loop-2\)"),
        (one_of_parameters, "dsl.OneOf"),
        (one_of_artifacts, "dsl.OneOf"),
        (final_status, r"dsl.PipelineTaskFinalStatus \(tell\)"),
        (cache_key, r"cache key of one's own \(say\)"),
        (task_config, "dsl.TaskConfig"),
        (conditional_words, r"IfPresent \(exec-greet\), Concat \(exec-greet\)"),
        (time, r"placeholder \{\{\$.pipeline_job_create_time_utc\}\} \(say\)"),
    ],
)
def test_it_is_refused_before_anything_runs(pipeline: Callable[..., Any], name: str, tmp_path: Path) -> None:
    compiled = Compiled.of(dsl.pipeline(name="words")(pipeline), tmp_path)
    with pytest.raises(NotImplementedError, match=f"this runner has no {name}"):
        Run(compiled, place=Place(directory=tmp_path))


WORKSPACE = {"data": {"runtimeValue": {"constant": "{{$.workspace_path}}/data"}}}


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ({"artifactIterator": {}}, "dsl.ParallelFor over artifacts"),
        ({"inputs": {"parameters": WORKSPACE}}, r"placeholder \{\{\$.workspace_path\}\}/data"),
    ],
)
def test_so_is_what_a_pipeline_seldom_compiles_to(task: dict[str, Any], name: str, tmp_path: Path) -> None:
    root = {"dag": {"tasks": {"one": {**task, "componentRef": {"name": "comp-one"}}}}}
    compiled = Compiled(name="words", root=root, components={"comp-one": {}}, executors={}, platform={})
    with pytest.raises(NotImplementedError, match=rf"this runner has no {name} \(one\)"):
        Run(compiled, place=Place(directory=tmp_path))
