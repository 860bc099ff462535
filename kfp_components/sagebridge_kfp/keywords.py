"""Unknown keyword arguments, told with what was probably meant."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Final, ParamSpec, TypeVar

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

_SHORTEST: Final = 3
"""Letters that a name must have to be taken for a part of another one."""


def with_hints(
    elsewhere: Mapping[str, str],
) -> Callable[[Callable[_Parameters, _Result]], Callable[_Parameters, _Result]]:
    """Return a decorator that says of a function's unknown keyword arguments what was probably meant.

    Args:
        elsewhere: names that others have for what is said otherwise here, and how.

    The function raises:
        TypeError: an argument is unknown; names it.
    """

    def decorate(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
        known = tuple(inspect.signature(function).parameters)

        @functools.wraps(function)
        def called(*args: _Parameters.args, **given: _Parameters.kwargs) -> _Result:
            unknown = next((name for name in given if name not in known), None)
            if unknown is not None:
                hint = elsewhere.get(unknown) or _hint(unknown, known)
                raise TypeError(f"{function.__name__}() has no argument {unknown}: {hint}")
            return function(*args, **given)

        return called

    return decorate


def _hint(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1) or [each for each in known if _are_alike(name, each)]
    return f"is {near[0]} meant?" if near else f"it has {', '.join(known)}"


def _are_alike(name: str, known: str) -> bool:
    """Whether one is a part of the other, as of `env` and `environment`, or `use_spot_instances` and `spot`."""
    shorter, longer = sorted((name, known), key=len)
    return len(shorter) >= _SHORTEST and shorter in longer
