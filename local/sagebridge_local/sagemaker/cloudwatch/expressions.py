"""Metric math, as far as alarms on error rates need it: arithmetic, FILL, SUM, AVG, MIN, MAX and IF: pure.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Value = float | None
_BINARY: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[float, float], bool]]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LISTS: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "SUM": sum,
    "MAX": max,
    "MIN": min,
    "AVG": lambda values: sum(values) / len(values),
}


class ExpressionError(ValueError):
    """An expression that is not understood here."""


def value(expression: str, values: Mapping[str, Value]) -> Value:
    """An expression's value in one period; None where data are missing, or something is divided by 0.

    Args:
        expression: The expression.
        values: The values of the other queries in that period, by their Ids.

    Raises:
        ExpressionError: it uses something else.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise ExpressionError(f"{expression!r} can't be read") from error
    return _value(tree.body, values)


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name) if name in values:
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            found = _value(operand, values)
            return None if found is None else -found
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            return _arithmetic(_BINARY[type(sign)], _value(left, values), _value(right, values))
        case ast.Compare(left=left, ops=[sign], comparators=[right]) if type(sign) in _COMPARISONS:
            return _arithmetic(_COMPARISONS[type(sign)], _value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _call(name, arguments, values)
    raise ExpressionError(f"{ast.unparse(node)} is not understood in the local CloudWatch")


def _arithmetic(sign: Callable[[float, float], float], left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    try:
        return float(sign(left, right))
    except ZeroDivisionError:
        return None


def _call(name: str, arguments: list[ast.expr], values: Mapping[str, Value]) -> Value:
    if name == "FILL" and len(arguments) == 2:
        found = _value(arguments[0], values)
        return _value(arguments[1], values) if found is None else found
    if name == "IF" and len(arguments) in {2, 3}:
        condition = _value(arguments[0], values)
        if condition is None:
            return None
        chosen = arguments[1:2] if condition else arguments[2:]
        return _value(chosen[0], values) if chosen else None
    if name in _LISTS and len(arguments) == 1 and isinstance(arguments[0], ast.List):
        found_ones = [_value(each, values) for each in arguments[0].elts]
        present = [each for each in found_ones if each is not None]
        return _LISTS[name](present) if present else None
    raise ExpressionError(f"{name} is not understood in the local CloudWatch")
