"""What was measured, minute by minute."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PERIOD_SECONDS: Final = 60
"""Endpoints' metrics have one minute's resolution: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html."""
KEPT_SECONDS: Final = 3 * 3600.0
Place = tuple[str, str]
"""An account and a region."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric's identity: another dimension, or one less, is another metric."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]
    unit: str | None = field(default=None, compare=False)


@dataclass(slots=True)
class Tally:
    """What is kept of a period's values: what the statistics need, however many values there were.

    Attributes:
        count: How many.
        total: Their sum.
        least: The smallest.
        most: The largest.
        spread: How many of each value, to three digits; for percentiles.
    """

    count: float = 0.0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")
    spread: Counter[float] = field(default_factory=Counter)

    def add(self, value: float) -> None:
        """Count a value in."""
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        self.spread[float(f"{value:.2e}")] += 1

    def merge(self, other: Tally) -> None:
        """Count another period's values in."""
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        self.spread.update(other.spread)

    def statistic(self, name: str) -> float | None:
        """Sum, Average, Minimum, Maximum, SampleCount or a percentile such as p99.9; None for any other.

        Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
        """
        if not self.count:
            return None
        known = {
            "Sum": self.total,
            "Average": self.total / self.count,
            "Minimum": self.least,
            "Maximum": self.most,
            "SampleCount": self.count,
        }
        return known[name] if name in known else self._percentile(name)

    def _percentile(self, name: str) -> float | None:
        try:
            share = float(name.removeprefix("p")) / 100 if name.startswith("p") else None
        except ValueError:
            return None
        if share is None or not self.spread:
            return None
        rank = share * self.spread.total()
        for value, count in sorted(self.spread.items()):
            rank -= count
            if rank <= 0:
                return value
        return self.most


class Metrics:
    """The measurements of every account and region, of the last three hours."""

    def __init__(self) -> None:
        self._places: dict[Place, dict[Metric, dict[int, Tally]]] = defaultdict(dict)

    def record(self, place: Place, metric: Metric, value: float, *, at: float) -> None:
        """Note a value, measured at an instant in seconds since the epoch."""
        minutes = self._places[place].setdefault(metric, {})
        start = int(at) // PERIOD_SECONDS * PERIOD_SECONDS
        tally = minutes.get(start)
        if tally is None:
            tally = minutes[start] = Tally()
        tally.add(value)

    def places(self) -> list[Place]:
        """The accounts and regions with measurements."""
        return list(self._places)

    def everything(self, place: Place) -> Iterator[tuple[Metric, int, Tally]]:
        """Every metric's minutes; safe beside `record` in another thread."""
        for metric, minutes in list(self._places.get(place, {}).items()):
            for start, tally in list(minutes.items()):
                yield metric, start, tally

    def minutes(self, place: Place, metric: Metric) -> Iterable[tuple[int, Tally]]:
        """One metric's minutes: when each began, and its tally."""
        return list(self._places.get(place, {}).get(metric, {}).items())

    def forget(self, *, before: float) -> None:
        """Drop what is older."""
        for place, metrics in list(self._places.items()):
            for metric, minutes in list(metrics.items()):
                for start in [start for start in minutes if start < before]:
                    del minutes[start]
                if not minutes:
                    del metrics[metric]
            if not metrics:
                del self._places[place]

    def clear(self) -> None:
        """Drop everything."""
        self._places.clear()
