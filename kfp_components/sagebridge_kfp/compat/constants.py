"""What can be refused where a pipeline is compiled: constants that are wrong whatever the other arguments will be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sagebridge_kfp.compat.arguments import NOTHING, Argument, check_zero, value_of
from sagebridge_kfp.specs.channels import s3_uri
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.schema import problems_at, schema_at
from sagebridge_kfp.specs.values import whole

_URIS: Final = (".s3Uri", ".s3OutputPath")
"""How the paths of fields end that our own inputs take as URIs."""


def checked(arguments: Sequence[Argument], kind: str = "") -> Callable[[Mapping[str, Any]], None]:
    """Return a check of some of a component's arguments, each by itself.

    Args:
        arguments: all of the component's.
        kind: of the object that it makes, whose definition says what its fields may be; empty if it makes none.

    The check raises:
        InputError: one of those that are given is certain to be refused; names it.
    """

    def check(given: Mapping[str, Any]) -> None:
        for each in arguments:
            if each.name in given:
                _check(each, given[each.name], kind)

    return check


def _check(argument: Argument, given: Any, kind: str) -> None:
    value = value_of(argument, given)
    check_zero(argument, value)
    if not kind or not argument.path or value in NOTHING or not _arrives_as_it_is(argument, value, kind):
        return
    if argument.becomes and argument.path.endswith(_URIS):
        s3_uri(value, argument.name)
    for path, message in problems_at(kind, argument.path, whole(value)):
        raise InputError(".".join((argument.name, *path)), message)


def _arrives_as_it_is(argument: Argument, value: Any, kind: str) -> bool:
    """Whether the spec has just this value at the argument's path."""
    if argument.is_merged:
        return True
    if not argument.becomes or isinstance(value, list):
        return False
    # Of some objects, such as channels by their names, the component makes lists.
    return not isinstance(value, Mapping) or schema_at(kind, argument.path).get("type") == "object"
