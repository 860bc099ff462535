"""Which running trials are not worth going on with, by whichever rule a search has.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperParameterTuningJobConfig.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search.ending import falls_behind
from sagebridge.core.search.hyperband import HYPERBAND, hyperband
from sagebridge.core.search.trial import has_ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sagebridge.core.search.trial import Trial

MEDIAN: Final = "MedianRule"
"""What a trial was stopped by: this, or `HYPERBAND`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What becomes of a running trial.

    Attributes:
        rungs: how many of Hyperband's rungs it has passed now.
        stopped_by: the rule by which it is to be stopped; empty if it goes on.
    """

    rungs: int = 0
    stopped_by: str = ""


def looks_at_running(config: Mapping[str, Any]) -> bool:
    """Whether what a running trial logs may end it."""
    return config["Strategy"] == HYPERBAND or config.get("TrainingJobEarlyStoppingType") == "Auto"


def judge(trial: Trial, trials: Sequence[Trial], config: Mapping[str, Any]) -> Judgement:
    """Judge a running trial by what it has logged.

    Args:
        trial: the trial.
        trials: all of the search.
        config: HyperParameterTuningJobConfig.
    """
    if config["Strategy"] == HYPERBAND:
        rungs, is_hopeless = hyperband(config, trial.definition).judge(trial, trials)
        return Judgement(rungs=rungs, stopped_by=HYPERBAND if is_hopeless else "")
    if config.get("TrainingJobEarlyStoppingType") == "Auto":
        ended = [other for other in trials if has_ended(other)]
        return Judgement(stopped_by=MEDIAN if falls_behind(trial, ended) else "")
    return Judgement()
