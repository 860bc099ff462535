"""Whether a spec has the shape that its CustomResourceDefinition wants, said before anything is made.

Fields, types, enums, bounds and patterns are checked; the rules between fields are the API server's.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

Schema = Mapping[str, Any]
Problem = tuple[tuple[str, ...], str]

FILES: Final = {
    "TrainingJob": "trainingjobs.yaml",
    "HPTuningJob": "hptuningjobs.yaml",
    "BatchTransform": "batchtransforms.yaml",
    "ProcessingJob": "processingjobs.yaml",
    "Endpoint": "sagemakerendpoints.yaml",
}
"""The file of each kind's definition."""

_TYPES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "object": ((Mapping,), "an object"),
    "array": ((list,), "a list"),
    "string": ((str,), "a text"),
    "integer": ((int,), "a whole number"),
    "number": ((int, float), "a number"),
    "boolean": ((bool,), "true or false"),
}


def problems(kind: str, spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield where a spec is wrong, as a path below `spec`, and how."""
    yield from _problems(spec_schema(kind), spec, ())


def problems_at(kind: str, path: str, value: Any) -> Iterator[Problem]:
    """Yield where a value of one field is wrong, as a path below it, and how.

    Args:
        kind: of the object.
        path: of the field below `spec`, such as `resourceConfig.instanceCount`.
        value: what the field would have.
    """
    yield from _problems(schema_at(kind, path), value, ())


def schema_at(kind: str, path: str) -> Schema:
    """The schema of a field of a kind's `spec`; one that anything fits where there is no such field."""
    found = spec_schema(kind)
    for name in path.split("."):
        found = found.get("items", {}) if name.isdecimal() else found.get("properties", {}).get(name, {})
    return found


@functools.cache
def spec_schema(kind: str) -> Schema:
    """The schema of a kind's `spec`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    definition = yaml.load((_directory() / FILES[kind]).read_text(), Loader=loader)  # noqa: S506
    [version] = definition["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def _directory() -> Path:
    """The definitions: in the steps' image, beside the package as it is installed, or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    candidates = (package / "_crds", package.parent / "sagebridge_local/_crds", package.parents[1] / "crds")
    found = next((each for each in candidates if each.is_dir()), None)
    if found is None:
        raise FileNotFoundError(f"{candidates[0]} is missing: install the package again")
    return found


def _problems(schema: Schema, value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    wrong_type = _type_problem(schema, value)
    if wrong_type:
        yield path, wrong_type
        return
    yield from ((path, message) for message in _value_problems(schema, value))
    if isinstance(value, Mapping):
        yield from _object_problems(schema, value, path)
    elif isinstance(value, list):
        items = schema.get("items", {})
        for number, item in enumerate(value):
            yield from _problems(items, item, (*path, str(number)))


def _type_problem(schema: Schema, value: Any) -> str | None:
    if schema.get("x-kubernetes-int-or-string"):
        return None if isinstance(value, int | str) else "must be a whole number or a text"
    if "type" not in schema:
        return None
    types, words = _TYPES[schema["type"]]
    fits = isinstance(value, types) and (not isinstance(value, bool) or bool in types)
    return None if fits else f"must be {words}, and is {value!r}"


def _value_problems(schema: Schema, value: Any) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"must be one of {', '.join(map(str, schema['enum']))}, and is {value!r}"
    if isinstance(value, str):
        yield from _text_problems(schema, value)
    elif isinstance(value, list | Mapping) and schema.get("maxItems", 1) == schema.get("maxProperties", 1) == 0:
        yield f"must be a text, a number or a boolean, and is {value!r}"
    elif isinstance(value, list):
        yield from _size_problems(schema, len(value), "Items", "items")
    elif isinstance(value, Mapping):
        yield from _size_problems(schema, len(value), "Properties", "fields")
    elif isinstance(value, int | float):
        if value < schema.get("minimum", value):
            yield f"must be {schema['minimum']} or more, and is {value}"
        if value > schema.get("maximum", value):
            yield f"must be {schema['maximum']} or less, and is {value}"


def _text_problems(schema: Schema, value: str) -> Iterator[str]:
    wanted = schema.get("pattern", "")
    pattern = _compiled(wanted)
    fits = pattern is None or pattern.search(value)
    if not fits and ":role/" in wanted:
        # Of what is no ARN at all, its length is not what is wrong.
        yield f"must be the ARN of a role, such as arn:aws:iam::123456789012:role/NAME, and is {value!r}"
        return
    yield from _size_problems(schema, len(value), "Length", "characters")
    if fits:
        return
    if wanted == r"^ml\.":
        yield f"must match {wanted}, and is {value!r}: is ml.{value} meant?"
    else:
        yield f"must match {wanted}, and is {value!r}"


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    r"""A pattern, if Python knows its syntax: it is RE2's, which has classes such as ``\p{L}`` besides."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _size_problems(schema: Schema, size: int, what: str, words: str) -> Iterator[str]:
    least, most = schema.get(f"min{what}", size), schema.get(f"max{what}", size)
    if size < least:
        yield f"has {size} {words}, and needs {least}"
    if size > most:
        yield f"has {size} {words}, and may have {most}"


def _object_problems(schema: Schema, value: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Problem]:
    fields = schema.get("properties", {})
    for name, item in value.items():
        if name in fields:
            yield from _problems(fields[name], item, (*path, name))
        elif "additionalProperties" in schema:
            yield from _problems(schema["additionalProperties"], item, (*path, name))
        elif not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield (*path, name), _unknown(name, fields)
    yield from (((*path, name), "is missing") for name in schema.get("required", ()) if name not in value)


def _unknown(name: str, fields: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(name, fields, n=1)
    return "there is no such field" + (f": is {near[0]} meant?" if near else "")
