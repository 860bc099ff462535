"""What pipelines compile to, and what is kept of it beside the tests; UPDATE_GOLDENS=1 writes that again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from kfp import compiler, components
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from support.kfp_driver import Documents


def check(pipeline: Any, golden: Path, directory: Path) -> None:
    """Compare what a pipeline compiles to with what is kept, whole."""
    path = directory / golden.name
    compiler.Compiler().compile(pipeline, str(path))
    if os.environ.get("UPDATE_GOLDENS"):
        golden.write_text(path.read_text())
    assert path.read_text() == golden.read_text(), "see what changed; UPDATE_GOLDENS=1 accepts it"


def read(path: Path) -> Documents:
    """A compiled pipeline's specification, and that of its platform."""
    specification, platform = yaml.safe_load_all(path.read_text())
    return specification, platform


def check_shape(path: Path) -> None:
    """Read a compiled pipeline by KFP's own messages, which refuse unknown fields and values of another type."""
    specification, platform = read(path)
    json_format.ParseDict(specification, pipeline_spec_pb2.PipelineSpec())
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    for executor in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        json_format.ParseDict(executor, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


def name_of(path: Path) -> str:
    """A compiled pipeline's name, as kfp reads it."""
    return str(components.load_component_from_file(str(path)).name)
