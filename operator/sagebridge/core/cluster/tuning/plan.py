"""What to do next for a tuning job on the cluster: a pure function of its record, its trials and the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sagebridge.core.cluster.tuning.quotas import MOST_PARALLEL, MOST_TRIALS
from sagebridge.core.cluster.tuning.record import seconds_since
from sagebridge.core.search.ending import Ending, judge
from sagebridge.core.search.search import Search, seed_of_job
from sagebridge.core.search.trial import COMPLETED, STOPPED, has_ended

if TYPE_CHECKING:
    from sagebridge.core.cluster.tuning.record import Record
    from sagebridge.core.cluster.tuning.trials import ClusterTrial

STOP: Final = Ending(status=STOPPED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """A trial to be made.

    Attributes:
        number: its number.
        definition: the index of its training definition.
    """

    number: int
    definition: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What to do now, in this order; doing any of it twice does no harm.

    Attributes:
        ending: to be recorded before all else; None if nothing has been decided that is not recorded.
        stop: trials to be stopped.
        start: trials to be made, one after the other.
    """

    ending: Ending | None = None
    stop: tuple[ClusterTrial, ...] = ()
    start: tuple[Start, ...] = ()


def plan(record: Record, trials: Sequence[ClusterTrial], *, now: float) -> Plan:
    """What to do now.

    Args:
        record: the tuning job.
        trials: those that are there, by their numbers.
        now: seconds since the epoch.
    """
    ending = record.ending or _ending(record, trials, now)
    if ending is None:
        return Plan(start=_starts(record, trials))
    running = tuple(trial for trial in trials if not has_ended(trial) and not trial.is_told_to_stop)
    return Plan(ending=ending if record.ending is None else None, stop=running)


def is_over(record: Record, trials: Sequence[ClusterTrial]) -> bool:
    """Whether no trial runs, and none will."""
    if not all(has_ended(trial) for trial in trials):
        return False
    return record.ending is not None or last_number(record, trials) >= most_trials(record)


def most_trials(record: Record) -> float:
    """How many trials there may be: as many as were asked for, and no more than there are combinations."""
    most = record.config["ResourceLimits"].get("MaxNumberOfTrainingJobs", MOST_TRIALS)
    return float(min(most, MOST_TRIALS, record.combinations))


def last_number(record: Record, trials: Sequence[ClusterTrial]) -> int:
    """The highest number of a trial so far, also of one that was deleted."""
    return max(record.used, *(trial.number for trial in trials), 0)


def draw(record: Record, trials: Sequence[ClusterTrial], starts: Sequence[Start]) -> list[dict[str, str]]:
    """The hyperparameters of trials to be made; takes its time, and loads Optuna.

    They depend on the trials that are there, and on nothing that an operator would forget.
    """
    searches: dict[int, Search] = {}
    drawn = []
    for start in starts:
        if start.definition not in searches:
            searches[start.definition] = _search(record, trials, start.definition)
        drawn.append(searches[start.definition].draw(start.number)[1])
    return drawn


def _search(record: Record, trials: Sequence[ClusterTrial], index: int) -> Search:
    definition = record.definitions[index]
    seed = seed_of_job(record.config.get("RandomSeed"), identity=record.identity, definition=index)
    search = Search(definition, record.config, seed=seed)
    search.learn(record.inherited.trials)
    search.recall(trial for trial in trials if trial.definition is definition)
    return search


def _ending(record: Record, trials: Sequence[ClusterTrial], now: float) -> Ending | None:
    if is_over(record, trials):
        return None
    runtime = record.config["ResourceLimits"].get("MaxRuntimeInSeconds")
    if runtime is not None and seconds_since(record, now) >= runtime:
        return Ending(status=COMPLETED)
    return judge(trials, record.config.get("TuningJobCompletionCriteria", {}))


def _starts(record: Record, trials: Sequence[ClusterTrial]) -> tuple[Start, ...]:
    """A number is used once, even if its trial was deleted since."""
    running = sum(not has_ended(trial) for trial in trials)
    room = min(record.config["ResourceLimits"]["MaxParallelTrainingJobs"], MOST_PARALLEL) - running
    last, most = last_number(record, trials), most_trials(record)
    counts = [sum(trial.definition is definition for trial in trials) for definition in record.definitions]
    starts: list[Start] = []
    while len(starts) < room and last + len(starts) < most:
        index = _next_definition(record, counts)
        if index is None:
            break
        counts[index] += 1
        starts.append(Start(number=last + len(starts) + 1, definition=index))
    return tuple(starts)


def _next_definition(record: Record, counts: Sequence[int]) -> int | None:
    """The one with the fewest trials so far, while there may be more of them."""
    open_ones = [
        index for index, definition in enumerate(record.definitions) if counts[index] < definition.combinations
    ]
    return min(open_ones, key=lambda index: counts[index], default=None)
