"""Values as they are on their way between steps: those of JSON, where each number is a double."""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, Final, NoReturn

Value = Any

_SELECTOR: Final = re.compile(r'parseJson\(string_value\)((?:\["[^"]+"\])*)')
_KEY: Final = re.compile(r'\["([^"]+)"\]')
_CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "STRING": (str,),
    "NUMBER_DOUBLE": (int, float),
    "NUMBER_INTEGER": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
    "TASK_FINAL_STATUS": (dict,),
    "TASK_CONFIG": (dict,),
}
# What Go's strconv.ParseBool takes.
_BOOLEANS: Final = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)


class RefusedError(Exception):
    """The driver or the launcher would have failed the task here."""


def as_written(value: Value) -> Value:
    """A value as a step reads it: Go writes a double that is a whole number without a fraction.

    A whole number that a double can't be, such as one of nanoseconds since 1970, comes as the nearest that it can.

    Raises:
        RefusedError: a number is not finite, which a protobuf Value can't be.
    """
    if isinstance(value, dict):
        return {str(key): as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_written(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _double(value)
        return int(_shortest(number)) if number.is_integer() and abs(number) < 1e21 else number
    return value


def json_text(value: Value) -> str:
    """A value in JSON, as Go writes it."""
    return json.dumps(as_written(value), ensure_ascii=False, separators=(",", ":"))


def text(value: Value) -> str:
    """A value as text: `PbValueToText`."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return format(_shortest(_double(value)), "f").removesuffix(".0")
    return json_text(value)


def typed(name: str, value: Value, kind: str) -> Value:
    """A value as an input of a type: only texts are made of others.

    Raises:
        RefusedError: it is of another type.
    """
    if value is None:
        raise RefusedError(f"got null for input parameter {name!r}")
    if kind == "STRING":
        return text(value)
    check_type(name, value, kind)
    return value


def check_type(name: str, value: Value, kind: str) -> None:
    """Refuse what is of another type.

    Raises:
        RefusedError: it is.
    """
    is_boolean = isinstance(value, bool)
    if not isinstance(value, _CLASSES[kind]) or (is_boolean and kind != "BOOLEAN"):
        raise RefusedError(f"input parameter {name!r} type mismatch: expect {kind}, got {type(value).__name__}")


def parsed(content: str, kind: str) -> Value:
    """The value of an output that a container has written to a file: `TextToPbValue`.

    Raises:
        RefusedError: the file is not of the type.
    """
    if kind == "STRING":
        return content
    try:
        if kind == "NUMBER_INTEGER":
            return _integer(content.strip())
        if kind == "NUMBER_DOUBLE":
            return float(content.strip())
        if kind == "BOOLEAN":
            return _BOOLEANS[content.strip()]
        value = strict_json(content)
    except (ValueError, KeyError) as error:
        raise RefusedError(f"{content!r} is no {kind}") from error
    return typed("output", value, kind)


def _integer(digits: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", digits):
        raise ValueError(f"{digits!r} is no integer")
    return int(digits)


def strict_json(content: str) -> Value:
    """What a text says in JSON, which knows neither NaN nor Infinity, though Python writes them.

    Raises:
        RefusedError: it is no JSON.
    """
    try:
        return json.loads(content, parse_constant=_refuse)
    except ValueError as error:
        raise RefusedError(f"failed to unmarshal: {error}") from error


def select(value: Value, selector: str) -> Value:
    """A part of a value, as a loop's items have them.

    Raises:
        RefusedError: there is no such part.
    """
    found = _SELECTOR.fullmatch(selector)
    if found is None:
        raise NotImplementedError(f"this runner has no selector {selector!r}")
    part = strict_json(text(value))
    for key in _KEY.findall(found[1]):
        if not isinstance(part, dict) or key not in part:
            raise RefusedError(f"evaluation of parameter expression selector {selector!r} failed: no such key: {key}")
        part = part[key]
    return part


def _double(number: float) -> float:
    try:
        double = float(number)
    except OverflowError:
        double = math.inf
    if not math.isfinite(double):
        raise RefusedError(f"google.protobuf.Value can't be {number}")
    return double


def _shortest(double: float) -> Decimal:
    """The number of the fewest digits that is this double and no other, as Go and Python write it."""
    return Decimal(repr(double))


def _refuse(constant: str) -> NoReturn:
    raise RefusedError(f"{constant} is no JSON")
