"""What an object's status says, as components give it on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.values import text
from sagebridge_kfp.step.failure import StepFailedError

Status = Mapping[str, Any]

_NONE: Final[Mapping[str, Any]] = {}


def model_uri(status: Status) -> str:
    """Where the model lies; empty if the job has left none."""
    return str((status.get("modelArtifacts") or {}).get("s3ModelArtifacts") or "")


def final_metrics(status: Status) -> dict[str, float]:
    """The last value of each metric."""
    return {each["metricName"]: float(each["value"]) for each in status.get("finalMetricDataList") or ()}


def chosen_metric(metrics: Mapping[str, float], name: str, *, definitions: Mapping[str, Any] = _NONE) -> float:
    """The value of one metric; 0 if none is asked for.

    Args:
        metrics: what the job has told.
        name: the metric's.
        definitions: the regular expressions by which its log was read.

    Raises:
        InputError: the job has not told it.
    """
    if not name:
        return 0.0
    if name not in metrics:
        told = ", ".join(sorted(metrics)) or "none"
        why = f": no line of its log matched metric_definitions.{name}" if name in definitions else ""
        raise InputError("objective_metric", f"the job has told no metric {name!r}{why}; it has told: {told}")
    return metrics[name]


def best_hyperparameters(status: Status, fixed: Mapping[str, Any]) -> dict[str, str]:
    """All hyperparameters of the best trial, as texts: those that were the same for all, and those it was tuned by.

    Args:
        status: of a tuning job.
        fixed: what the trials had in common, as the pipeline gave it.
    """
    common = {name: text(value, f"hyperparameters.{name}") for name, value in fixed.items()}
    return {**common, **_best(status).get("tunedHyperParameters", {})}


def best_job_name(status: Status) -> str:
    """The training job of the best trial."""
    return str(_best(status).get("trainingJobName") or "")


def best_objective(status: Status) -> float:
    """The objective of the best trial.

    Raises:
        StepFailedError: no trial has told a finite one.
    """
    told = _best(status).get("objectiveValue")
    value = math.nan if told is None else float(told)
    if not math.isfinite(value):
        raise StepFailedError(f"The search has found no best trial: its objective is {told!r}.")
    return value


def best_image(status: Status) -> str:
    """The image that trained the best trial."""
    images: Mapping[str, Any] = status.get("images") or {}
    return str(images.get(_best(status).get("trainingJobDefinitionName", "")) or status.get("image") or "")


def output_uris(status: Status) -> dict[str, str]:
    """Where a processing job's outputs went, by name; those of the Feature Store are not on S3."""
    outputs = (status.get("processingOutputConfig") or {}).get("outputs") or ()
    return {each["outputName"]: each["s3Output"]["s3Uri"] for each in outputs if each.get("s3Output")}


def _best(status: Status) -> Mapping[str, Any]:
    return status.get("best") or {}
