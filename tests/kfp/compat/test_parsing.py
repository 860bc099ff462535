"""Texts as values."""

import math
from typing import Any

import pytest
from sagebridge_kfp.compat.parsing import Parser, boolean, listing, mapping, names, number, text, whole
from sagebridge_kfp.specs.errors import InputError

READ = [
    (text, "  a b ", "a b", "spaces around it go"),
    (text, "", None, "nothing"),
    (text, None, None, "nothing"),
    (text, 4711, "4711", "a number is written"),
    (text, 2.0, "2", "a whole number has become a float on its way"),
    (text, True, "True", "a boolean as Python writes it"),
    (whole, "50", 50, "a number in a text"),
    (whole, " 50 ", 50, "with spaces"),
    (whole, "-1", -1, "below zero"),
    (whole, 50.0, 50, "a float on its way"),
    (whole, "50.0", 50, "written as one"),
    (whole, 7, 7, "as it is"),
    (whole, "", None, "nothing"),
    (number, "0.1", 0.1, "a number in a text"),
    (number, "1e-3", 0.001, "with an exponent"),
    (number, 2, 2.0, "a whole one"),
    (number, " ", None, "nothing"),
    (boolean, "False", False, "as Python writes it"),
    (boolean, "True", True, "as Python writes it"),
    (boolean, "true", True, "as JSON writes it"),
    (boolean, "no", False, "as YAML writes it"),
    (boolean, "0", False, "as a number"),
    (boolean, 1, True, "as a number"),
    (boolean, False, False, "as it is"),
    (boolean, "", None, "nothing"),
    (mapping, '{"a": {"b": "50"}}', {"a": {"b": "50"}}, "JSON"),
    (mapping, "{'a': 1}", {"a": 1}, "as Python shows it, which is YAML"),
    (mapping, "a: 1\nb: x", {"a": 1, "b": "x"}, "YAML"),
    (mapping, {"a": 1.0}, {"a": 1.0}, "as it is"),
    (mapping, {1: 2}, {"1": 2}, "names are texts"),
    (mapping, "{}", {}, "an empty object is one"),
    (mapping, "", None, "nothing"),
    (listing, '[{"a": 1}]', [{"a": 1}], "JSON"),
    (listing, ["a"], ["a"], "as it is"),
    (listing, "[]", [], "an empty list is one"),
    (listing, " ", None, "nothing"),
    (names, "sg-1, sg-2,", ["sg-1", "sg-2"], "commas, with spaces"),
    (names, "", None, "nothing"),
]
REFUSED = [
    (text, {"a": 1}, "must be a text"),
    (text, ["a"], "must be a text"),
    (whole, "1.5", "must be a whole number"),
    (whole, 1.5, "must be a whole number"),
    (whole, "many", "must be a whole number"),
    (whole, True, "must be a whole number"),
    (whole, "1_000", "must be a whole number"),
    (number, "x", "must be a number"),
    (number, "nan", "must be a number"),
    (number, math.inf, "must be a number"),
    (number, True, "must be a number"),
    (number, [1], "must be a number"),
    (boolean, "maybe", "must be True or False"),
    (boolean, 2, "must be True or False"),
    (boolean, {}, "must be True or False"),
    (mapping, "[1]", "must be an object"),
    (mapping, "word", "must be an object"),
    (mapping, "{'a'", "neither JSON nor YAML"),
    (mapping, 3, "must be an object"),
    (listing, "{}", "must be a list"),
    (listing, "a, b", "must be a list"),
    (listing, "[a", "neither JSON nor YAML"),
    (names, ["a"], "must be a text"),
]


@pytest.mark.parametrize(("parse", "given", "wanted", "reason"), READ)
def test_read(parse: Parser, given: Any, wanted: Any, reason: str) -> None:
    found = parse(given, "argument")

    assert (found, type(found)) == (wanted, type(wanted)), reason


@pytest.mark.parametrize(("parse", "given", "words"), REFUSED)
def test_refused_by_name(parse: Parser, given: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        parse(given, "argument")

    assert refused.value.field == "argument"
    assert words in refused.value.message
