"""Mutants differ from a good manifest in one field."""

from typing import Any

from faults.mutations import Mutant, mutants
from hypothesis import given

_SPEC: dict[str, Any] = {"name": "x", "parts": [{"kind": "a"}], "labels": {"k": "v"}}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 5},
        "count": {"type": "integer", "minimum": 1},
        "parts": {"type": "array", "items": {"type": "object", "properties": {"kind": {"enum": ["a"]}}}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


@given(mutants(_SCHEMA, [_SPEC]))
def test_one_field_of_the_schema_or_of_the_manifest_is_changed(mutant: Mutant) -> None:
    assert _SPEC == {"name": "x", "parts": [{"kind": "a"}], "labels": {"k": "v"}}
    assert mutant.path[0] in _SCHEMA["properties"]
    untouched = set(_SPEC) - {mutant.path[0]}
    assert {name: mutant.spec[name] for name in untouched} == {name: _SPEC[name] for name in untouched}
    assert mutant.words


def test_short_names_do_not_count_beside_longer_ones() -> None:
    mutant = Mutant(spec={"framework": {"name": 1}}, path=("framework", "name"), what="1")
    assert mutant.words == ("framework",)
