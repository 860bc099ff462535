"""Java's patterns as RE2's."""

import re

import pytest
from sagebridge.schema.model import service_model
from sagebridge.schema.patterns import re2_pattern


@pytest.mark.parametrize(
    ("reason", "pattern", "want"),
    [
        ("anchored at both ends", "a|b", "^(?:a|b)$"),
        ("a look-behind is left out", "[a-z-]+(?<!-)", "^(?:[a-z-]+)$"),
        ("a look-ahead with groups and classes inside", r"(?!a(b[)])\)c)d", "^(?:d)$"),
        ("a repeat over the limit, from none", ".{0,1024}", "^(?:.*)$"),
        ("a repeat over the limit, from one", r"[\S]{1,2048}", r"^(?:[\S]+)$"),
        ("a repeat over the limit, from more", "a{3,1016}", "^(?:a{3,})$"),
        ("an exact repeat over the limit", "a{2000}", "^(?:a{1000,})$"),
        ("a repeat at the limit", "a{1000}", "^(?:a{1000})$"),
        ("Java's class within a class", r"[\p{Alnum}\-]+", r"^(?:[0-9A-Za-z\-]+)$"),
        ("Java's class alone", r"\p{Alnum}+", "^(?:[0-9A-Za-z]+)$"),
        ("Unicode's classes are RE2's too", r"[\p{L}\p{Z}]*", r"^(?:[\p{L}\p{Z}]*)$"),
        ("code units", r"[ -\uD7FF\uE000-\uFFFD]*", r"^(?:[ -\x{D7FF}\x{E000}-\x{FFFD}]*)$"),
        ("surrogate pairs are code points", r"[\uD800\uDC00-\uDBFF\uDFFF]", r"^(?:[\x{10000}-\x{10FFFF}])$"),
        ("a group with a name or without capture", "(?:a)(?<name>b)", "^(?:(?:a)(?<name>b))$"),
        ("an escaped plus after a repeat sign", r"[*+]+\+", r"^(?:[*+]+\+)$"),
        ("a back-reference has no equal", r"(a)\1", None),
        ("a possessive repeat has no equal", "a++b", None),
        ("an atomic group has no equal", "(?>a)b", None),
        ("a repeated anchor is AWS's mistake", "(a)*${1,128}", None),
    ],
)
def test_re2_pattern(reason: str, pattern: str, want: str | None) -> None:
    assert re2_pattern(pattern) == want, reason


def test_hardly_any_pattern_of_the_service_is_dropped() -> None:
    model = service_model()
    shapes = [model.shape_for(name) for name in model.shape_names]
    patterns = {shape.metadata["pattern"] for shape in shapes if "pattern" in shape.metadata}
    dropped = {pattern for pattern in patterns if re2_pattern(pattern) is None}
    assert len(patterns) > 200
    assert dropped <= {r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,128}", r"([\p{L}\p{Z}\p{N}_.:\/=+\-@]*)${1,256}"}


def test_what_is_written_for_re2_has_none_of_what_re2_refuses() -> None:
    model = service_model()
    for name in model.shape_names:
        pattern = re2_pattern(model.shape_for(name).metadata.get("pattern", ""))
        assert not re.search(r"\(\?<?[!=]|\\u|\\p\{Alnum\}", pattern or ""), name
