"""Hypothesis strategies that make SageMaker requests and manifests out of botocore's shapes.

`requests(operation)` gives requests that keep every bound, enum and pattern of the service model, with any choice of
optional members. Patterns are Java's; where Python's `re` has no equal (`\\p{L}`), a subset is generated.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from sagebridge.schema.convert import from_request
from sagebridge.schema.model import input_shape, output_shape

if TYPE_CHECKING:
    from collections.abc import Callable

Strategy = st.SearchStrategy[Any]

# How many optional members of a structure, and items beyond a list's minimum, are drawn: enough to combine them, few
# enough that a request of a hundred shapes stays small.
_OPTIONAL_MEMBERS = 4
_MORE_ITEMS = 2

_UNICODE_CLASSES = {"L": "a-zA-Z", "M": "", "N": "0-9", "Z": " ", "S": "$+", "P": ".,", "Alnum": "a-zA-Z0-9"}
_CODE_UNIT_PAIRS = r"\uD800\uDC00-\uDBFF\uDFFF"

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - hypothesis wants naive bounds

# What JSON, YAML and UTF-8 all hold, without control characters.
_CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"])


def requests(operation: str) -> Strategy:
    """Valid requests of an operation, as boto3 takes them."""
    return _values(input_shape(operation))


def responses(operation: str) -> Strategy:
    """Responses of an operation, as boto3 gives them: times are datetimes."""
    return _values(output_shape(operation))


def values(shape: Any) -> Strategy:
    """Valid values of one shape of the service model."""
    return _values(shape)


def manifests(operation: str) -> Strategy:
    """Specs of an operation in lowerCamelCase, with numbers and booleans among the values of string maps."""
    return requests(operation).map(lambda request: from_request(operation, request)).flatmap(_loosen)


def _loosen(manifest: Any) -> Strategy:
    """Replace some hyperparameters and variables by numbers and booleans."""
    loose = {key: manifest[key] for key in ("hyperParameters", "environment") if key in manifest}
    scalars = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
    maps = {
        key: st.fixed_dictionaries({name: st.one_of(st.just(value), scalars) for name, value in values.items()})
        for key, values in loose.items()
    }
    return st.fixed_dictionaries(maps).map(lambda replaced: manifest | replaced)


@cache
def _values(shape: Any) -> Strategy:
    makers: dict[str, Callable[[Any], Strategy]] = {
        "structure": _structures,
        "list": _lists,
        "map": _maps,
        "string": _strings,
        "integer": lambda shape: _integers(shape, bits=31),
        "long": lambda shape: _integers(shape, bits=53),
        "float": _floats,
        "double": _floats,
        "boolean": lambda _: st.booleans(),
        "timestamp": lambda _: st.datetimes(min_value=_EPOCH, timezones=st.just(UTC)),
    }
    return makers[shape.type_name](shape)


@st.composite
def _structures(draw: st.DrawFn, shape: Any) -> dict[str, Any]:
    optional = sorted(set(shape.members) - set(shape.required_members))
    names = list(shape.required_members)
    if getattr(shape, "is_tagged_union", False):
        names = [draw(st.sampled_from(optional))]
    elif optional:
        names += draw(st.lists(st.sampled_from(optional), unique=True, max_size=_OPTIONAL_MEMBERS))
    return {name: draw(_values(shape.members[name])) for name in names}


@st.composite
def _lists(draw: st.DrawFn, shape: Any) -> list[Any]:
    least = shape.metadata.get("min", 0)
    most = min(shape.metadata.get("max", least + _MORE_ITEMS), least + _MORE_ITEMS)
    return draw(st.lists(_values(shape.member), min_size=least, max_size=most, unique_by=_identity))


def _identity(item: Any) -> str:
    """What AWS wants to be unique in a list of named things; the whole item elsewhere."""
    if isinstance(item, dict):
        for name in ("Key", "Name", "ChannelName", "RuleConfigurationName", "InstanceGroupName", "VariantName"):
            if name in item:
                return str(item[name])
        for name in ("InputName", "OutputName"):
            if name in item:
                return str(item[name])
    return repr(item)


def _maps(shape: Any) -> Strategy:
    least = shape.metadata.get("min", 0)
    return st.dictionaries(_values(shape.key), _values(shape.value), min_size=least, max_size=least + _MORE_ITEMS)


def _integers(shape: Any, *, bits: int) -> Strategy:
    least = shape.metadata.get("min", -(2**bits))
    return st.integers(least, min(shape.metadata.get("max", 2**bits - 1), 2**bits - 1))


def _floats(shape: Any) -> Strategy:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    return st.floats(least, most, allow_nan=False, allow_infinity=False)


def _strings(shape: Any) -> Strategy:
    if shape.enum:
        return st.sampled_from(shape.enum)
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", 200)
    if "pattern" not in shape.metadata:
        return st.text(_CHARACTERS, min_size=least, max_size=min(most, 200))
    return matching(shape.metadata["pattern"], least=least, most=most)


@cache
def matching(pattern: str, *, least: int, most: int) -> Strategy:
    """Strings that a pattern of the service model matches whole, within bounds of length."""
    compiled = re.compile(_for_python(pattern), re.ASCII)

    def lengthen(text: str) -> str:
        padded = text + "a" * (least - len(text))
        return padded if compiled.fullmatch(padded) else text

    def is_valid(text: str) -> bool:
        return least <= len(text) <= most and compiled.fullmatch(text) is not None

    # Without what only forbids, which hypothesis would have to hit by chance. Texts without control characters: what
    # AWS allows of them no manifest should need.
    generator = re.compile(re.sub(r"^\(\?=\.\{\d+,\d+\}\$\)|\\b", "", _for_python(pattern)), re.ASCII)
    return st.from_regex(generator, fullmatch=True, alphabet=_CHARACTERS).map(lengthen).filter(is_valid)


def _for_python(pattern: str) -> str:
    pattern = pattern.replace(_CODE_UNIT_PAIRS, "")
    pattern = re.sub(r"\$\{\d+,\d+\}$", "", pattern)
    return re.sub(r"\\p\{(\w+)\}", lambda found: _UNICODE_CLASSES[found[1]], pattern)
