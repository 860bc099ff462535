"""The step of the HPTuningJob: a search for the best hyperparameters, of trials that really train."""

from __future__ import annotations

from typing import Final

from sagebridge.cli.logs import is_over
from sagebridge.core.job import Job

from sagebridge_local.demo import search_display, verdicts
from sagebridge_local.demo.context import Context
from sagebridge_local.demo.follow import Watch, follow
from sagebridge_local.demo.jobs import note
from sagebridge_local.demo.trials import Search

NAME: Final = "digits-tuning"


def tune(context: Context) -> str:
    """Search, and check what was found against what SageMaker has."""
    context.apply("hptuningjob.yaml")
    watching = ["kubectl", "get", "hptuningjob", NAME, "--watch"]
    context.screen.command(watching)
    with (
        Watch([*watching, "--output=json"], environment=context.environment) as watch,
        search_display.shown(context.screen) as show,
    ):
        job = follow(
            watch,
            show=lambda found: show(Search.of(found)),
            done=is_over,
            idle=context.check_alive,
            timeout=context.options.timeout,
        )
    note(context, kind="HPTuningJob", job=job)
    verdicts.check_completed(job)
    context.kubectl("get", "hptuningjob", NAME)
    search = Search.of(job)
    prefix = f"{job.status['hyperParameterTuningJobName']}-"
    trained = [
        found["name"]
        for found in context.admin.jobs()
        if found["name"].startswith(prefix) and found["status"] == "Completed"
    ]
    verdicts.check_search(search, trained=trained, best=str(job.status["best"]["trainingJobName"]))
    return _told(context, job, search)


def _told(context: Context, job: Job, search: Search) -> str:
    best, worst = search.trials[0], search.trials[-1]
    context.report.facts["tuning"] = {
        "metric": search.metric,
        "trials": [
            {"name": trial.name, "objective": trial.objective, "tuned": dict(trial.tuned)} for trial in search.trials
        ],
        "best": job.status["best"],
    }
    tuned = ", ".join(f"{name} {value}" for name, value in best.tuned.items())
    return (
        f"{search.completed} trials in {job.status.get('duration')}; {search.metric} from {worst.objective:g} to "
        f"{best.objective:g}; the best, trial {best.number}, has {tuned}"
    )
