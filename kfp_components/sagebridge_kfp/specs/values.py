"""Values as pipelines pass them, and as manifests have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sagebridge.core.errors import SpecError
from sagebridge.core.training.limits import plain_text

from sagebridge_kfp.specs.errors import InputError

# Above this a float does not tell one integer from the next.
_LARGEST_EXACT: Final = 2**53


def whole(value: Any) -> Any:
    """Return a value whose whole numbers are integers, at any depth.

    Pipelines carry dictionaries and lists as protobuf Structs, in which each number is a float: 50 arrives as 50.0.

    Source: https://protobuf.dev/reference/protobuf/google.protobuf/#value
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST_EXACT:
        return int(value)
    if isinstance(value, Mapping):
        return {key: whole(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item) for item in value]
    return value


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: no empty text, no zero, no false, nothing empty."""
    return {name: value for name, value in fields.items() if value}


def text(value: Any, field: str) -> str:
    """Return a text, number or boolean as a text, as SageMaker's maps of strings have it: 7, 0.2, true.

    Raises:
        InputError: it is something else.
    """
    try:
        return plain_text(whole(value), field)
    except SpecError as error:
        raise InputError(error.field, error.message) from error
