"""Ranges: numbers become the texts that the API takes, and what can't be searched is refused.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-define-ranges.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-how-it-works.html (grid search)
    https://sagemaker.readthedocs.io/en/stable/api/training/parameter.html (values for script mode are JSON)
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.training.limits import plain_text
from sagebridge.core.training.resources import given

if TYPE_CHECKING:
    from sagebridge.core.training.section import Section

INTEGER: Final = "integerParameterRanges"
CONTINUOUS: Final = "continuousParameterRanges"
CATEGORICAL: Final = "categoricalParameterRanges"
AUTO: Final = "autoParameters"
GRID: Final = "Grid"


def complete_ranges(ranges: Section, *, is_script: bool) -> dict[str, Any]:
    """Return the ranges with texts for numbers; in script mode each value is JSON, as the toolkit reads it.

    Raises:
        SpecError: a range that holds nothing, a scaling that does not fit it, or a name given twice.
    """
    _check_names(ranges)
    complete = given(ranges)
    for key, is_integer in ((INTEGER, True), (CONTINUOUS, False)):
        if ranges.has(key):
            complete[key] = [_number(item, is_integer=is_integer) for item in ranges.sections(key)]
    if ranges.has(CATEGORICAL):
        complete[CATEGORICAL] = [_categorical(item, is_script=is_script) for item in ranges.sections(CATEGORICAL)]
    if ranges.has(AUTO):
        complete[AUTO] = [
            {**given(item), "valueHint": _value(item.values.get("valueHint"), item.field("valueHint"), is_script)}
            for item in ranges.sections(AUTO)
        ]
    return complete


def names(ranges: Section) -> Iterator[tuple[str, Section]]:
    """The names of all hyperparameters in the ranges, and where they stand."""
    for key in (INTEGER, CONTINUOUS, CATEGORICAL, AUTO):
        for item in ranges.sections(key):
            yield item.required_text("name", hint="name the hyperparameter that is searched for"), item


def check_grid(ranges: Section) -> None:
    """Refuse what a grid can't have.

    Raises:
        SpecError: a range of numbers.
    """
    for key in (INTEGER, CONTINUOUS, AUTO):
        if ranges.sections(key):
            message = f"does not go with strategy {GRID}, which tries listed values: use {CATEGORICAL}"
            raise SpecError(ranges.field(key), message)


def _check_names(ranges: Section) -> None:
    seen: set[str] = set()
    for name, item in names(ranges):
        if name in seen:
            raise SpecError(item.field("name"), f'"{name}" has two ranges: keep one')
        seen.add(name)


def _number(item: Section, *, is_integer: bool) -> dict[str, Any]:
    bounds = {key: _bound(item, key, is_integer=is_integer) for key in ("minValue", "maxValue")}
    low, high = float(bounds["minValue"]), float(bounds["maxValue"])
    if low > high:
        raise SpecError(item.field("minValue"), f"{bounds['minValue']} must not be greater than maxValue")
    scaling = item.text("scalingType")
    if scaling == "Logarithmic" and low <= 0:
        raise SpecError(item.field("scalingType"), "Logarithmic needs a range of values greater than 0")
    if scaling == "ReverseLogarithmic" and (is_integer or low < 0 or high >= 1):
        message = "ReverseLogarithmic needs a continuous range from 0, included, to 1, not included"
        raise SpecError(item.field("scalingType"), message)
    return {**given(item), **bounds}


def _bound(item: Section, key: str, *, is_integer: bool) -> str:
    field = item.field(key)
    text = plain_text(item.values.get(key), field)
    try:
        value = float(int(text)) if is_integer else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SpecError(field, f'"{text}" must be {"a whole number" if is_integer else "a number"}')
    return text


def _categorical(item: Section, *, is_script: bool) -> dict[str, Any]:
    values = item.values.get("values") or ()
    field = item.field("values")
    return {
        **given(item),
        "values": [_value(value, f"{field}[{index}]", is_script) for index, value in enumerate(values)],
    }


def _value(value: object, field: str, is_script: bool) -> str:
    text = plain_text(value, field)
    return json.dumps(value) if is_script else text
