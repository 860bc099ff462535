"""Inputs that are wrong are refused by name, before anything is made."""

from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.specs.errors import InputError
from support.kfp_cases import case
from support.kfp_steps import execute, use_runtime

ALGORITHM = case("TrainingJobOp", "builtin-algorithm")
SCRIPT = case("TrainingJobOp", "framework-with-everything")
TUNING = case("HPTuningJobOp", "builtin-algorithm")
TRANSFORM = case("BatchTransformOp", "trained-model")
PROCESSING = case("ProcessingJobOp", "script")
ENDPOINT = case("EndpointOp", "trained-model")
FRAMEWORK = case("EndpointOp", "framework")
SCIKIT_LEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
NO_SCRIPT = {"entry_point": "", "source": ""}

REFUSED = [
    (ALGORITHM, {"image": "mine:1"}, "image", "exactly one of algorithm, framework and image"),
    (ALGORITHM, {"framework": "pytorch"}, "framework", "exactly one of"),
    (ALGORITHM, {"algorithm": "", "algorithm_version": ""}, "algorithm", "say what runs"),
    (ALGORITHM, {"algorithm": "", "image": "mine:1"}, "algorithm_version", "without algorithm"),
    (ALGORITHM, {"framework_version": "2.3"}, "framework_version", "without framework"),
    (ALGORITHM, {"distribution": "mpi"}, "distribution", "without framework"),
    (ALGORITHM, {"entry_point": "train.py"}, "entry_point", "without source"),
    (ALGORITHM, {"entry_point": "a.py", "source": "code"}, "source", "runs no script"),
    (SCRIPT, {"objective_metric": "auc"}, "objective_metric", "metric_definitions has: accuracy"),
    (SCRIPT, {"objective_metric": "auc", "metric_definitions": {}}, "objective_metric", "say in metric_definitions"),
    (SCRIPT, {"source": ""}, "entry_point", "without source"),
    (SCRIPT, {"entry_point": ""}, "source", "without entry_point"),
    (SCRIPT, {"entry_point": "", "source": ""}, "source", "framework runs a script"),
    (SCRIPT, {"source": "/home/me/code"}, "source", "must be an s3:// URI"),
    (SCRIPT, {"spot": False}, "max_wait_seconds", "set spot=True"),
    (SCRIPT, {"checkpoints": "/tmp/checkpoints"}, "checkpoints", "must be an s3:// URI"),
    (SCRIPT, {"output_path": "models/"}, "output_path", "must be an s3:// URI"),
    (ALGORITHM, {"name": "My job"}, "name", "lower-case letters"),
    (ENDPOINT, {"name": ""}, "name", "lower-case letters"),
    (ENDPOINT, {"name": "digits."}, "name", "lower-case letters"),
    (TRANSFORM, {"output_path": "out/"}, "output_path", "must be an s3:// URI"),
    (ALGORITHM, {"target": "Moon"}, "target", "must be SageMaker or Cluster"),
    (ALGORITHM, {"target": "cluster"}, "target", "must be SageMaker or Cluster"),
    (ALGORITHM, {"cluster": {"queueName": "gpus"}}, "cluster", 'goes with target="Cluster"'),
    (ALGORITHM, {"channels": {"train": 7}}, "channels.train", "must be an s3:// URI or a whole channel"),
    (ALGORITHM, {"channels": {"train": ["s3://a"]}}, "channels.train", "must be an s3:// URI or a whole channel"),
    (ALGORITHM, {"channels": {"train": "data/train"}}, "channels.train", "must be an s3:// URI"),
    (ALGORITHM, {"channels": {"train": "s3://"}}, "channels.train", "must be an s3:// URI"),
    (ALGORITHM, {"channels": {"train": {}}}, "channels.train.dataSource", "is missing"),
    (ALGORITHM, {"channels": {"train": {"channelName": "x"}}}, "channels.train.channelName", "leave it out"),
    (ALGORITHM, {"spec_overrides": {"resourceConfg": {}}}, "spec_overrides.resourceConfg", "is resourceConfig meant?"),
    (
        ALGORITHM,
        {"spec_overrides": {"resourceConfig": {"volumeSizeInGb": 9}}},
        "spec_overrides.resourceConfig.volumeSizeInGb",
        "is volumeSizeInGB meant?",
    ),
    (
        ALGORITHM,
        {"spec_overrides": {"inputDataConfig": [{"channelName": "train"}]}},
        "spec_overrides.inputDataConfig.0.dataSource",
        "is missing",
    ),
    (ALGORITHM, {"deletion_policy": "Keep"}, "deletion_policy", "must be one of Stop, Retain, Purge"),
    (ALGORITHM, {"retry_limit": -1}, "retry_limit", "must be 0 or more"),
    (ALGORITHM, {"instance_count": 1.5}, "instance_count", "must be a whole number"),
    (ALGORITHM, {"input_mode": "Files"}, "input_mode", "must be one of Pipe, File, FastFile"),
    (ALGORITHM, {"tags": {"team": ["a"]}}, "tags.team", "must be a text"),
    (
        ALGORITHM,
        {"hyperparameters": {"layers": [1, 2]}},
        "hyperparameters.layers",
        "must be a text, a number or a boolean",
    ),
    (ALGORITHM, {"hyperparameters": {"tree": {"depth": 3}}}, "hyperparameters.tree", "must be a text, a number"),
    (ALGORITHM, {"instance_type": "m5.large"}, "instance_type", "is ml.m5.large meant?"),
    (ALGORITHM, {"role_arn": "training"}, "role_arn", "must be the ARN of a role"),
    (ALGORITHM, {"channels": {"train": {"inputMode": "Files"}}}, "channels.train.inputMode", "must be one of"),
    (SCRIPT, {"metric_definitions": {"accuracy": "x" * 900}}, "metric_definitions.accuracy", "may have"),
    (FRAMEWORK, NO_SCRIPT, "source", "by a script with a model_fn. Give source and entry_point"),
    (FRAMEWORK, {**NO_SCRIPT, "environment": {"WORKERS": 2}}, "source", "by a script with a model_fn"),
    (ENDPOINT, {**NO_SCRIPT, "image": SCIKIT_LEARN}, "source", "by a script with a model_fn"),
    (TRANSFORM, {**NO_SCRIPT, "image": SCIKIT_LEARN}, "source", "by a script with a model_fn"),
    (TUNING, {"objective_type": "Best"}, "objective_type", "must be one of"),
    (TUNING, {"objective_type": "max"}, "objective_type", "must be one of"),
    (TUNING, {"instance_type": "m5.large"}, "instance_type", "is ml.m5.large meant?"),
    (TUNING, {"hyperparameters": {"trees": [1]}}, "hyperparameters.trees", "must be a text"),
    (TUNING, {"integer_ranges": {"depth": {"min": 1, "max": 2}}}, "integer_ranges.depth", "give [least, greatest]"),
    (TUNING, {"integer_ranges": {"depth": [1, [2]]}}, "integer_ranges.depth.maxValue", "must be"),
    (TUNING, {"integer_ranges": {"depth": 3}}, "integer_ranges.depth", "must be [least, greatest]"),
    (TUNING, {"continuous_ranges": {"eta": [0.1]}}, "continuous_ranges.eta", "must be [least, greatest]"),
    (TUNING, {"categorical_ranges": {"booster": "dart"}}, "categorical_ranges.booster", "must be a list"),
    (TUNING, {"algorithm": "", "image": ""}, "algorithm", "say what runs"),
    (TRANSFORM, {"training_job": "digits"}, "training_job", "is given beside model_uri"),
    (TRANSFORM, {"model_uri": "", "image": ""}, "model_uri", "say which model to use"),
    (TRANSFORM, {"image": ""}, "image", "is missing"),
    (TRANSFORM, {"model_uri": "", "training_job": "digits"}, "image", "goes with model_uri"),
    (TRANSFORM, {"model_uri": "s3://models/model/"}, "model_uri", "uncompressed"),
    (TRANSFORM, {"input_uri": "data/"}, "input_uri", "must be an s3:// URI"),
    (TRANSFORM, {"source": ""}, "source", "is missing"),
    (TRANSFORM, {"entry_point": ""}, "entry_point", "is missing"),
    (TRANSFORM, {"split_type": "Lines"}, "split_type", "must be one of"),
    (PROCESSING, {"target": "Moon"}, "target", "must be SageMaker or Cluster"),
    (PROCESSING, {"cluster": {"queueName": "cpus"}}, "cluster", 'goes with target="Cluster"'),
    (PROCESSING, {"instance_type": "m5.large"}, "instance_type", "is ml.m5.large meant?"),
    (PROCESSING, {"inputs": {"table": {"s3Input": {}}}}, "inputs.table.s3Input.s3Uri", "is missing"),
    (PROCESSING, {"image": "mine:1"}, "image", "exactly one of"),
    (PROCESSING, {"framework": "", "framework_version": ""}, "framework", "say what runs"),
    (PROCESSING, {"entrypoint": ["sh"]}, "entrypoint", "has no use beside source"),
    (PROCESSING, {"inputs": {"table": "table.csv"}}, "inputs.table", "must be an s3:// URI"),
    (PROCESSING, {"outputs": {"out": 3}}, "outputs.out", "must be an s3:// URI, or an object"),
    (PROCESSING, {"outputs": {"out": {"outputName": "x"}}}, "outputs.out.outputName", "leave it out"),
    (PROCESSING, {"arguments": [["nested"]]}, "arguments.0", "must be a text"),
    (ENDPOINT, {"framework": "pytorch"}, "framework", "is given beside image"),
    (ENDPOINT, {"image": "", "model_uri": ""}, "training_job", "say what serves"),
    (ENDPOINT, {"image": ""}, "image", "is missing: a model_uri needs what serves it"),
    (ENDPOINT, {"image": "mine:1", "instance_type": "m5.large"}, "instance_type", "is ml.m5.large meant?"),
    (ENDPOINT, {"image": "", "tuning_job": "x"}, "model_uri", "is given beside tuning_job"),
    (ENDPOINT, {"instance_type": ""}, "instance_type", "say what it runs on"),
    (ENDPOINT, {"serverless_memory_mb": 1024}, "serverless_memory_mb", "is given beside instance_type"),
    (ENDPOINT, {"autoscaling": {"max": 3}}, "autoscaling.max", "no such field"),
    (ENDPOINT, {"image": "", "model_uri": "", "tuning_job": "A"}, "tuning_job", "must match"),
    (ENDPOINT, {"spec_overrides": {"model": []}}, "spec_overrides.model", "is models meant?"),
]


@pytest.mark.parametrize(
    ("right", "wrong", "field", "words"), REFUSED, ids=[f"{each[0].op}-{each[2]}-{n}" for n, each in enumerate(REFUSED)]
)
def test_refused(
    right: Any, wrong: dict[str, Any], field: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = use_runtime(monkeypatch, right.op, {})

    with pytest.raises(InputError) as refused:
        execute(right.op, tmp_path, **{**right.inputs, **wrong})

    assert refused.value.field == field
    assert words in refused.value.message
    assert runtime.wanted == [], "nothing was made"


def test_a_kind_that_is_none_is_not_deleted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^kind: must be one of TrainingJob"):
        execute("DeleteOp", tmp_path, kind="Endpoints", name="digits")


def test_nothing_is_deleted_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^name: is empty"):
        execute("DeleteOp", tmp_path, kind="Endpoint", name="")
