"""What KFP itself makes of a pipeline with placed steps: it loads it again, and runs it on this machine."""

from pathlib import Path

import pytest
import yaml
from kfp import compiler, components, dsl, local
from kfp.local.config import LocalExecutionConfig
from sagebridge_kfp import on_gpu

from tests.kfp.gpu.steps import train

G5 = "ml.g5.12xlarge"


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def double(number: int) -> int:
    return 2 * number


@dsl.pipeline(name="doubled")
def doubled(number: int = 3) -> int:
    first = on_gpu(double(number=number), instance_type=G5, spot="Prefer")
    return on_gpu(double(number=first.output), instance_type="ml.p4d.24xlarge", gpu=1).output


def test_a_compiled_pipeline_is_a_component_of_others(tmp_path: Path) -> None:
    package, outer = tmp_path / "inner.yaml", tmp_path / "outer.yaml"

    @dsl.pipeline(name="inner")
    def inner() -> None:
        on_gpu(train(), instance_type=G5)

    compiler.Compiler().compile(inner, str(package))
    loaded = components.load_component_from_file(str(package))

    @dsl.pipeline(name="outer")
    def pipeline() -> None:
        loaded()

    compiler.Compiler().compile(pipeline, str(outer))
    platforms = [list(yaml.safe_load_all(path.read_text()))[1] for path in (package, outer)]

    assert platforms[0] == platforms[1]


def test_a_run_on_this_machine_has_no_nodes_to_choose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalExecutionConfig, "instance", None)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path))

    assert doubled(number=5).output == 20
