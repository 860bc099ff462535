"""Evaluates the alarms that moto only keeps, and sets their states there."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from sagebridge_local.sagemaker.cloudwatch import expressions, moto, rules, states
from sagebridge_local.sagemaker.cloudwatch.metrics import KEPT_SECONDS, PERIOD_SECONDS, Metric, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sagebridge_local.sagemaker.clock import Scheduler, Timer
    from sagebridge_local.sagemaker.cloudwatch.metrics import Metrics, Place

# CloudWatch evaluates most alarms each minute; nobody should wait for that here.
EVALUATION_SECONDS: Final = 10.0
_REASON: Final = "Threshold Crossed: evaluated by the local SageMaker"
_UNCHECKED: Final = "Unchecked"
_MAX_DEPTH: Final = 5
_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What an alarm's data say.

    Attributes:
        state: The state.
        has_data: Whether there were data at all.
    """

    state: str
    has_data: bool


class Alarms:
    """Keeps the states of alarms what their metrics say.

    A state that was set by hand (SetAlarmState) stays until the metric says something new.

    Args:
        metrics: what endpoints measured.
        scheduler: the clock.
    """

    def __init__(self, metrics: Metrics, scheduler: Scheduler) -> None:
        self._metrics = metrics
        self._scheduler = scheduler
        self._said: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._timer: Timer | None = None
        self.after: Callable[[float], None] = lambda _: None
        """Called after each regular evaluation, with its instant."""

    def wake(self) -> None:
        """Evaluate every alarm now and then from now on, as long as there are measurements."""
        if self._timer is None:
            self._timer = self._scheduler.at(self._scheduler.clock.now() + EVALUATION_SECONDS, self._tick)

    def tripped(self, names: Iterable[str], place: Place, *, at: float) -> list[str]:
        """Those alarms of an account and region that are in ALARM now."""
        cloudwatch = moto.backend(place)
        wanted = list(names)
        if cloudwatch is None or not wanted:
            return []
        self.evaluate(place, at=at)
        known = cloudwatch.alarms
        return [name for name in wanted if name in known and known[name].state_value == states.ALARM]

    def evaluate(self, place: Place, *, at: float) -> None:
        """Set every alarm of an account and region to what its metric says at an instant."""
        cloudwatch = moto.backend(place)
        if cloudwatch is None:
            return
        alarms = list(cloudwatch.alarms.values())
        for alarm in alarms:
            if alarm.rule is None:
                self._apply(cloudwatch, alarm, self._verdict(cloudwatch, alarm, place, at))
        composites = [alarm for alarm in alarms if alarm.rule is not None]
        for _ in range(min(len(composites), _MAX_DEPTH)):
            for alarm in composites:
                self._apply(cloudwatch, alarm, _composite(cloudwatch, alarm))

    def reset(self) -> None:
        """Forget the measurements; alarms are moto's."""
        self._metrics.clear()
        self._timer = None

    def _tick(self, at: float) -> None:
        self._timer = None
        self._metrics.forget(before=at - KEPT_SECONDS)
        places = self._metrics.places()
        for place in places:
            self.evaluate(place, at=at)
        self.after(at)
        if places:
            self._timer = self._scheduler.at(at + EVALUATION_SECONDS, self._tick)

    def _apply(self, cloudwatch: Any, alarm: Any, verdict: Verdict | None) -> None:
        if verdict is None or self._said.get(alarm) == verdict.state:
            return
        first = alarm not in self._said
        self._said[alarm] = verdict.state
        by_hand = not alarm.state_reason.startswith((_UNCHECKED, _REASON))
        if alarm.state_value == verdict.state or (first and by_hand and not verdict.has_data):
            return
        cloudwatch.set_alarm_state(alarm.name, f"{_REASON}: {verdict.state}", json.dumps({}), verdict.state)

    def _verdict(self, cloudwatch: Any, alarm: Any, place: Place, at: float) -> Verdict | None:
        """None for an alarm that can't be evaluated here, whose state is left alone."""
        compare = states.COMPARISONS.get(alarm.comparison_operator)
        if compare is None or alarm.threshold is None:
            return None
        try:
            values = self._values(cloudwatch, alarm, place, at)
        except expressions.ExpressionError as error:
            _log.warning("alarm %s is not evaluated: %s", alarm.name, error)
            return None
        threshold, evaluated = float(alarm.threshold), int(alarm.evaluation_periods)
        points = [None if value is None else compare(value, threshold) for value in values]
        found = states.state(
            points[-evaluated - states.EXTRA_PERIODS :],
            evaluated=evaluated,
            to_alarm=int(alarm.datapoints_to_alarm or evaluated),
            missing=alarm.treat_missing_data or states.MISSING,
            present=alarm.state_value,
        )
        return Verdict(state=found, has_data=any(point is not None for point in points))

    def _values(self, cloudwatch: Any, alarm: Any, place: Place, at: float) -> list[float | None]:
        """The values of as many periods as are looked at, the latest last."""
        if alarm.metric_data_queries:
            return self._queried(cloudwatch, alarm, place, at)
        metric = _metric(alarm.namespace, alarm.metric_name, alarm.dimensions, alarm.unit)
        statistic = alarm.statistic or alarm.extended_statistic or ""
        grid = _Grid(at, period=int(alarm.period), count=_looked_at(alarm))
        tallies = self._tallies(cloudwatch, place, metric, grid)
        values = [tallies[start].statistic(statistic) if start in tallies else None for start in grid.whole]
        running = tallies[grid.running].statistic(statistic) if grid.running in tallies else None
        if running is not None and _is_decided(alarm, statistic, running):
            values = [*values[1:], running]
        return values

    def _queried(self, cloudwatch: Any, alarm: Any, place: Place, at: float) -> list[float | None]:
        """The values of an alarm's metric math; only whole periods."""
        queries = alarm.metric_data_queries
        periods = [int(query.metric_stat.period) for query in queries if query.metric_stat]
        grid = _Grid(at, period=max(periods, default=PERIOD_SECONDS), count=_looked_at(alarm))
        known: list[dict[str, float | None]] = [{} for _ in grid.whole]
        for query in (each for each in queries if each.metric_stat):
            wanted = query.metric_stat.metric
            metric = _metric(wanted.namespace, wanted.metric_name, wanted.dimensions, query.metric_stat.unit)
            tallies = self._tallies(cloudwatch, place, metric, grid)
            for values, start in zip(known, grid.whole, strict=True):
                values[query.id] = tallies[start].statistic(query.metric_stat.stat) if start in tallies else None
        for query in (each for each in queries if each.expression):
            for values in known:
                values[query.id] = expressions.value(query.expression, values)
        returned = next((query.id for query in queries if _is_true(query.return_data)), queries[-1].id)
        return [values.get(returned) for values in known]

    def _tallies(self, cloudwatch: Any, place: Place, metric: Metric, grid: _Grid) -> dict[int, Tally]:
        ours = self._metrics.minutes(place, metric)
        found: dict[int, Tally] = {}
        for moment, tally in (*ours, *moto.users_data(cloudwatch, metric)):
            start = grid.start_of(moment)
            if start is not None:
                found.setdefault(start, Tally()).merge(tally)
        return found


class _Grid:
    """The periods that an alarm looks at: whole ones, and the one that is still running."""

    def __init__(self, at: float, *, period: int, count: int) -> None:
        self._period = max(1, period)
        self.running = int(at) // self._period * self._period
        self.whole = [self.running - self._period * back for back in range(count, 0, -1)]

    def start_of(self, moment: float) -> int | None:
        """The start of the period that an instant is in; None outside."""
        start = int(moment) // self._period * self._period
        return start if self.whole[0] <= start <= self.running else None


def _composite(cloudwatch: Any, alarm: Any) -> Verdict | None:
    def state_of(name: str) -> str | None:
        found = cloudwatch.alarms.get(name)
        return None if found is None else str(found.state_value)

    try:
        holds = rules.holds(alarm.rule, state_of=state_of)
    except rules.RuleError as error:
        _log.warning("composite alarm %s is not evaluated: %s", alarm.name, error)
        return None
    return Verdict(state=states.ALARM if holds else states.OK, has_data=True)


def _looked_at(alarm: Any) -> int:
    return int(alarm.evaluation_periods) + states.EXTRA_PERIODS


def _is_decided(alarm: Any, statistic: str, value: float) -> bool:
    """Whether a period that is still running breaches already, and will whatever comes."""
    operator = alarm.comparison_operator
    grows = statistic in states.GROWING and operator in states.UPWARD
    return grows and states.COMPARISONS[operator](value, float(alarm.threshold))


def _metric(namespace: str, name: str, dimensions: Iterable[Any], unit: str | None) -> Metric:
    return Metric(namespace, name, frozenset((each.name, each.value) for each in dimensions), unit)


def _is_true(given: Any) -> bool:
    return given is None or str(given).lower() == "true"
