"""The steps of the TrainingJob: a model is trained, and read digits it has never seen."""

from __future__ import annotations

from typing import Final

from sagebridge_local.demo import scoring, verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.errors import DemoError
from sagebridge_local.demo.jobs import run_job

NAME: Final = "digits"
CODE: Final = "digits-code"


def train(context: Context) -> str:
    """Train a model by one manifest."""
    context.make_code(CODE, "train.py", "inference.py")
    job, lines = run_job(context, kind="TrainingJob", name=NAME, manifest="trainingjob.yaml")
    verdicts.check_completed(job)
    if not lines:
        raise DemoError("The job has completed, but its log is empty.")
    metrics = {entry["metricName"]: entry["value"] for entry in job.status.get("finalMetricDataList", ())}
    context.report.facts["metrics"] = metrics
    told = ", ".join(f"{name} {value:g}" for name, value in metrics.items())
    took = job.status.get("duration")
    return f"{job.attempts[0].name} completed in {took}; {told or 'no metrics'}; {lines} log lines"


def score(context: Context) -> str:
    """Download the model and let it read digits it has never seen."""
    uri = verdicts.check_completed(context.object("trainingjob", NAME))
    context.say(f"The model: {uri}")
    workplace = context.workplace
    size = scoring.download(context.aws("s3"), uri=uri, path=workplace.model / "model.tar.gz")
    model = scoring.unpack(workplace.model / "model.tar.gz", workplace.model)
    with context.screen.waiting("Letting it read the held-out digits ..."):
        found = scoring.score(model, held_out=workplace.held_out)
    context.report.facts |= {
        "accuracy": round(found.accuracy, 6),
        "requiredAccuracy": verdicts.REQUIRED_ACCURACY,
        "modelBytes": size,
    }
    context.say(f"It reads {found.correct} of {found.rows} held-out digits.")
    verdicts.check_accuracy(found)
    return f"Accuracy {found.accuracy:.4f} on {found.rows} held-out digits (wanted: {verdicts.REQUIRED_ACCURACY})"
