"""Runs a job by its manifest, and shows it: its states, its log, its end."""

from __future__ import annotations

from typing import Any, Final

from sagebridge.cli.logs import is_over
from sagebridge.core.job import Job

from sagebridge_local.demo.context import Context
from sagebridge_local.demo.follow import LogLines, Watch, follow
from sagebridge_local.demo.screen import Stage

KINDS: Final = {
    "TrainingJob": "trainingJob",
    "HPTuningJob": "hyperParameterTuningJob",
    "BatchTransform": "transformJob",
}
"""The kinds of jobs, and how the fields of their names and states in `status` begin."""


def run_job(context: Context, *, kind: str, name: str, manifest: str) -> tuple[Job, int]:
    """Apply a manifest, and show the job until it is over.

    Returns:
        The object at its end, and how many lines its log has.

    Raises:
        DemoError: The manifest was refused, or the job takes too long.
    """
    context.apply(manifest)
    watching = ["kubectl", "get", kind.lower(), name, "--watch"]
    context.screen.command(watching)
    with (
        Watch([*watching, "--output=json"], environment=context.environment) as watch,
        context.screen.job(name) as display,
    ):
        log = LogLines(context.aws("logs"), show=display.log)

        def show(job: Job) -> None:
            display.show(Stage.of(job))
            log.find(job)

        def idle() -> None:
            log.show_new()
            context.check_alive()

        job = follow(watch, show=show, done=is_over, idle=idle, timeout=context.options.timeout)
    note(context, kind=kind, job=job)
    return job, log.count


def note(context: Context, *, kind: str, job: Job) -> None:
    """Put a job that is over into the report."""
    status, field = job.status, KINDS[kind]
    entry: dict[str, Any] = {
        "kind": kind,
        "name": job.name,
        "sageMakerName": status.get(f"{field}Name"),
        "status": status.get(f"{field}Status"),
        "failureReason": status.get("failureReason"),
        "attempts": len(job.attempts),
        "duration": status.get("duration"),
    }
    context.report.facts.setdefault("jobs", []).append(entry)
