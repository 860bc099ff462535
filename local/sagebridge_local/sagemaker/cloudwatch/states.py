"""An alarm's state from data points: pure.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT_DATA: Final = "INSUFFICIENT_DATA"

MISSING: Final = "missing"
IGNORE: Final = "ignore"
BREACHING: Final = "breaching"
NOT_BREACHING: Final = "notBreaching"

COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
UPWARD: Final = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})
GROWING: Final = frozenset({"Sum", "Maximum", "SampleCount"})
"""Statistics that only grow while a period goes on, of values that are not negative."""
EXTRA_PERIODS: Final = 2
"""The guide's examples look at five periods where three are to be evaluated; how many in general is not said."""


def state(
    points: Sequence[bool | None], *, evaluated: int, to_alarm: int, missing: str = MISSING, present: str = OK
) -> str:
    """The state that data points give.

    Args:
        points: `evaluated + EXTRA_PERIODS` periods, the latest last: whether each breaches, None for no data.
        evaluated: EvaluationPeriods.
        to_alarm: DatapointsToAlarm.
        missing: TreatMissingData.
        present: The state so far, for `ignore`.
    """
    real = [point for point in points if point is not None]
    if len(real) >= evaluated:
        return _counted(sum(real[-evaluated:]), to_alarm)
    breaching = sum(real)
    if missing == BREACHING:
        return _counted(breaching + evaluated - len(real), to_alarm)
    if missing == NOT_BREACHING or breaching < len(real):
        return _counted(breaching, to_alarm)
    if missing == IGNORE:
        return present
    if not real:
        return INSUFFICIENT_DATA
    # Everything that is there breaches: an alarm, unless it may still be the first of a few points to come.
    age = len(points) - list(points).index(True)
    return _counted(max(breaching, age), to_alarm)


def _counted(breaching: int, to_alarm: int) -> str:
    return ALARM if breaching >= to_alarm else OK
