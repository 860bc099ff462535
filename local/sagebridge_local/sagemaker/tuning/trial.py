"""Trials, and the tuning job that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sagebridge.core.search.definition import Definition, definitions
from sagebridge.core.search.trial import best_of, objective_status

from sagebridge_local.sagemaker import wire
from sagebridge_local.sagemaker.jobs.job import FAILED, Job

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.lifecycle import Run


@dataclass(slots=True, eq=False, kw_only=True)
class Trial:
    """One training job of a tuning job, and what was drawn for it.

    Attributes:
        number: counted from 1.
        definition: how it trains.
        tuned: what was drawn, as hyperparameters.
        job: its training job.
        run: that job's run.
        drawn: the search's own record of it.
        series: the objective's values that were logged so far.
        rungs: how many of Hyperband's rungs it has passed.
    """

    number: int
    definition: Definition
    tuned: dict[str, str]
    job: Job
    run: Run
    drawn: Any
    series: list[float] = field(default_factory=list)
    rungs: int = 0

    @property
    def value(self) -> float | None:
        """The final value of the objective; None while there is none."""
        if not self.job.is_terminal or self.job.status == FAILED:
            return None
        for metric in self.job.extra.get("FinalMetricDataList", ()):
            if metric["MetricName"] == self.definition.metric:
                return float(metric["Value"])
        return None

    @property
    def status(self) -> str:
        """Its training job's status."""
        return self.job.status

    @property
    def reason(self) -> str:
        """Its training job's FailureReason; empty without one."""
        return self.job.failure_reason or ""

    @property
    def ended_at(self) -> float | None:
        """When it ended."""
        return self.job.end_time

    def look(self, at: float) -> None:
        """Take in what was logged of the objective."""
        if self.run.work is not None:
            self.series = self.run.work.series(self.definition.metric, at)


@dataclass(slots=True, eq=False)
class TuningJob(Job):
    """A tuning job's row, with its trials. `inherited` are its parents', which warm start learned from."""

    trials: list[Trial] = field(default_factory=list)
    inherited: Sequence[Trial] = ()
    _definitions: tuple[Definition, ...] | None = None

    @property
    def definitions(self) -> tuple[Definition, ...]:
        """Its training definitions."""
        if self._definitions is None:
            self._definitions = definitions(self.request)
        return self._definitions

    def best(self) -> Trial | None:
        """The trial with the best value."""
        return best_of(self.trials)

    def overall_best(self) -> Trial | None:
        """The best trial, the parents' included."""
        return best_of([*self.inherited, *self.trials])


def summary(trial: Trial, *, tuning_job: str = "") -> dict[str, Any]:
    """A HyperParameterTrainingJobSummary; with the tuning job's name where it may be another's."""
    job = trial.job
    shown: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": wire.instant(job.creation_time),
        "TrainingJobStatus": job.status,
        "TunedHyperParameters": trial.tuned,
        "ObjectiveStatus": objective_status(trial),
    }
    times = {"TrainingStartTime": job.start_time, "TrainingEndTime": job.end_time}
    shown |= {name: wire.instant(at) for name, at in times.items() if at is not None}
    if trial.definition.name:
        shown["TrainingJobDefinitionName"] = trial.definition.name
    if tuning_job:
        shown["TuningJobName"] = tuning_job
    if job.failure_reason is not None:
        shown["FailureReason"] = job.failure_reason
    if trial.value is not None:
        shown["FinalHyperParameterTuningJobObjectiveMetric"] = {
            "Type": "Maximize" if trial.definition.maximize else "Minimize",
            "MetricName": trial.definition.metric,
            "Value": trial.value,
        }
    return shown
