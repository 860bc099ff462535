"""A tuning job under way: it starts trials, follows them, and knows when it is done."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search import ending
from sagebridge.core.search.early_stopping import judge, looks_at_running
from sagebridge.core.search.search import Search, seed_of_job
from sagebridge.core.search.trial import shown_before_stop

from sagebridge_local.sagemaker import errors, wire
from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, IN_PROGRESS, STOPPED, STOPPING
from sagebridge_local.sagemaker.jobs.kind import CreateCall
from sagebridge_local.sagemaker.jobs.lifecycle import FAILURE_REASON_LENGTH
from sagebridge_local.sagemaker.tuning.trial import Trial, TuningJob

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge_local.sagemaker.clock import Timer
    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.table import JobTable
    from sagebridge_local.sagemaker.service import LocalSageMaker

TRAINING_JOBS: Final = "TrainingJob"
# How often running trials' metrics are looked at, where that can end a trial early.
LOOK_SECONDS: Final = 1.0
# Tuning jobs with Autotune need not say how many trials they want; chosen here.
AUTOTUNE_TRIALS: Final = 20


class TuningRun:
    """Carries a tuning job out; it has the methods of `sagebridge_local.sagemaker.jobs.lifecycle.Run`."""

    def __init__(self, service: LocalSageMaker, table: JobTable, job: TuningJob) -> None:
        self.job = job
        self._service = service
        self._table = table
        self._config: Mapping[str, Any] = job.request["HyperParameterTuningJobConfig"]
        self._searches = [
            Search(definition, self._config, seed=self._seed(number))
            for number, definition in enumerate(job.definitions)
        ]
        self._most = self._most_trials()
        self._running: list[Trial] = []
        self._ending = ""
        self._reason = ""
        self._doomed: tuple[str, float] | None = None
        self._timers: list[Timer] = []

    # --- what Run offers -----------------------------------------------------------------------------------------

    def begin(self, at: float) -> None:
        """Start the first trials."""
        for search in self._searches:
            search.learn(({**trial.definition.static, **trial.tuned}, trial.value) for trial in self.job.inherited)
        runtime = self._limits.get("MaxRuntimeInSeconds")
        if runtime is not None:
            self._timers.append(self._service.scheduler.at(at + runtime, self._out_of_time))
        self._changed(at)
        self._fill(at)
        if looks_at_running(self._config):
            self._look_again(at)

    def doom(self, at: float, *, reason: str, after: float) -> None:
        """Let the first trials fail for want of capacity."""
        self._doomed = (reason, after)
        self.begin(at)
        self._doomed = None

    def stop(self, at: float, *, ending: str = STOPPED) -> None:
        """Stop the trials, and then the job."""
        self._wind_down(at, ending=ending, status=STOPPING)

    def fail(self, at: float, *, reason: str) -> None:
        """End the job as Failed, once its trials have stopped."""
        self._reason = reason
        self._wind_down(at, ending=FAILED)

    def interrupt(self, at: float, *, wait: float = 0.0) -> None:
        """Tuning jobs have no instances of their own."""
        del at, wait

    def cancel(self) -> None:
        """Drop what is due; the trials are runs of their own."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._ending = self._ending or STOPPED

    # --- trials --------------------------------------------------------------------------------------------------

    @property
    def _limits(self) -> Mapping[str, Any]:
        limits: Mapping[str, Any] = self._config["ResourceLimits"]
        return limits

    def _seed(self, number: int) -> int:
        """What makes the search repeatable: the request's seed, or else the job's name."""
        return seed_of_job(self._config.get("RandomSeed"), identity=self.job.arn, definition=number)

    def _most_trials(self) -> float:
        most: int | None = self._limits.get("MaxNumberOfTrainingJobs")
        if most is not None:
            return most
        return AUTOTUNE_TRIALS if "Autotune" in self.job.request else float("inf")

    def _fill(self, at: float) -> None:
        """Start trials until as many run as may; end the job when nothing is left to do."""
        while not self._ending and len(self._running) < self._limits["MaxParallelTrainingJobs"]:
            search = self._next_search()
            if search is None:
                break
            try:
                self._start(search, at)
            except errors.ServiceError as error:
                if not self._running:
                    self._reason = f"{error.code}: {error.message}"
                    self._ending = FAILED
                break
        if not self._running and self.job.status in {IN_PROGRESS, STOPPING}:
            self._end(at)

    def _next_search(self) -> Search | None:
        """The one with the fewest trials so far, while there may be more of them."""
        if len(self.job.trials) >= self._most:
            return None
        counts = {
            search: sum(trial.definition is search.definition for trial in self.job.trials)
            for search in self._searches
            if not search.is_exhausted
        }
        return min(counts, key=lambda search: counts[search], default=None)

    def _start(self, search: Search, at: float) -> None:
        table = self._service.store.table(kind=TRAINING_JOBS, account=self.job.account, region=self.job.region)
        number = len(self.job.trials) + 1
        name = f"{self.job.name}-{number:03d}-{self._digest(number)}"
        call = self._create_call(table, search.definition.training_request(name=name, tuned={}), at)
        self._service.quotas.check_instances(call)
        drawn, tuned = search.draw(number)
        request = search.definition.training_request(name=name, tuned=tuned)
        child = self._child(table, name, request, at)
        table.add(child)
        run = self._service.begin(table, child)
        trial = Trial(number=number, definition=search.definition, tuned=tuned, job=child, run=run, drawn=drawn)
        self.job.trials.append(trial)
        self._running.append(trial)
        self._service.follow(child, lambda _job, ended_at: self._trial_ended(search, trial, ended_at))
        self.job.touch(at)
        if self._doomed is not None:
            run.doom(at, reason=self._doomed[0], after=self._doomed[1])
        else:
            run.begin(at)

    def _create_call(self, table: JobTable, request: Mapping[str, Any], at: float) -> CreateCall:
        return CreateCall(request=request, account=self.job.account, region=self.job.region, now=at, table=table)

    def _child(self, table: JobTable, name: str, request: Mapping[str, Any], at: float) -> Job:
        path = table.kind.arn_path
        return table.kind.record(
            name=name,
            arn=f"arn:{wire.partition(self.job.region)}:sagemaker:{self.job.region}:{self.job.account}:{path}/{name}",
            account=self.job.account,
            region=self.job.region,
            request=request,
            creation_time=at,
            last_modified_time=at,
            visible_from=at + self._service.settings.list_lag_seconds,
            # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateHyperParameterTuningJob.html (Tags)
            tags=dict(self.job.tags),
            extra={"TuningJobArn": self.job.arn},
        )

    def _digest(self, number: int) -> str:
        return hashlib.sha256(f"{self.job.arn}/{self.job.creation_time}/{number}".encode()).hexdigest()[:8]

    def _trial_ended(self, search: Search, trial: Trial, at: float) -> None:
        self._running.remove(trial)
        trial.look(at)
        search.conclude(trial.drawn, value=trial.value, shown=shown_before_stop(trial))
        self._changed(at)
        if not self._ending:
            self._judge(at)
        self._fill(at)

    def _judge(self, at: float) -> None:
        """End the job if its criteria are met, or if there is nothing to go by."""
        criteria = self._config.get("TuningJobCompletionCriteria", {})
        if "converged" not in self.job.extra and ending.has_converged(self.job.trials):
            self.job.extra["converged"] = at
        found = ending.judge(self.job.trials, criteria)
        if found is not None:
            self._reason = found.reason
            self._wind_down(at, ending=found.status)

    # --- looking at trials while they run ------------------------------------------------------------------------

    def _look_again(self, at: float) -> None:
        if not self.job.is_terminal:
            self._timers.append(self._service.scheduler.at(at + LOOK_SECONDS, self._look))

    def _look(self, at: float) -> None:
        self._timers = [timer for timer in self._timers if timer.action is not None]
        for trial in list(self._running):
            if trial.job.status == IN_PROGRESS:
                self._look_at(trial, at)
        self._look_again(at)

    def _look_at(self, trial: Trial, at: float) -> None:
        known = len(trial.series)
        trial.look(at)
        if len(trial.series) <= known:
            return
        judgement = judge(trial, self.job.trials, self._config)
        trial.rungs = judgement.rungs
        if judgement.stopped_by:
            trial.run.stop(at)
            self._changed(at)

    # --- the end -------------------------------------------------------------------------------------------------

    def _out_of_time(self, at: float) -> None:
        if self.job.status == IN_PROGRESS:
            self._wind_down(at, ending=COMPLETED)

    def _wind_down(self, at: float, *, ending: str, status: str = "") -> None:
        """Start nothing more, and stop what runs; the job ends with its last trial."""
        self._ending = ending
        self.job.status = status or self.job.status
        self._changed(at)
        for trial in list(self._running):
            if trial.job.status == IN_PROGRESS:
                trial.run.stop(at)
        if not self._running:
            self._end(at)

    def _end(self, at: float) -> None:
        if self.job.is_terminal:
            return
        job = self.job
        status = self._ending or COMPLETED
        if status == COMPLETED:
            found = ending.ending_of(job.trials)
            status, self._reason = found.status, self._reason or found.reason
        job.status = status
        if status == FAILED:
            job.failure_reason = self._reason[:FAILURE_REASON_LENGTH]
        job.end_time = at
        self.cancel()
        self._changed(at)
        self._service.forget_run(job)

    def _changed(self, at: float) -> None:
        self.job.touch(at)
        self._table.changed(self.job)
        self._service.changed(self._table, self.job, at)


def make_run(service: LocalSageMaker, table: JobTable, job: Job) -> Any:
    """Make the run of a new tuning job.

    Raises:
        TypeError: the job is no tuning job.
    """
    if not isinstance(job, TuningJob):
        raise TypeError(f"{job.name} is no tuning job")
    job.inherited = _parents_trials(table, job)
    return TuningRun(service, table, job)


def _parents_trials(table: JobTable, job: TuningJob) -> list[Trial]:
    """The trials of the parents, and not of those from which these had learned themselves.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-warm-start.html (restrictions)
    """
    found: list[Trial] = []
    for parent in job.request.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ()):
        record = table.get(parent["HyperParameterTuningJobName"])
        if isinstance(record, TuningJob):
            found += record.trials
    return found
