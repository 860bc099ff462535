"""When a trial, or the whole search, is not worth going on with, and how a search has ended.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-progress.html (completion criteria)
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search.trial import COMPLETED, FAILED, SUCCEEDED, best_of, has_ended, objective_counters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.search.trial import Trial

# Chosen here: how many ended trials convergence is judged by, and by what part of their spread the later half must
# improve on the earlier, so that going on is worth while. AWS says only "less than 1 % likely to improve".
CONVERGENCE_TRIALS: Final = 10
_WORTHWHILE: Final = 0.01
# The fewest ended trials whose median says anything.
_FEWEST_FOR_MEDIAN: Final = 2
# https://github.com/aws/amazon-sagemaker-examples/issues/2437
NONE_SUCCEEDED: Final = (
    "No training job succeeded after {count} attempts. Please take a look at the training job failures to get more "
    "details."
)
# In our words: that AWS ends such jobs too is known, its text is not.
NO_OBJECTIVE: Final = (
    "No value of the objective metric was found after {count} training jobs. Have the algorithm log the metric as the "
    "regular expression of its metric definition expects it."
)
_FEWEST_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a search ends as.

    Attributes:
        status: HyperParameterTuningJobStatus: Completed, Failed or Stopped.
        reason: why it failed; empty unless it did.
    """

    status: str
    reason: str = ""


def judge(trials: Sequence[Trial], criteria: Mapping[str, Any]) -> Ending | None:
    """Whether to end before all trials were made: there is nothing to go by, or it is enough.

    Args:
        trials: those made so far.
        criteria: TuningJobCompletionCriteria.
    """
    attempts = [trial for trial in trials if trial.status in {COMPLETED, FAILED}]
    if not objective_counters(trials)[SUCCEEDED] and len(attempts) >= _FEWEST_ATTEMPTS:
        return Ending(status=FAILED, reason=why_nothing(trials))
    return Ending(status=COMPLETED) if is_enough(trials, criteria) else None


def ending_of(trials: Sequence[Trial]) -> Ending:
    """What a search ends as of which no trial runs any more, and which was not told to stop."""
    if objective_counters(trials)[SUCCEEDED]:
        return Ending(status=COMPLETED)
    return Ending(status=FAILED, reason=why_nothing(trials))


def why_nothing(trials: Sequence[Trial]) -> str:
    """The FailureReason of a search without any result."""
    statuses = [trial.status for trial in trials]
    text = NO_OBJECTIVE if COMPLETED in statuses else NONE_SUCCEEDED
    return text.format(count=statuses.count(COMPLETED) + statuses.count(FAILED))


def falls_behind(trial: Trial, ended: Sequence[Trial]) -> bool:
    """The median rule: whether its present value is worse than the median of the others' averages so far."""
    epoch = len(trial.series)
    if not epoch:
        return False
    others = [
        fmean(other.series[:epoch])
        for other in ended
        if other.definition is trial.definition and len(other.series) >= epoch
    ]
    if len(others) < _FEWEST_FOR_MEDIAN:
        return False
    value, bar = trial.series[-1], median(others)
    return value < bar if trial.definition.maximize else value > bar


def not_improving(trials: Sequence[Trial]) -> int:
    """How many trials have ended since the best one, in the order in which they ended."""
    ended = sorted((trial for trial in trials if has_ended(trial)), key=lambda trial: trial.ended_at or 0.0)
    best = best_of(ended)
    return len(ended) if best is None else len(ended) - 1 - ended.index(best)


def has_converged(trials: Sequence[Trial]) -> bool:
    """Whether the later half of the trials has hardly improved on the earlier."""
    ended = [trial for trial in trials if trial.value is not None]
    ended.sort(key=lambda trial: trial.ended_at or 0.0)
    if len(ended) < CONVERGENCE_TRIALS:
        return False
    return _has_levelled([_signed(trial) for trial in ended])


def converged_at(trials: Sequence[Trial]) -> float | None:
    """When the trials had first converged; None if they have not."""
    ended = sorted((trial for trial in trials if has_ended(trial)), key=lambda trial: trial.ended_at or 0.0)
    values: list[float] = []
    for trial in ended:
        if trial.value is not None:
            values.append(_signed(trial))
            if len(values) >= CONVERGENCE_TRIALS and _has_levelled(values):
                return trial.ended_at
    return None


def _signed(trial: Trial) -> float:
    """The trial's value, so that more of it is better."""
    value = trial.value or 0.0
    return value if trial.definition.maximize else -value


def _has_levelled(values: Sequence[float]) -> bool:
    half = len(values) // 2
    return max(values[half:]) - max(values[:half]) <= _WORTHWHILE * (max(values) - min(values))


def is_enough(trials: Sequence[Trial], criteria: Mapping[str, Any]) -> bool:
    """Whether a TuningJobCompletionCriteria is met."""
    best = best_of(trials)
    target = criteria.get("TargetObjectiveMetricValue")
    if target is not None and best is not None and best.value is not None:
        reached = best.value >= target if best.definition.maximize else best.value <= target
        if reached:
            return True
    most = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    if most is not None and not_improving(trials) >= most:
        return True
    return criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence") == "Enabled" and has_converged(trials)
