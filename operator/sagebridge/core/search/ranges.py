"""The ranges of a request as what a search draws from, and what it draws as the texts of hyperparameters.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html (scaling types)
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-autotune.html (auto-ranges)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optuna.distributions import BaseDistribution

LINEAR: Final = "Linear"
LOGARITHMIC: Final = "Logarithmic"
REVERSE_LOGARITHMIC: Final = "ReverseLogarithmic"
AUTO: Final = "Auto"
# Chosen here: an Auto range over this many times its lower end is searched by its logarithm.
_AUTO_LOGARITHMIC_FROM: Final = 100.0
# Chosen here: how far below and above its hint an auto-range reaches.
_AUTO_RANGE_FACTOR: Final = 10.0
_TRUTH: Final = ("true", "false")


class RangeError(ValueError):
    """A range that can't be searched; the text says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One hyperparameter that is searched for.

    Attributes:
        name: its name.
        low, high: the bounds of a number.
        is_integer: whether only whole numbers are in it.
        scaling: Linear, Logarithmic or ReverseLogarithmic.
        values: what a categorical one is chosen from; empty for a number.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    is_integer: bool = False
    scaling: str = LINEAR
    values: tuple[str, ...] = ()

    @property
    def count(self) -> float:
        """How many different values it has."""
        if self.values:
            return len(set(self.values))
        return self.high - self.low + 1 if self.is_integer else math.inf if self.high > self.low else 1

    def distribution(self) -> BaseDistribution:
        """What Optuna draws from."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.values:
            return CategoricalDistribution(self.values)
        if self.is_integer:
            return IntDistribution(int(self.low), int(self.high), log=self.scaling == LOGARITHMIC)
        if self.scaling == REVERSE_LOGARITHMIC:
            return FloatDistribution(1 - self.high, 1 - self.low, log=True)
        return FloatDistribution(self.low, self.high, log=self.scaling == LOGARITHMIC)

    def text(self, drawn: Any) -> str:
        """What was drawn, as the hyperparameter's value."""
        if self.values:
            return str(drawn)
        if self.is_integer:
            return str(int(drawn))
        value = 1 - drawn if self.scaling == REVERSE_LOGARITHMIC else drawn
        return repr(float(min(max(value, self.low), self.high)))

    def drawn(self, text: str) -> Any:
        """What would have to be drawn for a hyperparameter's value; None if it is outside."""
        if self.values:
            return text if text in self.values else None
        try:
            value = float(text)
        except ValueError:
            return None
        if not self.low <= value <= self.high:
            return None
        if self.is_integer:
            return int(value)
        return 1 - value if self.scaling == REVERSE_LOGARITHMIC else value


def parameters(ranges: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Read ParameterRanges.

    Raises:
        RangeError: a range that holds nothing, a scaling that does not fit, or a name twice.
    """
    found = tuple(_all(ranges))
    names = [parameter.name for parameter in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise RangeError(f"Hyperparameter names must be unique in the ranges; repeated: {', '.join(repeated)}")
    return found


def _all(ranges: Mapping[str, Any]) -> Iterator[Parameter]:
    for item in ranges.get("IntegerParameterRanges", ()):
        yield _number(item, is_integer=True)
    for item in ranges.get("ContinuousParameterRanges", ()):
        yield _number(item, is_integer=False)
    for item in ranges.get("CategoricalParameterRanges", ()):
        yield Parameter(name=item["Name"], values=tuple(dict.fromkeys(item["Values"])))
    for item in ranges.get("AutoParameters", ()):
        yield _auto(item["Name"], item["ValueHint"])


def _number(item: Mapping[str, Any], *, is_integer: bool) -> Parameter:
    name = item["Name"]
    low, high = (_bound(name, item[member], is_integer=is_integer) for member in ("MinValue", "MaxValue"))
    if low > high:
        raise RangeError(f"MinValue {item['MinValue']} of {name} must not be greater than its MaxValue")
    scaling = item.get("ScalingType", AUTO)
    if scaling == LOGARITHMIC and low <= 0:
        raise RangeError(f"Logarithmic scaling of {name} needs a range of values greater than 0")
    if scaling == REVERSE_LOGARITHMIC and (is_integer or low < 0 or high >= 1):
        raise RangeError(f"ReverseLogarithmic scaling of {name} needs a continuous range within 0 <= x < 1")
    if scaling == AUTO:
        scaling = LOGARITHMIC if low > 0 and high / low >= _AUTO_LOGARITHMIC_FROM else LINEAR
    return Parameter(name=name, low=low, high=high, is_integer=is_integer, scaling=scaling)


def _bound(name: str, text: str, *, is_integer: bool) -> float:
    try:
        value = float(int(text)) if is_integer else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        kind = "an integer" if is_integer else "a number"
        raise RangeError(f"The range of {name} must have {kind} at either end, not {text!r}")
    return value


def _auto(name: str, hint: str) -> Parameter:
    plain = hint.strip('"')
    if plain.lower() in _TRUTH:
        return Parameter(name=name, values=_TRUTH)
    try:
        value = float(plain)
    except ValueError:
        return Parameter(name=name, values=(hint,))
    is_integer = plain.lstrip("-").isdigit()
    low, high = sorted((value / _AUTO_RANGE_FACTOR, value * _AUTO_RANGE_FACTOR))
    if is_integer:
        low, high = math.ceil(low), math.floor(high)
        if value > 0:
            low = max(1, low)
    elif 0 < value < 1:
        high = min(high, 1.0)
    return Parameter(name=name, low=low, high=high, is_integer=is_integer, scaling=LOGARITHMIC if low > 0 else LINEAR)
