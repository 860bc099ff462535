"""A tuning job on the cluster as Describe would show it, from its record and its trials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.clock import parse_time
from sagebridge.core.cluster.tuning.plan import is_over
from sagebridge.core.cluster.tuning.summaries import better, summary
from sagebridge.core.conditions import READY, STALLED, State, Verdict, find, is_true
from sagebridge.core.observation import Phase
from sagebridge.core.reasons import Reason
from sagebridge.core.search.ending import converged_at, ending_of, not_improving
from sagebridge.core.search.trial import (
    COMPLETED,
    FAILED,
    IN_PROGRESS,
    STOPPED,
    best_of,
    has_ended,
    objective_counters,
    status_counters,
)
from sagebridge.core.search.warm_start import IDENTICAL
from sagebridge.core.tuning.results import BEST_TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.cluster.tuning.record import Record
    from sagebridge.core.cluster.tuning.trials import ClusterTrial

_PHASES: Final = {COMPLETED: Phase.SUCCEEDED, FAILED: Phase.FAILED, STOPPED: Phase.STOPPED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What Describe and List would answer.

    Attributes:
        phase: where its life stands.
        reply: DescribeHyperParameterTuningJob's.
        best: the ten best trials as ListTrainingJobsForHyperParameterTuningJob would give them, best first.
        model: the best trial's model on S3, once the search has ended; empty without one.
        waiting: what all running trials wait for; None if one of them waits for nothing.
    """

    phase: Phase
    reply: Mapping[str, Any]
    best: Sequence[Mapping[str, Any]]
    model: str = ""
    waiting: Verdict | None = None


def describe(record: Record, trials: Sequence[ClusterTrial], *, arn: str) -> Described:
    """Look at one attempt."""
    phase, status, reason = _state(record, trials)
    best = best_of(trials)
    name = "HyperParameterTuningJob"
    reply: dict[str, Any] = {
        **{key: value for key, value in record.request.items() if key != "Tags"},
        f"{name}Name": record.name,
        f"{name}Arn": arn,
        f"{name}Status": status,
        "CreationTime": record.created_at,
        "TrainingJobStatusCounters": status_counters(trials),
        "ObjectiveStatusCounters": objective_counters(trials),
        "TuningJobCompletionDetails": _details(trials),
    }
    if best is not None:
        reply["BestTrainingJob"] = summary(best)
    overall = _overall_best(record, best)
    if overall is not None:
        reply["OverallBestTrainingJob"] = overall
    if reason:
        reply["FailureReason"] = reason
    if phase.is_terminal:
        reply |= _times(record, trials)
    model = (best.job.status.get("modelArtifacts") or {}).get("s3ModelArtifacts") if best and phase.is_terminal else ""
    return Described(
        phase=phase,
        reply=reply,
        best=[summary(trial) for trial in _ranked(trials)],
        model=model or "",
        waiting=_waiting(trials) if phase is Phase.OPEN else None,
    )


def _state(record: Record, trials: Sequence[ClusterTrial]) -> tuple[Phase, str, str]:
    """The phase, HyperParameterTuningJobStatus and FailureReason."""
    if not is_over(record, trials):
        is_stopping = record.ending is not None and record.ending.status == STOPPED
        return (Phase.STOPPING, "Stopping", "") if is_stopping else (Phase.OPEN, IN_PROGRESS, "")
    ending = record.ending
    if ending is None or ending.status == COMPLETED:
        ending = ending_of(trials)
    return _PHASES[ending.status], ending.status, ending.reason


def _overall_best(record: Record, best: ClusterTrial | None) -> Mapping[str, Any] | None:
    """The best of this search and of those that it has learned from; only these of the same data can be compared."""
    if record.request.get("WarmStartConfig", {}).get("WarmStartType") != IDENTICAL:
        return None
    own = None if best is None else {**summary(best), "TuningJobName": record.name}
    return better(own, record.inherited.best, maximize=record.definitions[0].maximize)


def _details(trials: Sequence[ClusterTrial]) -> dict[str, Any]:
    details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": not_improving(trials)}
    converged = converged_at(trials)
    return details | ({} if converged is None else {"ConvergenceDetectedTime": converged})


def _times(record: Record, trials: Sequence[ClusterTrial]) -> dict[str, Any]:
    created = parse_time(record.created_at).timestamp()
    decided = [parse_time(record.ending_at).timestamp()] if record.ending_at else []
    ended = max([created, *decided, *(trial.ended_at for trial in trials if trial.ended_at is not None)])
    return {
        "HyperParameterTuningEndTime": ended,
        "ConsumedResources": {"RuntimeInSeconds": round(ended - created)},
    }


def _ranked(trials: Sequence[ClusterTrial]) -> list[ClusterTrial]:
    """The best trials, the earlier first of two that are equally good."""
    valued = [(trial.value, trial) for trial in trials if trial.value is not None]
    valued.sort(key=lambda pair: -pair[0] if pair[1].definition.maximize else pair[0])
    return [trial for _, trial in valued[:BEST_TRIALS]]


def _waiting(trials: Sequence[ClusterTrial]) -> Verdict | None:
    """What is told of the first running trial, if all of them wait for something."""
    verdicts = [_of(trial) for trial in trials if not has_ended(trial)]
    return verdicts[0] if verdicts and None not in verdicts else None


def _of(trial: ClusterTrial) -> Verdict | None:
    ready = find(trial.job.conditions, READY)
    is_stalled = is_true(trial.job.conditions, STALLED)
    reason = Reason.parse(ready.get("reason") if ready else None, default=Reason.IN_PROGRESS)
    if ready is None or not (is_stalled or reason in (Reason.QUEUED, Reason.UNSCHEDULABLE)):
        return None
    state = State.STALLED if is_stalled else State.PROGRESSING
    return Verdict(state=state, reason=reason, message=f"{trial.job.name}: {ready.get('message', '')}")
