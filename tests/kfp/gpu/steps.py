"""Steps to be placed, and what a pipeline of them compiles to."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kfp import compiler, dsl
from sagebridge_kfp import on_gpu
from support import kfp_goldens
from support.kfp_driver import Documents


@dsl.container_component
def train(data: str = "s3://team-a/digits") -> dsl.ContainerSpec:
    """A step of which the container is all that counts."""
    return dsl.ContainerSpec(image="team-a/train:1", command=["train"], args=[data])


@dsl.component(base_image="python:3.11")
def lightweight(data: str = "s3://team-a/digits") -> str:
    """A step that is a function."""
    return data


def compiled(body: Callable[..., Any], path: Path) -> Documents:
    """What a pipeline compiles to, by way of the file that KFP is given."""
    package = path / "pipeline.yaml"
    compiler.Compiler().compile(dsl.pipeline(name="digits")(body), str(package))
    return kfp_goldens.read(package)


def placed(path: Path, **arguments: Any) -> Documents:
    """What a pipeline of one placed step compiles to."""

    def body() -> None:
        on_gpu(train(), **arguments)

    return compiled(body, path)
