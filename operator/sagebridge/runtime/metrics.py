"""MetricDefinitions: regular expressions over log lines, whose first group is the value.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

from __future__ import annotations

import math
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import regex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SEARCH_SECONDS: Final = 0.2
_STRIKES: Final = 3
_LINE_LIMIT: Final = 16_384


class Expressions:
    """What each metric is looked for with; one that can't be, or takes too long, costs its metric only.

    Attributes:
        problems: what went wrong with them.
    """

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self.problems: list[str] = []
        self._patterns: dict[str, regex.Pattern[str]] = {}
        self._strikes: dict[str, int] = {}
        for definition in definitions:
            self._compile(definition["Name"], definition["Regex"])

    @property
    def names(self) -> list[str]:
        """The metrics that are looked for."""
        return list(self._patterns)

    def value(self, name: str, line: str) -> float | None:
        """What a line says of a metric; None if nothing, or if it is not looked for any more."""
        pattern = self._patterns.get(name)
        if pattern is None:
            return None
        try:
            match = pattern.search(line[:_LINE_LIMIT], timeout=_SEARCH_SECONDS, concurrent=True)
        except TimeoutError:
            self._strike(name)
            return None
        if match is None:
            return None
        return _number(match[1] if match.re.groups else match[0])

    def _compile(self, name: str, expression: str) -> None:
        try:
            self._patterns[name] = regex.compile(expression)
        except (regex.error, RecursionError, OverflowError) as error:
            self.problems.append(f"The regular expression of the metric {name!r} is invalid: {error}")
        except MemoryError:
            self.problems.append(f"The regular expression of the metric {name!r} takes too much memory")

    def _strike(self, name: str) -> None:
        self._strikes[name] = self._strikes.get(name, 0) + 1
        if self._strikes[name] >= _STRIKES:
            del self._patterns[name]
            self.problems.append(
                f"The regular expression of the metric {name!r} took longer than {_SEARCH_SECONDS} s on {_STRIKES} "
                "lines: it is not looked for any more"
            )


class MetricScanner:
    """Keeps the latest value of each metric; a bad expression costs its metric, never the run."""

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._expressions = Expressions(definitions)
        self._latest: dict[str, dict[str, Any]] = {}
        self._series: dict[str, list[float]] = {}
        self._lock = threading.Lock()

    def scan(self, lines: Sequence[str]) -> None:
        """Look for every metric in every line. Blocks; safe to call from several threads."""
        with self._lock:
            for line in lines:
                self._scan(line)

    def final_metrics(self) -> list[dict[str, Any]]:
        """FinalMetricDataList: the last value of each metric that had one."""
        with self._lock:
            return list(self._latest.values())

    def series(self, name: str) -> list[float]:
        """All values of a metric so far, in the order in which they were logged."""
        with self._lock:
            return list(self._series.get(name, ()))

    def take_problems(self) -> list[str]:
        """What went wrong with the expressions since the last call."""
        with self._lock:
            problems, self._expressions.problems = self._expressions.problems, []
            return problems

    def _scan(self, line: str) -> None:
        for name in self._expressions.names:
            value = self._expressions.value(name, line)
            if value is not None:
                self._latest[name] = {"MetricName": name, "Value": value, "Timestamp": datetime.now(UTC)}
                self._series.setdefault(name, []).append(value)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
