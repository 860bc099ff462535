"""Trials, and the tuning job that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import wire
from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, STOPPED, Job
from sagebridge_local.sagemaker.tuning.definition import Definition, definitions

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.jobs.lifecycle import Run

SUCCEEDED: Final = "Succeeded"
PENDING: Final = "Pending"
NO_VALUE: Final = "Failed"
# A failed training job can be tried again only if it failed because of an internal service error:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TrainingJobStatusCounters.html
_RETRYABLE: Final = "InternalServerError"


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
        reported: how many of them the search was told.
    """

    number: int
    definition: Definition
    tuned: dict[str, str]
    job: Job
    run: Run
    drawn: Any
    series: list[float] = field(default_factory=list)
    reported: int = 0

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
    def objective_status(self) -> str:
        """Succeeded, Pending or Failed."""
        if not self.job.is_terminal:
            return PENDING
        return NO_VALUE if self.value is None else SUCCEEDED

    def beats(self, other: Trial | None) -> bool:
        """Whether its value is better than another's."""
        if self.value is None:
            return False
        if other is None or other.value is None:
            return True
        return self.value > other.value if self.definition.maximize else self.value < other.value

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


def best_of(trials: Iterable[Trial]) -> Trial | None:
    """The trial with the best value; the earlier of two that are equally good."""
    best: Trial | None = None
    for trial in trials:
        best = trial if trial.beats(best) else best
    return best


def status_counters(trials: Iterable[Trial]) -> dict[str, int]:
    """TrainingJobStatusCounters."""
    counted = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    for trial in trials:
        counted[_counter(trial.job)] += 1
    return counted


def _counter(job: Job) -> str:
    if job.status == FAILED:
        return "RetryableError" if (job.failure_reason or "").startswith(_RETRYABLE) else "NonRetryableError"
    return job.status if job.status in {COMPLETED, STOPPED} else "InProgress"


def objective_counters(trials: Iterable[Trial]) -> dict[str, int]:
    """ObjectiveStatusCounters."""
    counted = {SUCCEEDED: 0, PENDING: 0, NO_VALUE: 0}
    for trial in trials:
        counted[trial.objective_status] += 1
    return counted


def summary(trial: Trial, *, tuning_job: str = "") -> dict[str, Any]:
    """A HyperParameterTrainingJobSummary; with the tuning job's name where it may be another's."""
    job = trial.job
    shown: dict[str, Any] = {
        "TrainingJobName": job.name,
        "TrainingJobArn": job.arn,
        "CreationTime": wire.instant(job.creation_time),
        "TrainingJobStatus": job.status,
        "TunedHyperParameters": trial.tuned,
        "ObjectiveStatus": trial.objective_status,
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
