"""The search itself, by Optuna: what to try next, and what is not worth going on with.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html (the strategies)
    https://optuna.readthedocs.io/en/stable/reference/samplers/index.html
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker.jobs.job import STOPPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler

    from sagebridge_local.sagemaker.tuning.definition import Definition
    from sagebridge_local.sagemaker.tuning.trial import Trial

BAYESIAN: Final = "Bayesian"
RANDOM: Final = "Random"
GRID: Final = "Grid"
HYPERBAND: Final = "Hyperband"
_MOST_DRAWS: Final = 50
_FEWEST_RANDOM: Final = 3
_MOST_RANDOM: Final = 10


class Search:
    """The trials of one training definition.

    Args:
        definition: what is searched.
        config: the HyperParameterTuningJobConfig.
        seed: makes the search repeatable; None for any.
    """

    def __init__(self, definition: Definition, config: Mapping[str, Any], *, seed: int | None) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.definition = definition
        self._distributions = {parameter.name: parameter.distribution() for parameter in definition.parameters}
        self._tried: set[tuple[str, ...]] = set()
        self._strategy: str = config["Strategy"]
        self._study = optuna.create_study(
            direction="maximize" if definition.maximize else "minimize",
            sampler=_sampler(self._strategy, config, seed=seed),
            pruner=_pruner(self._strategy, config),
        )
        if self._strategy == GRID:
            self._enqueue_grid(seed)

    @property
    def is_exhausted(self) -> bool:
        """Whether every combination of a grid was tried."""
        return self._strategy == GRID and len(self._tried) >= self.definition.combinations

    def draw(self) -> tuple[Any, dict[str, str]]:
        """What to try next: the search's record, and the hyperparameters.

        Where there are finitely many combinations, none is tried again while there are others.
        """
        drawn = self._study.ask(self._distributions)
        for _ in range(_MOST_DRAWS):
            if self._key(drawn) not in self._tried or len(self._tried) >= self.definition.combinations:
                break
            self._fail(drawn)
            drawn = self._study.ask(self._distributions)
        self._tried.add(self._key(drawn))
        return drawn, self._texts(drawn.params)

    def report(self, trial: Trial) -> bool:
        """Tell what was logged since the last time; whether the trial is not worth going on with."""
        for step in range(trial.reported, len(trial.series)):
            trial.drawn.report(trial.series[step], step + 1)
        trial.reported = len(trial.series)
        return bool(trial.series) and self._strategy == HYPERBAND and bool(trial.drawn.should_prune())

    def conclude(self, trial: Trial) -> None:
        """Tell how a trial has ended."""
        from optuna.trial import TrialState

        if trial.value is None:
            self._fail(trial.drawn)
        elif trial.job.status == STOPPED and trial.reported:
            self._study.tell(trial.drawn, state=TrialState.PRUNED)
        else:
            self._study.tell(trial.drawn, trial.value)

    def learn(self, trials: Iterable[Trial]) -> None:
        """Take in another tuning job's trials, as far as they lie in the ranges."""
        from optuna.trial import create_trial

        for trial in trials:
            texts = {**trial.definition.static, **trial.tuned}
            params = {item.name: item.drawn(texts.get(item.name, "")) for item in self.definition.parameters}
            if trial.value is not None and None not in params.values():
                self._study.add_trial(create_trial(params=params, distributions=self._distributions, value=trial.value))

    def _enqueue_grid(self, seed: int | None) -> None:
        names = [parameter.name for parameter in self.definition.parameters]
        rows = list(itertools.product(*(parameter.values for parameter in self.definition.parameters)))
        random.Random(seed).shuffle(rows)  # noqa: S311 - an order, no secret
        for row in rows:
            self._study.enqueue_trial(dict(zip(names, row, strict=True)))

    def _fail(self, drawn: Any) -> None:
        from optuna.trial import TrialState

        self._study.tell(drawn, state=TrialState.FAIL)

    def _key(self, drawn: Any) -> tuple[str, ...]:
        return tuple(self._texts(drawn.params).values())

    def _texts(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {parameter.name: parameter.text(params[parameter.name]) for parameter in self.definition.parameters}


def _sampler(strategy: str, config: Mapping[str, Any], *, seed: int | None) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if strategy in {RANDOM, GRID}:
        return RandomSampler(seed=seed)
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", _MOST_RANDOM * 3)
    return TPESampler(seed=seed, n_startup_trials=min(_MOST_RANDOM, max(_FEWEST_RANDOM, most // 3)))


def _pruner(strategy: str, config: Mapping[str, Any]) -> BasePruner:
    from optuna.pruners import HyperbandPruner, NopPruner

    if strategy != HYPERBAND:
        return NopPruner()
    limits = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    return HyperbandPruner(min_resource=limits.get("MinResource", 1), max_resource=limits.get("MaxResource", "auto"))
