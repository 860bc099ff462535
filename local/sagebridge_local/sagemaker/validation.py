"""Checks of requests against botocore's model, in the words of the service's own validation errors.

Each shape is compiled once into a closure. The forms of the messages are those that users quote, for instance in
https://github.com/aws/sagemaker-python-sdk/issues/384 and https://github.com/zenml-io/zenml/issues/1502.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sagebridge_local.sagemaker import errors
from sagebridge_local.sagemaker.patterns import compile_pattern

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, Shape, StructureShape

Validator = Callable[[Any, str, list[str]], None]
Request = Mapping[str, Any]

_JAVA_TYPES = {"string": "String", "integer": "Integer", "long": "Long", "boolean": "Boolean", "timestamp": "Date"}
_JSON_NAMES = {bool: "BOOLEAN_VALUE", int: "NUMBER_VALUE", float: "NUMBER_VALUE", str: "STRING_VALUE"}


def compile_request(shape: StructureShape | None) -> Callable[[Request], None]:
    """Make the check of one operation's request.

    Args:
        shape: the operation's input shape; None for an operation that takes nothing.

    Returns:
        A function that raises ServiceError: SerializationException for a wrong JSON type, ValidationException that
        lists everything else that is wrong.
    """
    check = None if shape is None else _compile(shape, {})

    def validate(request: Request) -> None:
        problems: list[str] = []
        if check is not None:
            check(request, "", problems)
        if problems:
            plural = "error" if len(problems) == 1 else "errors"
            raise errors.validation(f"{len(problems)} validation {plural} detected: {'; '.join(problems)}")

    return validate


def constraint(value: Any, path: str, rule: str) -> str:
    """One problem in the service's words: the value, where it is, and what it must satisfy."""
    shown = "null" if value is None else f"'{render(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"


def render(value: Any) -> str:
    """A value as Java prints it, near enough to be recognised."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(render(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}={render(item)}' for key, item in value.items())}}}"
    return str(value)


def _compile(shape: Shape, known: dict[str, Validator]) -> Validator:
    if shape.name in known:
        return known[shape.name]

    def later(value: Any, path: str, problems: list[str]) -> None:
        known[shape.name](value, path, problems)

    # Search's expression contains itself: its own name must resolve while it is being compiled.
    known[shape.name] = later
    makers: dict[str, Callable[[Any, dict[str, Validator]], Validator]] = {
        "structure": _structure,
        "list": _list,
        "map": _map,
        "string": _string,
        "blob": _blob,
    }
    known[shape.name] = makers.get(shape.type_name, _scalar)(shape, known)
    return known[shape.name]


def _blob(_: Shape, __: dict[str, Validator]) -> Validator:
    """A body comes as it is."""
    return lambda _value, _path, _problems: None


def _structure(shape: StructureShape, known: dict[str, Validator]) -> Validator:
    members = {name: (_lower_first(name), _compile(member, known)) for name, member in shape.members.items()}
    required = [(name, _lower_first(name)) for name in shape.required_members]

    def validate(value: Any, path: str, problems: list[str]) -> None:
        if not isinstance(value, Mapping):
            raise _mistyped(value, "Map")
        prefix = f"{path}." if path else ""
        for name, lower in required:
            if value.get(name) is None:
                problems.append(constraint(None, prefix + lower, "Member must not be null"))
        for name, item in value.items():
            if name not in members:
                problems.append(f"Unknown parameter '{prefix}{name}'; known are {', '.join(members)}")
            elif item is not None:
                lower, check = members[name]
                check(item, prefix + lower, problems)

    return validate


def _list(shape: ListShape, known: dict[str, Validator]) -> Validator:
    member = shape.member
    check = _compile(member, known)
    rules = _rules(shape, "length")

    def validate(value: Any, path: str, problems: list[str]) -> None:
        if not isinstance(value, list):
            raise _mistyped(value, "List")
        _apply(rules, value, path, problems)
        for position, item in enumerate(value, 1):
            check(item, f"{path}.{position}.member", problems)

    return validate


def _map(shape: MapShape, known: dict[str, Validator]) -> Validator:
    sides = (("Map keys", _rules(shape.key, "length")), ("Map value", _rules(shape.value, "length")))
    types = (_compile(shape.key, known), _compile(shape.value, known))
    size = _rules(shape, "length")

    def validate(value: Any, path: str, problems: list[str]) -> None:
        if not isinstance(value, Mapping):
            raise _mistyped(value, "Map")
        _apply(size, value, path, problems)
        for (what, rules), check, items in zip(sides, types, (value.keys(), value.values()), strict=True):
            _check_side(what, rules, check, items, problems, value, path)

    return validate


def _check_side(
    what: str,
    rules: list[Rule],
    check: Validator,
    items: Any,
    problems: list[str],
    value: Any,
    path: str,
) -> None:
    found: list[str] = []
    for item in items:
        check(item, path, found)
    if found:
        everything = ", ".join(text for text, _ in rules)
        problems.append(constraint(value, path, f"{what} must satisfy constraint: [{everything}]"))


Rule = tuple[str, Callable[[Any], bool]]


def _string(shape: Shape, _: dict[str, Validator]) -> Validator:
    rules = _rules(shape, "length")

    def validate(value: Any, path: str, problems: list[str]) -> None:
        if not isinstance(value, str):
            raise _mistyped(value, "String")
        _apply(rules, value, path, problems)

    return validate


def _scalar(shape: Shape, _: dict[str, Validator]) -> Validator:
    rules = _rules(shape, "value")
    wanted = _JAVA_TYPES.get(shape.type_name, "Double")
    accepts: tuple[type, ...] = {"Boolean": (bool,), "Integer": (int,), "Long": (int,)}.get(wanted, (int, float))

    def validate(value: Any, path: str, problems: list[str]) -> None:
        if not isinstance(value, accepts) or (isinstance(value, bool) and wanted != "Boolean"):
            raise _mistyped(value, wanted)
        _apply(rules, value, path, problems)

    return validate


def _apply(rules: list[Rule], value: Any, path: str, problems: list[str]) -> None:
    problems.extend(constraint(value, path, text) for text, holds in rules if not holds(value))


def _rules(shape: Shape, measure: str) -> list[Rule]:
    """The rules of a shape: its bounds (of length or of value), its pattern, its enumeration."""
    size: Callable[[Any], Any] = len if measure == "length" else lambda value: value
    facts = shape.metadata
    rules: list[Rule] = []
    if "max" in facts:
        most = facts["max"]
        rules.append((f"Member must have {measure} less than or equal to {most}", lambda value: size(value) <= most))
    if "min" in facts:
        least = facts["min"]
        text = f"Member must have {measure} greater than or equal to {least}"
        rules.append((text, lambda value: size(value) >= least))
    pattern = facts.get("pattern")
    compiled = compile_pattern(pattern) if pattern else None
    if compiled is not None:
        text = f"Member must satisfy regular expression pattern: {pattern}"
        rules.append((text, lambda value: compiled.fullmatch(value) is not None))
    if "enum" in facts:
        allowed = frozenset(facts["enum"])
        rules.append((f"Member must satisfy enum value set: [{', '.join(facts['enum'])}]", allowed.__contains__))
    return rules


def _mistyped(value: Any, wanted: str) -> errors.ServiceError:
    name = _JSON_NAMES.get(type(value), "START_OBJECT" if isinstance(value, Mapping) else "START_ARRAY")
    if value is None:
        name = "NULL_VALUE"
    return errors.serialization(f"{name} can not be converted to {'an' if wanted[0] in 'AEIO' else 'a'} {wanted}")


def _lower_first(name: str) -> str:
    return name[:1].lower() + name[1:]
