"""What the former components make of their arguments."""

import json
from pathlib import Path
from typing import Any

import pytest
from sagebridge_kfp.compat import deployment, models, processing, training, transform, tuning
from sagebridge_kfp.compat.arguments import Argument
from sagebridge_kfp.ops import batch_transform as own_transform
from sagebridge_kfp.ops import processing_job, training_job, tuning_job

from support.kfp_steps import Runtime, execute

ARGUMENTS: dict[str, tuple[Argument, ...]] = {
    "train": training.ARGUMENTS,
    "hyperparameter_tuning": tuning.ARGUMENTS,
    "model": models.ARGUMENTS,
    "deploy": deployment.ARGUMENTS,
    "batch_transform": transform.ARGUMENTS,
    "process": processing.ARGUMENTS,
}
RUNS = {
    "train": training_job,
    "hyperparameter_tuning": tuning_job,
    "deploy": deployment,
    "batch_transform": own_transform,
    "process": processing_job,
}
STATUS = {"best": {"objectiveValue": 0.5, "trainingJobName": "t"}}


def spec(name: str, directory: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> dict[str, Any]:
    """The spec that a component makes of what it is given; of `model`, what it describes."""
    if name == "model":
        return json.loads(execute("compat.model", directory, **given).parameters["model_name"])
    runtime = Runtime(status=STATUS)
    monkeypatch.setattr(RUNS[name], "run", runtime.run)
    execute(f"compat.{name}", directory, **given)
    [wanted] = runtime.wanted
    return dict(wanted.spec)
