"""The model's regular expressions, written for Java, as Python's."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from itertools import groupby
from typing import Final

_CATEGORY: Final = re.compile(r"\\p\{(\w+)\}")
_ASTRAL: Final = r"\uD800\uDC00-\uDBFF\uDFFF"
# The planes where Unicode has assigned characters; private use has no category that the model names.
_PLANES: Final = (range(0x40000), range(0xE0000, 0xF0000))
_ASCII_CLASSES: Final = {"Alnum": "a-zA-Z0-9", "Alpha": "a-zA-Z", "Digit": "0-9"}


@cache
def compile_pattern(pattern: str) -> re.Pattern[str] | None:
    """Compile a pattern of the model; use `fullmatch`, since AWS matches whole strings.

    Returns:
        None for a pattern that is not a regular expression in Python either; it is then not enforced.
    """
    translated = _CATEGORY.sub(lambda found: _members(found[1]), pattern)
    translated = translated.replace(_ASTRAL, r"\U00010000-\U0010FFFF")
    try:
        return re.compile(translated, 0 if translated != pattern else re.ASCII)
    except re.error:
        return None


@cache
def _members(category: str) -> str:
    """A Unicode category, such as L or Lu, as the inside of a character class."""
    if category in _ASCII_CLASSES:
        return _ASCII_CLASSES[category]
    inside = (code for plane in _PLANES for code in plane if unicodedata.category(chr(code)).startswith(category))
    ranges = []
    for _, run in groupby(enumerate(inside), key=lambda pair: pair[1] - pair[0]):
        codes = [code for _, code in run]
        ranges.append(f"\\U{codes[0]:08X}-\\U{codes[-1]:08X}")
    return "".join(ranges)
