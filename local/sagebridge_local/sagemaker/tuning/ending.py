"""When a trial, or the whole search, is not worth going on with.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-early-stopping.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-progress.html (completion criteria)
"""

from __future__ import annotations

from statistics import mean, median
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.tuning.trial import best_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge_local.sagemaker.tuning.trial import Trial

# Chosen here: how many ended trials convergence is judged by, and by what part of their spread the later half must
# improve on the earlier, so that going on is worth while. AWS says only "less than 1 % likely to improve".
CONVERGENCE_TRIALS: Final = 10
_WORTHWHILE: Final = 0.01
# The fewest ended trials whose median says anything.
_FEWEST_FOR_MEDIAN: Final = 2


def falls_behind(trial: Trial, ended: Sequence[Trial]) -> bool:
    """The median rule: whether its present value is worse than the median of the others' averages so far."""
    epoch = len(trial.series)
    others = [
        mean(other.series[:epoch])
        for other in ended
        if other.definition is trial.definition and len(other.series) >= epoch > 0
    ]
    if len(others) < _FEWEST_FOR_MEDIAN:
        return False
    value, bar = trial.series[-1], median(others)
    return value < bar if trial.definition.maximize else value > bar


def not_improving(trials: Sequence[Trial]) -> int:
    """How many trials have ended since the best one, in the order in which they ended."""
    ended = sorted((trial for trial in trials if trial.job.is_terminal), key=lambda trial: trial.job.end_time or 0.0)
    best = best_of(ended)
    return len(ended) if best is None else len(ended) - 1 - ended.index(best)


def has_converged(trials: Sequence[Trial]) -> bool:
    """Whether the later half of the trials has hardly improved on the earlier."""
    ended = [trial for trial in trials if trial.value is not None]
    ended.sort(key=lambda trial: trial.job.end_time or 0.0)
    if len(ended) < CONVERGENCE_TRIALS:
        return False
    values = [trial.value for trial in ended if trial.value is not None]
    signed = values if ended[0].definition.maximize else [-value for value in values]
    half = len(signed) // 2
    spread = max(signed) - min(signed)
    return max(signed[half:]) - max(signed[:half]) <= _WORTHWHILE * spread


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
