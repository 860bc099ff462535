"""`--lifecycle-only`: jobs that pass their stages on the clock and end as a script says. Nothing is executed.

A job's script is the latest one that was set for its name through the admin API; members of its `Environment`
named SAGEBRIDGE_LOCAL_SECONDS, SAGEBRIDGE_LOCAL_OUTCOME, SAGEBRIDGE_LOCAL_FAILURE_REASON and SAGEBRIDGE_LOCAL_METRICS
(a JSON object) overrule it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.jobs.job import COMPLETED, FAILED, STOPPED
from sagebridge_local.sagemaker.runners.protocol import Listener, Outcome

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.clock import Scheduler, Timer
    from sagebridge_local.sagemaker.jobs.job import Job
    from sagebridge_local.sagemaker.jobs.kind import JobKind

Action = Callable[[float], None]
Metrics = Mapping[str, "float | str | list[float]"]

DEFAULT_SECONDS: Final = 60.0
DEFAULT_STOP_SECONDS: Final = 2.0
OUTCOMES: Final = (COMPLETED, FAILED)
# How a run's seconds fall on its stages: mostly the training itself.
_SHARES: Final = {"Starting": 0.1, "Downloading": 0.1, "Uploading": 0.05}
_SECONDS: Final = "SAGEBRIDGE_LOCAL_SECONDS"
_OUTCOME: Final = "SAGEBRIDGE_LOCAL_OUTCOME"
_REASON: Final = "SAGEBRIDGE_LOCAL_FAILURE_REASON"
_METRICS: Final = "SAGEBRIDGE_LOCAL_METRICS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How a job goes.

    Attributes:
        seconds: how long the whole run takes.
        stages: how long particular stages take, in seconds; the others share what `seconds` leaves. Naming Pending
            makes the job wait for capacity after Starting.
        outcome: Completed or Failed; it fails at the end of its Training stage.
        failure_reason: the FailureReason of a Failed job.
        metrics: the values of each metric by its name: the final one, a list that is logged evenly over the Training
            stage, or the name of a hyperparameter whose value it takes.
        stop_seconds: how long it takes to stop.
    """

    seconds: float = DEFAULT_SECONDS
    stages: Mapping[str, float] | None = None
    outcome: str = COMPLETED
    failure_reason: str | None = None
    metrics: Metrics | None = None
    stop_seconds: float = DEFAULT_STOP_SECONDS

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise ValueError(f"outcome must be one of {', '.join(OUTCOMES)}, not {self.outcome!r}")
        if self.seconds < 0 or self.stop_seconds < 0 or any(value < 0 for value in (self.stages or {}).values()):
            raise ValueError("a script's seconds can't be negative")

    def durations(self, stages: tuple[str, ...]) -> list[float]:
        """The seconds of each stage, in order."""
        fixed = dict(self.stages or {})
        shares = {stage: _SHARES.get(stage, 0.75) for stage in stages if stage not in fixed}
        left = max(0.0, self.seconds - sum(fixed.get(stage, 0.0) for stage in stages))
        whole = sum(shares.values()) or 1.0
        return [fixed.get(stage, left * shares.get(stage, 0.0) / whole) for stage in stages]


class ScriptBook:
    """Which script a job follows: the latest whose pattern fits its name."""

    def __init__(self) -> None:
        self._scripts: list[tuple[str, Script]] = []

    def set(self, pattern: str, script: Script) -> None:
        """Let jobs whose name fits a glob follow a script, from their next run on."""
        self._scripts = [(known, kept) for known, kept in self._scripts if known != pattern]
        self._scripts.append((pattern, script))

    def clear(self) -> None:
        """Forget all scripts but the default."""
        self._scripts.clear()

    def script_for(self, job: Job) -> Script:
        """The script of a job, with what its environment overrules."""
        script = Script()
        for pattern, known in self._scripts:
            if fnmatchcase(job.name, pattern):
                script = known
        return _overruled(script, job.request.get("Environment", {}))


def _overruled(script: Script, environment: Mapping[str, str]) -> Script:
    changes: dict[str, Any] = {}
    if _SECONDS in environment:
        try:
            changes = {"seconds": float(environment[_SECONDS]), "stages": None}
        except ValueError:
            return _refused(script, f"{_SECONDS} must be a number, not {environment[_SECONDS]!r}")
    if _OUTCOME in environment:
        changes["outcome"] = environment[_OUTCOME]
    if _REASON in environment:
        changes["failure_reason"] = environment[_REASON]
    try:
        if _METRICS in environment:
            changes["metrics"] = dict(json.loads(environment[_METRICS]))
        return replace(script, **changes)
    except (TypeError, ValueError) as error:
        return _refused(script, f"{_OUTCOME}, {_SECONDS} or {_METRICS}: {error}")


def _values(given: float | str | list[float], request: Mapping[str, Any]) -> list[float]:
    """What a script says of one metric, as the values that are logged."""
    if isinstance(given, str):
        text = request.get("HyperParameters", {}).get(given, "")
        try:
            return [float(text.strip('"'))]
        except ValueError:
            return []
    return [float(value) for value in given] if isinstance(given, list) else [float(given)]


def _refused(script: Script, reason: str) -> Script:
    return replace(script, outcome=FAILED, failure_reason=f"ClientError: {reason}")


class ScriptedRunner:
    """Runs jobs by their scripts."""

    def __init__(self, scheduler: Scheduler, book: ScriptBook) -> None:
        self._scheduler = scheduler
        self._book = book

    def start(self, *, kind: JobKind, job: Job, listener: Listener, at: float) -> ScriptedWork:
        """Schedule the first change of stage."""
        script = self._book.script_for(job)
        work = ScriptedWork(scheduler=self._scheduler, kind=kind, script=script, listener=listener, request=job.request)
        work.pass_stage(0, at)
        return work

    async def close(self) -> None:
        """Nothing runs, so nothing is left to end."""


class ScriptedWork:
    """One scripted run: it always has exactly one thing scheduled."""

    def __init__(
        self, *, scheduler: Scheduler, kind: JobKind, script: Script, listener: Listener, request: Mapping[str, Any]
    ) -> None:
        self._scheduler = scheduler
        self._kind = kind
        self._script = script
        self._listener = listener
        waits = (kind.waiting,) if kind.waiting in (script.stages or {}) else ()
        self._stages = (*kind.stages[:1], *waits, *kind.stages[1:])
        self._durations = script.durations(self._stages)
        self._timer: Timer | None = None
        self._worked_from: float | None = None
        self._metrics = {name: _values(given, request) for name, given in (script.metrics or {}).items()}

    def pass_stage(self, position: int, at: float) -> None:
        """Stay in a stage as long as the script says, then go on."""
        stage, seconds = self._stages[position], self._durations[position]
        if stage == self._kind.working:
            self._worked_from = at
        messages = self._kind.messages(stage)
        self._say(stage, list(messages), at, pause=seconds / len(messages), then=lambda due: self._leave(position, due))

    def stop(self, at: float, *, ending: str) -> None:
        """Report Stopped after the script's stop time."""
        del ending
        self.cancel()
        stopped = Outcome(status=STOPPED, details=self._final_metrics(at))
        self._set(at + self._script.stop_seconds, lambda due: self._listener.finished(stopped, due))

    def cancel(self) -> None:
        """Drop what is scheduled."""
        if self._timer is not None:
            self._timer.cancel()

    def series(self, metric: str, at: float) -> list[float]:
        """The part of the script's values that the time spent in the Training stage has brought."""
        values = self._metrics.get(metric, [])
        if self._worked_from is None:
            return []
        whole = self._durations[self._stages.index(self._kind.working)]
        share = 1.0 if whole <= 0 else min(1.0, (at - self._worked_from) / whole)
        return values[: int(share * len(values) + 1e-9)]

    def _final_metrics(self, at: float) -> dict[str, Any]:
        series = {name: self.series(name, at) for name in self._metrics}
        metrics = [
            {"MetricName": name, "Value": values[-1], "Timestamp": round(at, 3)}
            for name, values in series.items()
            if values
        ]
        return {"FinalMetricDataList": metrics} if metrics else {}

    def _say(self, stage: str, messages: list[str], at: float, *, pause: float, then: Action) -> None:
        """Report the stage's messages, one after the other, then go on."""
        self._listener.progress(stage, messages[0], at)
        rest = messages[1:]
        if rest:
            self._set(at + pause, lambda due: self._say(stage, rest, due, pause=pause, then=then))
        else:
            self._set(at + pause, then)

    def _leave(self, position: int, at: float) -> None:
        fails = self._script.outcome == FAILED and self._stages[position] == self._kind.working
        if fails or position == len(self._stages) - 1:
            self._listener.finished(self._outcome(at), at)
        else:
            self.pass_stage(position + 1, at)

    def _set(self, due: float, action: Action) -> None:
        self._timer = self._scheduler.at(due, action)

    def _outcome(self, at: float) -> Outcome:
        script = self._script
        if script.outcome == FAILED:
            reason = (
                script.failure_reason or "AlgorithmError: ExecuteUserScriptError: the script says that this job fails"
            )
            return Outcome(status=FAILED, failure_reason=reason)
        return Outcome(status=COMPLETED, details=self._final_metrics(at))
