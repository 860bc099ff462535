"""The search itself, by Optuna: what to try next.

What is drawn for a trial depends on its number and on what is known of the others, and on nothing that is only in
memory: a search that is made anew from its trials goes on as the old one would have.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html (the strategies)
    https://optuna.readthedocs.io/en/stable/reference/samplers/index.html
"""

from __future__ import annotations

import hashlib
import math
import random
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.search.trial import shown_before_stop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optuna.samplers import BaseSampler

    from sagebridge.core.search.definition import Definition
    from sagebridge.core.search.trial import Trial

BAYESIAN: Final = "Bayesian"
RANDOM: Final = "Random"
GRID: Final = "Grid"
_MOST_DRAWS: Final = 50
_FEWEST_RANDOM: Final = 3
_MOST_RANDOM: Final = 10


class Search:
    """The trials of one training definition.

    Args:
        definition: what is searched.
        config: the HyperParameterTuningJobConfig.
        seed: makes the search repeatable.
    """

    def __init__(self, definition: Definition, config: Mapping[str, Any], *, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.definition = definition
        self._config = config
        self._seed = seed
        self._distributions = {parameter.name: parameter.distribution() for parameter in definition.parameters}
        self._tried: set[tuple[str, ...]] = set()
        self._rows = _shuffled_rows([parameter.values for parameter in definition.parameters], seed=seed)
        self._strategy: str = config["Strategy"]
        self._study = optuna.create_study(
            direction="maximize" if definition.maximize else "minimize", pruner=optuna.pruners.NopPruner()
        )

    @property
    def is_exhausted(self) -> bool:
        """Whether every combination of a grid was tried."""
        return self._strategy == GRID and len(self._tried) >= self.definition.combinations

    def draw(self, number: int) -> tuple[Any, dict[str, str]]:
        """What to try in the trial of this number: the search's record, and the hyperparameters.

        Where there are finitely many combinations, none is tried again while there are others.
        """
        self._study.sampler = _sampler(self._strategy, self._config, seed=_seed_of(self._seed, number))
        if self._strategy == GRID:
            self._enqueue_untried()
        drawn = self._study.ask(self._distributions)
        for _ in range(_MOST_DRAWS):
            if self._key(drawn) not in self._tried or len(self._tried) >= self.definition.combinations:
                break
            self._fail(drawn)
            drawn = self._study.ask(self._distributions)
        self._tried.add(self._key(drawn))
        return drawn, self._texts(drawn.params)

    def conclude(self, drawn: Any, *, value: float | None, shown: Sequence[float] = ()) -> None:
        """Tell how a trial has ended that was drawn here; of one that was cut short, what it has `shown`."""
        from optuna.trial import TrialState

        if value is None:
            self._fail(drawn)
            return
        for step, each in enumerate(shown, 1):
            drawn.report(each, step)
        if shown:
            self._study.tell(drawn, state=TrialState.PRUNED)
        else:
            self._study.tell(drawn, value)

    def recall(self, trials: Iterable[Trial]) -> None:
        """Take in trials that this search has drawn before it was made anew."""
        for trial in trials:
            self._tried.add(tuple(trial.tuned.get(parameter.name, "") for parameter in self.definition.parameters))
            self._learn(trial.tuned, trial.value, shown=shown_before_stop(trial))

    def learn(self, results: Iterable[tuple[Mapping[str, str], float | None]]) -> None:
        """Take in hyperparameters and values of another tuning job's trials, as far as they lie in the ranges."""
        for texts, value in results:
            self._learn(texts, value)

    def _learn(self, texts: Mapping[str, str], value: float | None, *, shown: Sequence[float] = ()) -> None:
        from optuna.trial import TrialState, create_trial

        params = {item.name: item.drawn(texts.get(item.name, "")) for item in self.definition.parameters}
        if value is None or None in params.values():
            return
        steps = dict(enumerate(shown, 1))
        known = create_trial(
            state=TrialState.PRUNED if steps else TrialState.COMPLETE,
            params=params,
            distributions=self._distributions,
            value=None if steps else value,
            intermediate_values=steps,
        )
        self._study.add_trial(known)

    def _enqueue_untried(self) -> None:
        """Have the next row of the grid drawn, in an order of the seed's."""
        names = [parameter.name for parameter in self.definition.parameters]
        row = next((row for row in self._rows if row not in self._tried), None)
        if row is not None:
            self._study.enqueue_trial(dict(zip(names, row, strict=True)))

    def _fail(self, drawn: Any) -> None:
        from optuna.trial import TrialState

        self._study.tell(drawn, state=TrialState.FAIL)

    def _key(self, drawn: Any) -> tuple[str, ...]:
        return tuple(self._texts(drawn.params).values())

    def _texts(self, params: Mapping[str, Any]) -> dict[str, str]:
        return {parameter.name: parameter.text(params[parameter.name]) for parameter in self.definition.parameters}


def seed_of_job(given: int | None, *, identity: str, definition: int) -> int:
    """The seed of one definition's search.

    Args:
        given: RandomSeed.
        identity: what the job is called for ever, where no seed is given.
        definition: the definition's index.
    """
    seed = _hashed(identity) if given is None else given
    return (seed + definition) % 2**32


def _shuffled_rows(values: Sequence[Sequence[str]], *, seed: int) -> Iterator[tuple[str, ...]]:
    """The rows of a grid in an order of the seed's, each made when it is asked for: grids grow by multiplication.

    Source: https://en.wikipedia.org/wiki/Fisher-Yates_shuffle, of which only the places that were swapped are kept.
    """
    count = math.prod(len(each) for each in values)
    chance = random.Random(seed)  # noqa: S311 - an order, no secret
    swapped: dict[int, int] = {}
    for place in range(count):
        other = chance.randrange(place, count)
        yield _row(values, swapped.get(other, other))
        swapped[other] = swapped.get(place, place)


def _row(values: Sequence[Sequence[str]], index: int) -> tuple[str, ...]:
    row = []
    for each in reversed(values):
        index, place = divmod(index, len(each))
        row.append(each[place])
    return tuple(reversed(row))


def _seed_of(seed: int, number: int) -> int:
    return _hashed(f"{seed}/{number}")


def _hashed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _sampler(strategy: str, config: Mapping[str, Any], *, seed: int) -> BaseSampler:
    from optuna.samplers import RandomSampler, TPESampler

    if strategy in {RANDOM, GRID}:
        return RandomSampler(seed=seed)
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", _MOST_RANDOM * 3)
    return TPESampler(seed=seed, n_startup_trials=min(_MOST_RANDOM, max(_FEWEST_RANDOM, most // 3)))
