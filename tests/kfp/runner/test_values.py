"""Values on their way between steps, and conditions on them."""

from __future__ import annotations

from typing import Any

import pytest
from support.kfp_runner.conditions import holds
from support.kfp_runner.values import RefusedError, json_text, parsed, select, strict_json, text, typed


@pytest.mark.parametrize(
    ("value", "want", "reason"),
    [
        (50.0, "50", "a double that is a whole number is written without a fraction"),
        ([1.0, 2.5], "[1,2.5]", "in lists, too: floats do not stay floats"),
        ({"eta": {"least": 1.0}}, '{"eta":{"least":1}}', "and deep within dictionaries"),
        (True, "true", "a boolean is no number"),
        ({"a": None}, '{"a":null}', "null may be within a value"),
        ("é", '"é"', "text is UTF-8"),
        (1e22, "1e+22", "very large ones have an exponent"),
        (2**53 + 1, "9007199254740992", "an integer is a double, too"),
        (1234567890123456789, "1234567890123456800", "of as many digits as tell it from others"),
    ],
)
def test_as_the_launcher_writes_them(value: Any, want: str, reason: str) -> None:
    assert json_text(value) == want, reason


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), {"loss": [float("nan")]}, pytest.param(10**400, id="1e400")]
)
def test_what_is_not_finite_is_no_value(value: Any) -> None:
    with pytest.raises(RefusedError):
        json_text(value)


@pytest.mark.parametrize("content", ['{"objective": NaN}', '{"objective": -Infinity}', "{", ""])
def test_what_python_writes_and_json_has_not(content: str) -> None:
    with pytest.raises(RefusedError):
        strict_json(content)


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (64.0, "64"),
        (100.0, "100"),
        (1e23, "1" + 23 * "0"),
        (2**53 + 1, "9007199254740992"),
        (0.005, "0.005"),
        (0.00001, "0.00001"),
        (False, "false"),
        (["a", 1.0], '["a",1]'),
        ("x", "x"),
    ],
)
def test_as_text(value: Any, want: str) -> None:
    assert text(value) == want
    assert typed("name", value, "STRING") == want, "any value may be the input of a text"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("1", "NUMBER_INTEGER"),
        (True, "NUMBER_DOUBLE"),
        (1, "BOOLEAN"),
        ("[]", "LIST"),
        ([], "STRUCT"),
        (None, "STRING"),
        (None, "STRUCT"),
    ],
)
def test_nothing_else_is_converted(value: Any, kind: str) -> None:
    with pytest.raises(RefusedError, match="'name'"):
        typed("name", value, kind)


@pytest.mark.parametrize(
    ("content", "kind", "want"),
    [
        (" 7\n", "NUMBER_INTEGER", 7),
        ("0.5\n", "NUMBER_DOUBLE", 0.5),
        ("true", "BOOLEAN", True),
        ("0\n", "BOOLEAN", False),
        ("[1]", "LIST", [1]),
        ("text\n", "STRING", "text\n"),
    ],
)
def test_outputs_in_files(content: str, kind: str, want: Any) -> None:
    assert parsed(content, kind) == want


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("7.0", "NUMBER_INTEGER"),
        ("1_000", "NUMBER_INTEGER"),
        ("yes", "BOOLEAN"),
        ("tRUE", "BOOLEAN"),
        ("{}", "LIST"),
        ("", "STRUCT"),
    ],
)
def test_outputs_in_files_of_another_type(content: str, kind: str) -> None:
    with pytest.raises(RefusedError):
        parsed(content, kind)


def test_a_part_of_an_item() -> None:
    item = {"name": "small", "sizes": {"hidden": 8.0}}
    assert select(item, 'parseJson(string_value)["name"]') == "small"
    assert select(item, 'parseJson(string_value)["sizes"]["hidden"]') == 8
    with pytest.raises(RefusedError, match="no such key"):
        select(item, 'parseJson(string_value)["other"]')


VALUES = {"objective": 0.95, "least": 0.9, "whole": 1.0, "name": "a", "flag": True, "greeting": "hi! && bye"}


@pytest.mark.parametrize(
    ("condition", "want"),
    [
        ("inputs.parameter_values['objective'] >= inputs.parameter_values['least']", True),
        ("inputs.parameter_values['objective'] < 0.9", False),
        ("int(inputs.parameter_values['whole']) == 1", True),
        ("inputs.parameter_values['name'] != 'a'", False),
        ("inputs.parameter_values['flag'] == true", True),
        ("!(inputs.parameter_values['name'] == 'a') && inputs.parameter_values['flag'] == true", False),
        ("inputs.parameter_values['name'] == 'b' || inputs.parameter_values['name'] == 'a'", True),
        ("inputs.parameter_values['greeting'] == 'hi! && bye'", True),
        ("inputs.parameter_values['name'] == 1", False),
        ("inputs.parameter_values['flag'] != 1", True),
        ("string(inputs.parameter_values['whole']) == '1'", True),
    ],
)
def test_conditions(condition: str, want: bool) -> None:
    assert holds(condition, VALUES) is want


@pytest.mark.parametrize(
    ("condition", "match"),
    [
        ("inputs.parameter_values['name'] >= 0.9", "no such overload"),
        ("inputs.parameter_values['flag'] > 1", "no such overload"),
        ("int(inputs.parameter_values['name']) == 1", "type conversion error"),
        ("inputs.parameter_values['name'] == 'it's'", "syntax error"),
        ("inputs.parameter_values['elsewhere'] == 1", "no such key"),
        ("inputs.parameter_values['name']", "not a bool"),
    ],
)
def test_conditions_that_fail_the_task(condition: str, match: str) -> None:
    with pytest.raises(RefusedError, match=match):
        holds(condition, VALUES)
