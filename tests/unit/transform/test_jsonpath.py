"""The paths of DataProcessing's filters."""

import pytest
from sagebridge.runtime.transform.jsonpath import JsonPathError, parse

ROW = ["7", "1.5", "2.5", "yes"]
OBJECT = {"id": 7, "features": {"a": [1, 2], "b": 3}, "SageMakerOutput": {"score": 0.5}, "a-b": 1}


@pytest.mark.parametrize(
    ("reason", "path", "value", "want"),
    [
        ("the root is everything", "$", ROW, ROW),
        ("an empty path is the root", "", ROW, ROW),
        ("all but the first column", "$[1:]", ROW, ["1.5", "2.5", "yes"]),
        ("all but the last column", "$[:-1]", ROW, ["7", "1.5", "2.5"]),
        ("a range", "$[1:3]", ROW, ["1.5", "2.5"]),
        ("one column is a value", "$[0]", ROW, "7"),
        ("from the end", "$[-1]", ROW, "yes"),
        ("several columns are a list", "$[0,-1]", ROW, ["7", "yes"]),
        ("indexes and slices mix", "$[0,2:]", ROW, ["7", "2.5", "yes"]),
        ("a member", "$.id", OBJECT, 7),
        ("a member's member", "$.features.b", OBJECT, 3),
        ("an element of a member", "$.features.a[1]", OBJECT, 2),
        ("a quoted member", "$['a-b']", OBJECT, 1),
        ("several members are an object", "$['id','a-b']", OBJECT, {"id": 7, "a-b": 1}),
        ("several members, further down", "$.features['a','b']", OBJECT, {"a": [1, 2], "b": 3}),
        ("a dot before brackets", "$.features.['b']", OBJECT, 3),
        ("all of an object", "$.features.*", OBJECT, [[1, 2], 3]),
        ("all of a list", "$[*]", ROW, ROW),
    ],
)
def test_a_path_selects(reason: str, path: str, value: object, want: object) -> None:
    assert parse(path).select(value) == want, reason


@pytest.mark.parametrize(
    ("reason", "path", "message"),
    [
        ("no root", "id", "begin with"),
        ("a filter expression", "$[?(@.a)]", "must hold quoted names"),
        ("an unquoted name in brackets", "$[id]", "must hold quoted names"),
        ("descent", "$..id", "no JSONPath that batch transform takes"),
    ],
)
def test_what_is_no_path_is_refused(reason: str, path: str, message: str) -> None:
    with pytest.raises(JsonPathError, match=message):
        parse(path)
    assert reason


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("$[4]", ROW, "index 4 is outside of the 4 elements"),
        ("$.none", OBJECT, "has no 'none'"),
        ("$.id", ROW, "no object"),
        ("$[0]", OBJECT, "needs a list"),
        ("$.id.*", OBJECT, "needs an object or a list"),
    ],
)
def test_a_path_that_does_not_fit_says_why(path: str, value: object, message: str) -> None:
    with pytest.raises(JsonPathError, match=message):
        parse(path).select(value)
