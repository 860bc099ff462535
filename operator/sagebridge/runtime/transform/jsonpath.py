"""The JSONPath that DataProcessing's filters are written in.

Operators: ``$``, ``.name``, ``.*``, ``['name', ...]``, ``[index, ...]`` (negative ones count from the end),
``[start:end]``, and lists that mix indexes and slices.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html (supported operators)
and https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataProcessing.html (an index outside is an error).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_STEP: Final = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\.?(?P<any>\*|\[\*\])|\.?\[(?P<inside>[^\[\]]*)\]")
_QUOTED: Final = re.compile(r"""\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\s*""")
_NUMBERS: Final = re.compile(r"\s*(?:(?P<index>-?\d+)|(?P<start>-?\d+)?\s*:\s*(?P<end>-?\d+)?)\s*")


class JsonPathError(ValueError):
    """A filter that is no path, or a path that does not fit the data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Names:
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Positions:
    positions: tuple[int | slice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _All:
    pass


_Step = _Names | _Positions | _All


@dataclass(frozen=True, kw_only=True, slots=True)
class JsonPath:
    """A parsed path.

    Attributes:
        text: as it was written.
        steps: what it selects, from the root on.
    """

    text: str
    steps: tuple[_Step, ...]

    @property
    def is_root(self) -> bool:
        """Whether it selects everything."""
        return not self.steps

    def select(self, value: Any) -> Any:
        """What the path selects: one value; several names give an object, several positions a list.

        Raises:
            JsonPathError: the data has no such member or index.
        """
        for step in self.steps:
            value = _take(step, value, path=self.text)
        return value


def parse(text: str) -> JsonPath:
    """Read a path; an empty one is ``$``.

    Raises:
        JsonPathError: it is none, or uses an operator that batch transform does not have.
    """
    stripped = text.strip() or "$"
    if not stripped.startswith("$"):
        raise JsonPathError(f"{text!r} is no JSONPath: it must begin with $")
    steps: list[_Step] = []
    position = 1
    while position < len(stripped):
        match = _STEP.match(stripped, position)
        if match is None:
            raise JsonPathError(f"{text!r} is no JSONPath that batch transform takes: see {stripped[position:]!r}")
        steps.append(_step(match, text))
        position = match.end()
    return JsonPath(text=text, steps=tuple(steps))


def _step(match: re.Match[str], text: str) -> _Step:
    if match["name"]:
        return _Names(names=(match["name"],))
    if match["any"]:
        return _All()
    parts = match["inside"].split(",")
    quoted = [_QUOTED.fullmatch(part) for part in parts]
    if all(quoted):
        return _Names(names=tuple(part["single"] or part["double"] or "" for part in quoted if part))
    numbers = [_NUMBERS.fullmatch(part) for part in parts]
    if not all(numbers):
        raise JsonPathError(f"{text!r}: [{match['inside']}] must hold quoted names, or indexes and slices")
    return _Positions(positions=tuple(_position(part) for part in numbers if part))


def _position(match: re.Match[str]) -> int | slice:
    if match["index"] is not None:
        return int(match["index"])
    start, end = match["start"], match["end"]
    return slice(int(start) if start else None, int(end) if end else None)


def _take(step: _Step, value: Any, *, path: str) -> Any:
    if isinstance(step, _Names):
        return _take_names(step, value, path=path)
    if isinstance(step, _Positions):
        return _take_positions(step, value, path=path)
    if isinstance(value, Mapping):
        return list(value.values())
    if _is_list(value):
        return list(value)
    raise JsonPathError(f"{path}: * needs an object or a list")


def _take_names(step: _Names, value: Any, *, path: str) -> Any:
    if not isinstance(value, Mapping):
        raise JsonPathError(f"{path}: {step.names[0]!r} is a name, but the data is no object there")
    missing = [name for name in step.names if name not in value]
    if missing:
        raise JsonPathError(f"{path}: the data has no {missing[0]!r}")
    if len(step.names) == 1:
        return value[step.names[0]]
    return {name: value[name] for name in step.names}


def _take_positions(step: _Positions, value: Any, *, path: str) -> Any:
    if not _is_list(value):
        raise JsonPathError(f"{path}: an index needs a list, or a row of CSV")
    taken: list[Any] = []
    for position in step.positions:
        if isinstance(position, slice):
            taken += value[position]
            continue
        if not -len(value) <= position < len(value):
            raise JsonPathError(f"{path}: index {position} is outside of the {len(value)} elements there are")
        taken.append(value[position])
    return taken[0] if len(step.positions) == 1 and isinstance(step.positions[0], int) else taken


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
