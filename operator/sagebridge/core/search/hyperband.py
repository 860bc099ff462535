"""Hyperband: which trials go on, by what they have shown after so many values of the objective.

Trials are spread over brackets, and each bracket has rungs, three times as far apart as the ones before. Whoever comes
to a rung goes on if it is among the best third of those that have come there, without waiting for others. What was
decided at a rung holds: how many rungs a trial has passed belongs to the trial.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_HyperbandStrategyConfig.html
    https://arxiv.org/abs/1603.06560 (brackets), https://arxiv.org/abs/1810.05934 (rungs without waiting)
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sagebridge.core.search.definition import Definition
    from sagebridge.core.search.trial import Trial

HYPERBAND: Final = "Hyperband"
EPOCHS: Final = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""The static hyperparameters that MaxResource is taken from where it is not given, the first of them first."""
LARGEST_RESOURCE: Final = 20_000

_FACTOR: Final = 3


class ResourceError(ValueError):
    """Resources by which nothing can be decided; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hyperband:
    """The brackets of a search.

    Attributes:
        least: MinResource, in values of the objective: no trial is stopped before.
        most: MaxResource, likewise: no trial is worth more.
    """

    least: int
    most: int

    @property
    def brackets(self) -> int:
        """How many there are; in the last one trials come to one rung at most, and to none where that is the end."""
        return _power(self.most / self.least) + 1

    def bracket(self, number: int) -> int:
        """Which bracket the trial of this number is in: the more that brackets sort out, the more trials they get."""
        last = self.brackets - 1
        shares = [
            math.ceil(self.brackets * _FACTOR ** (last - bracket) / (last - bracket + 1))
            for bracket in range(self.brackets)
        ]
        drawn = int.from_bytes(hashlib.sha256(f"bracket/{number}".encode()).digest()[:8], "big") % sum(shares)
        bracket = 0
        while drawn >= shares[bracket]:
            drawn -= shares[bracket]
            bracket += 1
        return bracket

    def judge(self, trial: Trial, others: Iterable[Trial]) -> tuple[int, bool]:
        """Look at the rungs that a trial has come to since it was last judged.

        Args:
            trial: one that runs.
            others: trials of the same search, whether they run or not.

        Returns:
            How many rungs it has passed now, and whether it is not worth going on with.
        """
        bracket, rungs = self.bracket(trial.number), trial.rungs
        rivals = [
            other.series
            for other in others
            if other is not trial and other.definition is trial.definition and self.bracket(other.number) == bracket
        ]
        while (step := self.least * _FACTOR ** (bracket + rungs)) < self.most and step <= len(trial.series):
            if not _is_among_the_best(trial, rivals, step):
                return rungs, True
            rungs += 1
        return rungs, len(trial.series) > self.most


def hyperband(config: Mapping[str, Any], definition: Definition) -> Hyperband:
    """The brackets of a training definition's search.

    Args:
        config: HyperParameterTuningJobConfig.
        definition: how its trials train.

    Raises:
        ResourceError: MaxResource is neither given nor to be found, or does not fit.
    """
    given = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    least, most = int(given.get("MinResource", 1)), given.get("MaxResource") or _epochs(definition)
    if most is None:
        names = ", ".join(EPOCHS)
        raise ResourceError(f"MaxResource must be given: none of the static hyperparameters {names} says how many")
    if most > LARGEST_RESOURCE:
        raise ResourceError(f"MaxResource must not be greater than {LARGEST_RESOURCE}")
    if least > most:
        raise ResourceError("MinResource must not be greater than MaxResource")
    return Hyperband(least=least, most=int(most))


def _epochs(definition: Definition) -> int | None:
    texts = (definition.static.get(name, "").strip('"') for name in EPOCHS)
    return next((int(text) for text in texts if text.isascii() and text.isdigit() and int(text)), None)


def _power(ratio: float) -> int:
    """The greatest power of the factor that is not above a ratio of at least 1."""
    power = 0
    while _FACTOR ** (power + 1) <= ratio:
        power += 1
    return power


def _is_among_the_best(trial: Trial, rivals: Iterable[Sequence[float]], step: int) -> bool:
    """Whether a trial is in the best third of those that have come to a step; the best is, however few they are."""
    sign = 1.0 if trial.definition.maximize else -1.0
    value = sign * trial.series[step - 1]
    theirs = [sign * series[step - 1] for series in rivals if len(series) >= step]
    return sum(other > value for other in theirs) < max(1, (len(theirs) + 1) // _FACTOR)
