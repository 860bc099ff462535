"""The arguments of a former component: what each becomes, or why it is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sagebridge_kfp.compat.parsing import Parser
from sagebridge_kfp.specs.errors import InputError
from sagebridge_kfp.specs.origins import nearest

NOTHING: Final[tuple[Any, ...]] = (None, "", {}, [])
"""What says nothing."""
_SPECS: Final = ("spec", "spec_overrides")


class Required:
    """In the place of a default: the argument must be given."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """An argument of a former component.

    Attributes:
        name: as it was called there.
        parse: makes of what is given what goes into the manifest.
        default: as it was there; `Required` for none.
        path: the field of the manifest's `spec` that it becomes, such as `resourceConfig.instanceType`.
        becomes: the input of our own component that takes it; empty if there is none.
        makes: inputs, and further fields of `spec`, that the component itself makes of it.
        is_merged: whether it is merged into the spec at `path`; if it neither is nor becomes an input, the component
            does what is to be done.
        is_optional: whether it may be empty, though it has no default.
        refusal: why it can't be kept; empty if it can.
        note: what else is to be said of it.
    """

    name: str
    parse: Parser
    default: Any = Required
    path: str = ""
    becomes: str = ""
    makes: tuple[str, ...] = ()
    is_merged: bool = False
    is_optional: bool = False
    refusal: str = ""
    note: str = ""


def read(arguments: Sequence[Argument], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the arguments say, by name; what is empty has its default.

    Args:
        arguments: of the component.
        given: what it was given, by name.

    Raises:
        InputError: one of them can't be read, or can't be kept; names it.
    """
    return {each.name: value_of(each, given[each.name]) for each in arguments}


def value_of(argument: Argument, given: Any) -> Any:
    """Return what one argument says; its default where that is nothing.

    Raises:
        InputError: it can't be read, or can't be kept.
    """
    value = argument.parse(given, argument.name)
    if value is None and argument.default is not Required:
        value = argument.parse(argument.default, argument.name)
    elif value is None and not argument.is_optional:
        raise InputError(argument.name, "is empty")
    if argument.refusal and value is not None:
        raise InputError(argument.name, argument.refusal)
    return value


def inputs_of(arguments: Sequence[Argument], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs of our own component: those that arguments become, and the rest as `spec_overrides`.

    Raises:
        InputError: one is 0 where our own input would take that for one that is not given; names it.
    """
    for each in arguments:
        check_zero(each, values[each.name])
    taken = {each.becomes: values[each.name] for each in arguments if each.becomes}
    overrides: dict[str, Any] = {}
    for each in arguments:
        if each.is_merged:
            put(overrides, each.path, values[each.name])
    return {**{name: value for name, value in taken.items() if value is not None}, "spec_overrides": overrides}


def check_zero(argument: Argument, value: Any) -> None:
    """Check that a value is not taken for one that is not given.

    Raises:
        InputError: it is 0 where our own input would be.
    """
    is_zero = isinstance(value, int | float) and not isinstance(value, bool) and value == 0
    if argument.becomes and is_zero and argument.default != 0:
        raise InputError(argument.name, "must be 1 or more, and is 0")


def put(overrides: dict[str, Any], path: str, value: Any) -> None:
    """Set a field by its path, unless the value says nothing."""
    if value in NOTHING:
        return
    *parents, last = path.split(".")
    for name in parents:
        overrides = overrides.setdefault(name, {})
    overrides[last] = value


@contextmanager
def blaming(arguments: Sequence[Argument]) -> Iterator[None]:
    """Let what refuses our own inputs, or fields of the spec, name the arguments that they were made of.

    Raises:
        InputError: as it was raised within, with the argument's name.
    """
    try:
        yield
    except InputError as error:
        raise InputError(blamed(arguments, error.field), error.message) from error


@contextmanager
def blamed_on(argument: str) -> Iterator[None]:
    """Let whatever is refused name one argument.

    Raises:
        InputError: as it was raised within, with the argument's name.
    """
    try:
        yield
    except InputError as error:
        raise InputError(argument, error.message) from error


def blamed(arguments: Sequence[Argument], field: str) -> str:
    """The argument of which a field was made, with the rest of the field's path; the field itself if there is none."""
    root, _, rest = field.partition(".")
    if root not in _SPECS:
        named = next((each.name for each in arguments if root in (each.becomes, *each.makes)), root)
        return f"{named}.{rest}" if rest else named
    made = next((each.name for each in arguments if rest in each.makes), "")
    owner = nearest(arguments, rest)
    return made or (field if owner is None else owner.name + rest.removeprefix(owner.path))
