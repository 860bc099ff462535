"""Lists and objects as SageMaker's API has them, as manifests have them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sagebridge.schema.convert import ConversionError, from_request

from sagebridge_kfp.compat.parsing import Parser
from sagebridge_kfp.specs.errors import InputError


def shaped(parse: Parser, operation: str, *members: str) -> Parser:
    """A parser of what an operation of the API has as one of its members.

    Args:
        parse: reads the object or list.
        operation: such as `CreateTrainingJob`.
        *members: the member, below those that hold it.
    """

    def read(value: Any, argument: str) -> Any:
        found = parse(value, argument)
        return None if found is None else _as_in_manifests(found, operation, members, argument)

    return read


def keyed(parse: Parser, key: str) -> Parser:
    """A parser of a list of objects as an object by their names.

    Args:
        parse: reads the list.
        key: the field that has the name.
    """

    def read(value: Any, argument: str) -> dict[str, Any] | None:
        found = parse(value, argument)
        return None if found is None else _by(key, found, argument)

    return read


def _as_in_manifests(value: Any, operation: str, members: tuple[str, ...], argument: str) -> Any:
    request = value
    for member in reversed(members):
        request = {member: request}
    try:
        found: Any = from_request(operation, request)
    except ConversionError as error:
        raise InputError(argument, f"{error.path} {error.message} in the API's {operation}") from error
    except (AttributeError, TypeError) as error:
        shape = ".".join((operation, *members))
        raise InputError(argument, f"is not what the API's {shape} is: {value!r}") from error
    for _ in members:
        [found] = found.values()
    return found


def _by(key: str, items: list[Mapping[str, Any]], argument: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, item in enumerate(items):
        name = item.get(key)
        if not name:
            raise InputError(f"{argument}.{number}", f"has no {key[:1].upper()}{key[1:]}")
        if name in found:
            raise InputError(f"{argument}.{number}", f"is the second one called {name!r}")
        found[name] = {field: value for field, value in item.items() if field != key}
    return found
