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
    "NUMBER_DOUBLE": (int, float),
    "NUMBER_INTEGER": (int, float),
    "BOOLEAN": (bool,),
    "LIST": (list,),
    "STRUCT": (dict,),
    "TASK_FINAL_STATUS": (dict,),
    "TASK_CONFIG": (dict,),
}


class RefusedError(Exception):
    """The driver or the launcher would have failed the task here."""


def as_written(value: Value) -> Value:
    """A value as a step reads it: Go writes a double that is a whole number without a fraction.

    Raises:
        RefusedError: a number is not finite, which a protobuf Value can't be.
    """
    if isinstance(value, dict):
        return {str(key): as_written(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_written(item) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise RefusedError(f"google.protobuf.Value can't be {value}")
        return int(value) if float(value).is_integer() and abs(value) < 1e21 else float(value)
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
        return str(int(value)) if float(value).is_integer() else format(Decimal(repr(float(value))), "f")
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
    is_boolean = isinstance(value, bool)
    if not isinstance(value, _CLASSES[kind]) or (is_boolean and kind != "BOOLEAN"):
        raise RefusedError(f"input parameter {name!r} type mismatch: expect {kind}, got {type(value).__name__}")
    return value


def parsed(content: str, kind: str) -> Value:
    """The value of an output that a container has written to a file: `TextToPbValue`.

    Raises:
        RefusedError: the file is not of the type.
    """
    if kind == "STRING":
        return content
    try:
        if kind == "NUMBER_INTEGER":
            return int(content.strip())
        if kind == "NUMBER_DOUBLE":
            return float(content.strip())
        if kind == "BOOLEAN":
            return {"true": True, "false": False}[content.strip().lower()]
        value = strict_json(content)
    except (ValueError, KeyError) as error:
        raise RefusedError(f"{content!r} is no {kind}") from error
    return typed("output", value, kind)


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


def _refuse(constant: str) -> NoReturn:
    raise RefusedError(f"{constant} is no JSON")
