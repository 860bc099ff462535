"""The step of the BatchTransform: the best model reads the held-out digits from S3, and its output file is scored."""

from __future__ import annotations

from typing import Final

from sagebridge_local.demo import scoring, verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.jobs import run_job

NAME: Final = "digits"
_SHOWN_ROWS: Final = 3


def transform(context: Context) -> str:
    """Transform the held-out rows with the best model of the search."""
    job, _ = run_job(context, kind="BatchTransform", name=NAME, manifest="batchtransform.yaml")
    verdicts.check_complete(job)
    uri = f"{str(job.status['outputPath']).rstrip('/')}/held-out.csv.out"
    size = scoring.download(context.aws("s3"), uri=uri, path=context.workplace.predictions)
    rows = context.workplace.predictions.read_text().splitlines()
    context.say(f"{uri}: the label, and the digit that the model reads; the first of {len(rows)} rows:")
    context.screen.output("\n".join(rows[:_SHOWN_ROWS]))
    score = scoring.score_output(context.workplace.predictions, held_out=context.workplace.held_out)
    context.report.facts["transform"] = {
        "output": uri,
        "bytes": size,
        "rows": score.rows,
        "correct": score.correct,
        "accuracy": round(score.accuracy, 6),
    }
    verdicts.check_accuracy(score, required=verdicts.REQUIRED_ACCURACY)
    return (
        f"{job.attempts[0].name} read {score.correct} of {score.rows} digits in {job.status.get('duration')}: "
        f"accuracy {score.accuracy:.4f}"
    )
