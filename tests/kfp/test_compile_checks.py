"""Constants that the step is certain to refuse are refused where the pipeline is compiled; all else is left to it."""

from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, dsl
from sagebridge_kfp.compile_checks import check_constants
from sagebridge_kfp.specs.errors import InputError
from support.kfp_cases import CASES, case
from support.kfp_steps import component

ALGORITHM = case("TrainingJobOp", "builtin-algorithm")
SCRIPT = case("TrainingJobOp", "framework-with-everything")
TUNING = case("HPTuningJobOp", "builtin-algorithm")
TRANSFORM = case("BatchTransformOp", "trained-model")
PROCESSING = case("ProcessingJobOp", "script")
ENDPOINT = case("EndpointOp", "trained-model")
FRAMEWORK = case("EndpointOp", "framework")
SCIKIT_LEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


@dsl.component(base_image="python:3.11")
def earlier() -> str:
    """An earlier task."""
    return ""


def compile_one(name: str, directory: Path, inputs: dict[str, Any]) -> None:
    """Compile a pipeline with one task, whose inputs may be functions of what is only known in a run."""

    @dsl.pipeline(name="one")
    def one(text: str = "", number: int = 1, flag: bool = False, table: dict = {}) -> None:  # noqa: B006
        known = {"text": text, "number": number, "flag": flag, "table": table, "output": earlier().output}
        component(name)(**{key: value(known) if callable(value) else value for key, value in inputs.items()})

    compiler.Compiler().compile(one, str(directory / "pipeline.yaml"))


def of(name: str) -> Any:
    """An input that is a parameter of the pipeline, or the output of an earlier task."""
    return lambda known: known[name]


def in_text(known: Any) -> str:
    return f"s3://bucket/{known['text']}/"


REFUSED = [
    (ALGORITHM, {"instance_type": "m5.large"}, "instance_type", "all are constants"),
    (ALGORITHM, {"image": "mine:1"}, "image", "two levels"),
    (ALGORITHM, {"channels": {"train": "x/y"}}, "channels.train", "what the builder refuses"),
    (
        ALGORITHM,
        {"channels": lambda known: {"test": in_text(known), "train": "x/y"}},
        "channels.train",
        "one item of a dictionary",
    ),
    (
        ALGORITHM,
        {"hyperparameters": lambda known: {"trees": known["number"], "layers": [1, 2]}},
        "hyperparameters.layers",
        "another item comes from a parameter",
    ),
    (ALGORITHM, {"role_arn": of("text"), "instance_type": "m5.large"}, "instance_type", "another input does"),
    (ALGORITHM, {"source": of("text"), "image": "mine:1"}, "image", "given or not, it is refused"),
    (FRAMEWORK, {"entry_point": "", "source": "", "model_uri": of("output")}, "source", "the container needs a script"),
    (TRANSFORM, {"model_uri": of("output"), "image": of("output"), "instance_type": "m5.large"}, "instance_type", ""),
    (ENDPOINT, {"model_uri": of("output"), "image": of("output"), "instance_type": "m5.large"}, "instance_type", ""),
    (PROCESSING, {"target": "Moon", "arguments": lambda known: [known["text"]]}, "target", "a list"),
    (PROCESSING, {"target": "Cluster", "cluster": {"gpus": 1}, "name": of("text")}, "cluster.gpus", "no such field"),
    (TUNING, {"integer_ranges": {"depth": 3}, "max_jobs": of("number")}, "integer_ranges.depth", "a number"),
    (ALGORITHM, {"spec_overrides": {"resourceConfg": {}}, "region": of("text")}, "spec_overrides.resourceConfg", ""),
]


@pytest.mark.parametrize(
    ("right", "changed", "field", "reason"), REFUSED, ids=[f"{each[2]}-{n}" for n, each in enumerate(REFUSED)]
)
def test_what_the_step_is_certain_to_refuse(
    right: Any, changed: dict[str, Any], field: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refused:
        compile_one(right.op, tmp_path, {**right.inputs, **changed})

    assert refused.value.field == field, reason


LEFT = [
    (ALGORITHM, {"algorithm": of("text"), "algorithm_version": "", "image": "mine:1"}, "the algorithm may be empty"),
    (SCRIPT, {"metric_definitions": of("table"), "objective_metric": "auc"}, "the definitions may have it"),
    (SCRIPT, {"spot": of("flag"), "max_wait_seconds": 9000}, "it may be spot"),
    (SCRIPT, {"entry_point": of("text"), "source": of("text")}, "both may be given"),
    (ALGORITHM, {"instance_type": "m5.large", "spec_overrides": of("table")}, "overrides may mend it"),
    (
        ALGORITHM,
        {"instance_type": "m5.large", "spec_overrides": {"resourceConfig": {"instanceType": "ml.m5.large"}}},
        "overrides mend it",
    ),
    (
        ALGORITHM,
        {"spec_overrides": {"checkpointConfig": {"localPath": "/c"}}, "checkpoints": of("text")},
        "the parameter may be what is missing",
    ),
    (ALGORITHM, {"cluster": {"queueName": "gpus"}, "target": of("text")}, "it may be Cluster"),
    (ALGORITHM, {"instance_type": of("text"), "role_arn": in_text, "name": of("text")}, "their own form is not known"),
    (ALGORITHM, {"input_mode": of("text"), "content_type": of("text")}, "what all channels have"),
    (ALGORITHM, {"output_path": dsl.PIPELINE_JOB_ID_PLACEHOLDER}, "a placeholder is filled in"),
    (ALGORITHM, {"hyperparameters": lambda known: {"trees": known["number"]}}, "a number"),
    (ALGORITHM, {"channels": lambda known: {"train": known["output"]}}, "a channel"),
    (ALGORITHM, {"tags": lambda known: {"team": f"a-{known['text']}"}}, "a text in a dictionary"),
    (TUNING, {"integer_ranges": lambda known: {"depth": [known["number"], 9]}}, "a number in a list"),
    (TUNING, {"categorical_ranges": lambda known: {"booster": known["table"]}}, "a list may come"),
    (FRAMEWORK, {"entry_point": of("text"), "source": of("text")}, "there may be a script"),
    (FRAMEWORK, {"entry_point": "", "source": "", "environment": of("table")}, "the archive's script may be named"),
    (FRAMEWORK, {"entry_point": "", "source": "", "framework": of("text")}, "another framework may do without"),
    (
        FRAMEWORK,
        {"entry_point": "", "source": "", "target": "Cluster", "cluster": of("table")},
        "another image may serve",
    ),
    (
        TRANSFORM,
        {
            "entry_point": "",
            "source": "",
            "image": SCIKIT_LEARN,
            "spec_overrides": {"environment": {"SAGEMAKER_PROGRAM": "inference.py"}},
        },
        "overrides name the archive's script",
    ),
    (TRANSFORM, {"model_uri": of("text"), "image": of("text")}, "what is to be served is not known"),
    (TRANSFORM, {"region": of("text")}, "the image may lie there"),
    (ENDPOINT, {"instance_type": of("text"), "serverless_memory_mb": of("number")}, "one of them may be given"),
    (ENDPOINT, {"name": of("text"), "deletion_policy": of("text")}, "neither's form is known"),
    (PROCESSING, {"outputs": lambda known: {"out": known["text"]}}, "a URI may come"),
    (PROCESSING, {"cluster": {"queueName": "cpus"}, "target": of("text")}, "it may be the cluster"),
]


@pytest.mark.parametrize(("right", "changed", "reason"), LEFT, ids=[each[2] for each in LEFT])
def test_what_is_left_to_the_step(right: Any, changed: dict[str, Any], reason: str, tmp_path: Path) -> None:
    compile_one(right.op, tmp_path, {**right.inputs, **changed})

    assert (tmp_path / "pipeline.yaml").exists(), reason


@pytest.mark.parametrize(
    "right", [each for each in CASES if component(each.op).check], ids=lambda each: f"{each.op}-{each.reason}"
)
def test_whatever_a_parameter_brings_right_inputs_are_taken(right: Any) -> None:
    op = component(right.op)
    declared = op.component_spec.inputs or {}

    for name in right.inputs:
        check_constants(op.check, {**right.inputs, name: "{{channel:task=;name=text;type=STRING;}}"}, declared)
