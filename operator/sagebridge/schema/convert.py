"""Conversion between manifests (lowerCamelCase) and SageMaker's requests and responses (PascalCase).

Both ways walk botocore's shapes. Keys of maps (hyperparameters, environment) are data and stay as they are. Nothing is
dropped in silence: a key that the shape does not have is an error that names its path.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sagebridge.schema.casing import lower_first, lowered_members
from sagebridge.schema.model import input_shape, output_shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from botocore.model import ListShape, MapShape, Shape, StructureShape

_ABSENT = object()


class ConversionError(ValueError):
    """A value does not fit the operation's shape.

    Attributes:
        path: Where, as in a manifest: `spec.resourceConfig.instanceCount`.
        message: What is wrong there, and what to do.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


def to_request(operation: str, spec: Mapping[str, Any], *, path: str = "spec") -> dict[str, Any]:
    """Turn a manifest's fields into the request of an operation.

    Numbers and booleans in maps of strings (hyperparameters, environment) become strings.

    Args:
        operation: The API's name, such as `CreateTrainingJob`.
        spec: The request in lowerCamelCase, without any field that the operation does not have.
        path: Where `spec` lies in the manifest, for error messages.

    Returns:
        The request for boto3; parameter validation (bounds, patterns) is left to botocore.

    Raises:
        ConversionError: An unknown field, or a value of another type than the API's.
    """
    request: dict[str, Any] = _structure_to_request(input_shape(operation), spec, path)
    return request


def from_request(operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a request of an operation into a manifest's fields.

    Args:
        operation: The API's name, such as `CreateTrainingJob`.
        request: The request, as for boto3 or as JSON.

    Returns:
        The same in lowerCamelCase, made of JSON types only.

    Raises:
        ConversionError: A member that the operation does not have.
    """
    manifest: dict[str, Any] = _structure_from_api(input_shape(operation), request, "")
    return manifest


def from_response(operation: str, response: Mapping[str, Any], fields: Iterable[str] | None = None) -> dict[str, Any]:
    """Turn the response of an operation into status fields.

    Times become RFC 3339 strings in UTC. Numbers that JSON cannot hold (NaN, infinities) are left out, and so are
    members that the installed botocore does not know (`ResponseMetadata`, or newer than it).

    Args:
        operation: The API's name, such as `DescribeTrainingJob`.
        response: boto3's reply.
        fields: Which fields to take, in lowerCamelCase; all when None.

    Returns:
        The chosen fields that the response has, in lowerCamelCase, made of JSON types only.
    """
    shape = output_shape(operation)
    wanted = None if fields is None else frozenset(fields)
    known = {member: value for member, value in response.items() if member in shape.members}
    chosen = {member: value for member, value in known.items() if wanted is None or lower_first(member) in wanted}
    converted: dict[str, Any] = _structure_from_api(shape, chosen, "", lenient=True)
    return converted


def _structure_to_request(shape: StructureShape, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConversionError(path, f"must be an object, not {_kind_of(value)}")
    members = lowered_members(shape)
    request = {}
    for key, item in value.items():
        if key not in members:
            raise ConversionError(f"{path}.{key}", _unknown_key(key, members))
        member = members[key]
        request[member] = _value_to_request(shape.members[member], item, f"{path}.{key}")
    return request


def _unknown_key(key: str, members: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(key, members, n=1)
    return f"is not a field; did you mean {near[0]}?" if near else "is not a field; remove it"


def _list_to_request(shape: ListShape, value: Any, path: str) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConversionError(path, f"must be a list, not {_kind_of(value)}")
    return [_value_to_request(shape.member, item, f"{path}[{index}]") for index, item in enumerate(value)]


def _map_to_request(shape: MapShape, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ConversionError(path, f"must be an object, not {_kind_of(value)}")
    if holds_strings(shape):
        return {key: _text_of(item, f"{path}[{key}]") for key, item in value.items()}
    return {key: _value_to_request(shape.value, item, f"{path}[{key}]") for key, item in value.items()}


def holds_strings(shape: MapShape) -> bool:
    """Say whether a map's values are strings, where a manifest may also write numbers and booleans."""
    return shape.value.type_name == "string"


def _text_of(value: Any, path: str) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    raise ConversionError(path, f"must be a string, a number or a boolean, not {_kind_of(value)}")


def _string_to_request(_: Shape, value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise ConversionError(path, f"must be a string, not {_kind_of(value)}; put it in quotes")
    return value


def _integer_to_request(_: Shape, value: Any, path: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConversionError(path, f"must be a whole number, not {_kind_of(value)}")
    return value


def _float_to_request(_: Shape, value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ConversionError(path, f"must be a number, not {_kind_of(value)}")
    return value


def _boolean_to_request(_: Shape, value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise ConversionError(path, f"must be true or false, not {_kind_of(value)}")
    return value


def _timestamp_to_request(_: Shape, value: Any, path: str) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ConversionError(path, "must be a time such as 2030-01-31T12:00:00Z") from None


_TO_REQUEST: Mapping[str, Callable[[Any, Any, str], Any]] = {
    "structure": _structure_to_request,
    "list": _list_to_request,
    "map": _map_to_request,
    "string": _string_to_request,
    "integer": _integer_to_request,
    "long": _integer_to_request,
    "float": _float_to_request,
    "double": _float_to_request,
    "boolean": _boolean_to_request,
    "timestamp": _timestamp_to_request,
}


def _value_to_request(shape: Shape, value: Any, path: str) -> Any:
    return _TO_REQUEST[shape.type_name](shape, value, path)


def _structure_from_api(
    shape: StructureShape, value: Mapping[str, Any], path: str, *, lenient: bool = False
) -> dict[str, Any]:
    manifest = {}
    for member, item in value.items():
        if member not in shape.members:
            if lenient:
                continue
            raise ConversionError(f"{path}.{member}".lstrip("."), f"is not a member of {shape.name}")
        key = lower_first(member)
        converted = _value_from_api(shape.members[member], item, f"{path}.{key}", lenient=lenient)
        if converted is not _ABSENT:
            manifest[key] = converted
    return manifest


def _value_from_api(shape: Any, value: Any, path: str, *, lenient: bool) -> Any:
    match shape.type_name:
        case "structure":
            return _structure_from_api(shape, value, path, lenient=lenient)
        case "list":
            return _present(_value_from_api(shape.member, item, f"{path}[]", lenient=lenient) for item in value)
        case "map":
            return {key: _value_from_api(shape.value, item, path, lenient=lenient) for key, item in value.items()}
        case "timestamp":
            return rfc3339(value)
        case "float" | "double":
            return value if math.isfinite(value) else _ABSENT
        case _:
            return value


def _present(items: Iterable[Any]) -> list[Any]:
    return [item for item in items if item is not _ABSENT]


def rfc3339(moment: datetime | float | str) -> str:
    """Write a time as Kubernetes does: UTC, with Z, milliseconds only where there are any.

    Args:
        moment: An aware datetime (boto3's), seconds since 1970 (the wire's), or an RFC 3339 string, which stays.
    """
    if isinstance(moment, str):
        return moment
    if not isinstance(moment, datetime):
        moment = datetime.fromtimestamp(moment, tz=UTC)
    moment = moment.astimezone(UTC)
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def _kind_of(value: Any) -> str:
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", type(None): "null"}
    if isinstance(value, Mapping):
        return "an object"
    return names.get(type(value), "a list" if isinstance(value, Sequence) else type(value).__name__)
