"""Conditions of `dsl.If`: of the Common Expression Language, what kfp's compiler writes.

https://github.com/google/cel-spec/blob/master/doc/langdef.md, evaluated as by the driver's cel-go (0.30).
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from support.kfp_runner.values import RefusedError, text

_TEXT: Final = re.compile(r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
_WORDS: Final = ((re.compile(r"&&"), " and "), (re.compile(r"\|\|"), " or "), (re.compile(r"!(?!=)"), " not "))
_COMPARISONS: Final[dict[type, Callable[[Any, Any], bool]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {"int": int, "double": float, "string": text}
_NAMES: Final = {"true": True, "false": False}


def holds(condition: str, inputs: Mapping[str, Any]) -> bool:
    """Whether a task is to run.

    Args:
        condition: as it is compiled.
        inputs: the task's input parameters.

    Raises:
        RefusedError: it can't be read, an input is not there, types can't be compared or converted, or the answer is
            neither true nor false.
    """
    found = _value(_parsed(condition), inputs)
    if not isinstance(found, bool):
        raise RefusedError(f"evaluation error: {condition} is {found!r}, not a bool")
    return found


def _parsed(condition: str) -> ast.expr:
    pieces = [piece if number % 2 else _in_python(piece) for number, piece in enumerate(_TEXT.split(condition))]
    try:
        return ast.parse("".join(pieces).strip(), mode="eval").body
    except SyntaxError as error:
        raise RefusedError(f"syntax error: {condition}") from error


def _in_python(outside_of_texts: str) -> str:
    for word, python in _WORDS:
        outside_of_texts = word.sub(python, outside_of_texts)
    return outside_of_texts


def _value(node: ast.expr, inputs: Mapping[str, Any]) -> Any:  # noqa: PLR0911 - one for each kind of expression
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name in _NAMES:
            return _NAMES[name]
        case ast.Subscript(value=ast.Attribute(value=ast.Name(id="inputs"), attr="parameter_values"), slice=key):
            return _input(ast.literal_eval(key), inputs)
        case ast.Call(func=ast.Name(id=name), args=[argument]) if name in _FUNCTIONS:
            return _converted(name, _value(argument, inputs))
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, inputs)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(value, inputs) for value in values)
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_value(value, inputs) for value in values)
        case ast.Compare(left=left, ops=[comparison], comparators=[right]):
            return _compare(comparison, _value(left, inputs), _value(right, inputs))
    raise NotImplementedError(f"this runner has no {ast.unparse(node)!r} in conditions")


def _input(name: str, inputs: Mapping[str, Any]) -> Any:
    if name not in inputs:
        raise RefusedError(f"evaluation error: no such key: {name}")
    return inputs[name]


def _converted(function: str, value: Any) -> Any:
    try:
        return _FUNCTIONS[function](value)
    except (TypeError, ValueError) as error:
        raise RefusedError(f"evaluation error: type conversion error: {function}({value!r})") from error


def _compare(comparison: ast.cmpop, left: Any, right: Any) -> bool:
    if _kind(left) is not _kind(right):
        # Values of two types can't be put in order; but they are not equal, and that can be said.
        if isinstance(comparison, ast.Eq | ast.NotEq):
            return isinstance(comparison, ast.NotEq)
        raise RefusedError(f"evaluation error: no such overload: {left!r} and {right!r}")
    return _COMPARISONS[type(comparison)](left, right)


def _kind(value: Any) -> type:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float if is_number else type(value)
