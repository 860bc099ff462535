"""Values that came as texts: `"50"`, `"False"`, JSON. What is empty says nothing, and becomes None."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import yaml

from sagebridge_kfp.specs.errors import InputError

Parser = Callable[[Any, str], Any]
"""Takes what an argument was given, and the argument's name, which its errors tell."""

_TRUE: Final = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "off", "0"})
_WHOLE: Final = re.compile(r"[+-]?\d+(\.0*)?")


def text(value: Any, argument: str) -> str | None:
    """A text without spaces around it; numbers and booleans as one writes them.

    Raises:
        InputError: it is something else.
    """
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise InputError(argument, f"must be a text, and is {value!r}")
    return str(value).strip() or None


def whole(value: Any, argument: str) -> int | None:
    """A whole number.

    Raises:
        InputError: it is something else.
    """
    written = _words(value)
    if written is None:
        return None
    if not _WHOLE.fullmatch(written):
        raise InputError(argument, f"must be a whole number, and is {value!r}")
    return int(written.partition(".")[0])


def number(value: Any, argument: str) -> float | None:
    """A finite number.

    Raises:
        InputError: it is something else.
    """
    written = _words(value)
    if written is None:
        return None
    try:
        found = float(written)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise InputError(argument, f"must be a number, and is {value!r}")
    return found


def boolean(value: Any, argument: str) -> bool | None:
    """True or false, also as Python and YAML write them.

    Raises:
        InputError: it is something else.
    """
    if value is None or isinstance(value, bool):
        return value
    written = value.strip().lower() if isinstance(value, str) else repr(value)
    if written in _TRUE or written in _FALSE:
        return written in _TRUE
    if not written:
        return None
    raise InputError(argument, f"must be True or False, and is {value!r}")


def mapping(value: Any, argument: str) -> dict[str, Any] | None:
    """An object, or one as JSON or YAML.

    Raises:
        InputError: it is something else.
    """
    found = _loaded(value, argument)
    if found is None:
        return None
    if not isinstance(found, Mapping):
        raise InputError(argument, f"must be an object, also as JSON, and is {value!r}")
    return {str(key): item for key, item in found.items()}


def listing(value: Any, argument: str) -> list[Any] | None:
    """A list, or one as JSON or YAML.

    Raises:
        InputError: it is something else.
    """
    found = _loaded(value, argument)
    if found is None:
        return None
    if not isinstance(found, list | tuple):
        raise InputError(argument, f"must be a list, also as JSON, and is {value!r}")
    return list(found)


def names(value: Any, argument: str) -> list[str] | None:
    """Names with commas between them.

    Raises:
        InputError: it is no text.
    """
    written = text(value, argument)
    if written is None:
        return None
    return [each.strip() for each in written.split(",") if each.strip()]


def _words(value: Any) -> str | None:
    """A number as it is written, or whatever else as it is shown; None for nothing."""
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    return repr(value)


def _loaded(value: Any, argument: str) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return json.loads(value)
    except ValueError:
        return _loaded_yaml(value, argument)


def _loaded_yaml(value: str, argument: str) -> Any:
    try:
        return yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise InputError(argument, f"is neither JSON nor YAML: {value!r}") from error
