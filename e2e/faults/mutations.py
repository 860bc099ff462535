"""Broken manifests, made from good ones: one field at a time, by the CRD's own schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]

_REMOVED = object()
_TELLING = 5
_STRINGS = (
    "",
    " ",
    "x" * 70,
    "x" * 3000,
    "s3://",
    "s3://bucket/../../other",
    "arn:aws:iam::123456789012:role/",
    "-leading-hyphen",
    "${HOME}",
    "\N{SNOWMAN}\N{PILE OF POO}",
    "line\nfeed",
    "null",
    "ml.m5.large",
)
_NUMBERS = (-1, 0, 1, 2, 2**31 - 1, 2**31, 2**53, 1.5)
_OTHERS: tuple[Any, ...] = (None, True, [], {}, [None], [[]], {"unknownField": 1}, ["x"], [{}])


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutant:
    """A manifest with one field that is not what it was.

    Attributes:
        spec: the whole spec.
        path: where it was changed, from the spec on.
        what: the change, for people.
    """

    spec: Mapping[str, Any]
    path: Path
    what: str

    def __repr__(self) -> str:
        return f"{'.'.join(map(str, self.path))}: {self.what}"

    @property
    def words(self) -> tuple[str, ...]:
        """Names of which a message has to say one: of the field, of what it is part of, and of its parts.

        Short ones, such as `name` and `on`, occur in any message, and count only where there is no other.
        """
        names = [str(part) for part in self.path if not isinstance(part, int)]
        value = _at(self.spec, self.path)
        parts = list(value) if isinstance(value, Mapping) else []
        words = tuple(word.lower() for word in (*names[-2:], *map(str, parts)))
        return tuple(word for word in words if len(word) >= _TELLING) or words


def mutants(schema: Schema, specs: Sequence[Mapping[str, Any]]) -> st.SearchStrategy[Mutant]:
    """Mutants of any of some good specs: a field of the schema is removed, added, or given another value.

    Args:
        schema: of the spec, as the CRD has it.
        specs: good ones; between them they should have every field that is worth changing.
    """
    places = [(spec, path, schema_at) for spec in specs for path, schema_at in _places(spec, schema, ())]
    return st.sampled_from(places).flatmap(lambda place: _changes(*place))


def _changes(spec: Mapping[str, Any], path: Path, schema: Schema) -> st.SearchStrategy[Mutant]:
    values = st.one_of(
        st.just(_REMOVED),
        st.sampled_from(_STRINGS),
        st.sampled_from(_NUMBERS),
        st.sampled_from(_OTHERS),
        _beyond(schema),
    )
    return values.map(lambda value: _changed(spec, path, value))


def _beyond(schema: Schema) -> st.SearchStrategy[Any]:
    """Values at and beyond the bounds of a field."""
    edges: list[Any] = ["notInTheEnum"] if "enum" in schema else []
    edges += [schema[bound] + step for bound in ("minimum", "maximum") if bound in schema for step in (-1, 0, 1)]
    edges += ["x" * max(0, schema[b] + step) for b in ("minLength", "maxLength") if b in schema for step in (-1, 1)]
    return st.sampled_from(edges or list(_OTHERS))


def _changed(spec: Mapping[str, Any], path: Path, value: Any) -> Mutant:
    made = copy.deepcopy(dict(spec))
    *parents, last = path
    holder = _at(made, tuple(parents))
    if value is not _REMOVED:
        holder[last] = copy.deepcopy(value)
    elif isinstance(last, int) or last in holder:
        del holder[last]
    what = "removed" if value is _REMOVED else json.dumps(value)[:80]
    return Mutant(spec=made, path=path, what=what)


def _at(value: Any, path: Path) -> Any:
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _places(value: Any, schema: Schema, path: Path) -> Iterator[tuple[Path, Schema]]:
    """Every place in a manifest that can be changed: the fields it has, and those that its objects could have."""
    if isinstance(value, Mapping):
        properties = schema.get("properties") or {}
        for name in sorted({*properties, *value}):
            below = properties.get(name) or schema.get("additionalProperties") or {}
            yield (*path, name), below
            yield from _places(value.get(name), below, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield (*path, index), schema.get("items") or {}
            yield from _places(item, schema.get("items") or {}, (*path, index))
