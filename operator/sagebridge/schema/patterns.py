r"""AWS's patterns as RE2 ones, which is what the Kubernetes API server runs.

AWS writes Java expressions and matches whole strings; OpenAPI patterns search. So each is anchored. Where RE2 has no
equal, the result is looser than AWS's, never stricter: look-arounds are left out, repeats over RE2's limit are
unbounded (the length bounds beside the pattern stay), and what is left over (back-references, possessive repeats) is
dropped as a whole. RE2's syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_RE2_MAX_REPEAT = 1000

_JAVA_CLASSES = {
    "Alnum": "0-9A-Za-z",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7F",
}

_SURROGATE_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_CODE_UNIT = re.compile(r"\\u([0-9a-fA-F]{4})")
_REPEAT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_LOOK_AROUND = re.compile(r"\(\?<?[=!]")
_TOKEN = re.compile(r"\\p\{[^}]*\}|\\.|\[\^?\]?|\(\?[a-zA-Z<]*[:>]?|.", re.DOTALL)

# Back-references, possessive repeats, a repeat of an anchor, atomic groups: RE2 has nothing for them.
_WITHOUT_EQUAL = re.compile(r"\\[1-9]|\\k<|[*+?}]\+|[$^][*+?{]|\(\?>")


@cache
def re2_pattern(pattern: str) -> str | None:
    """Rewrite a pattern of the service model for RE2, anchored at both ends.

    Args:
        pattern: The pattern as the service model has it.

    Returns:
        A pattern that matches at least what AWS's matches, or None where RE2 cannot hold it.
    """
    rewritten = _bounded_repeats(_without_look_arounds(pattern))
    rewritten = _java_classes(_code_points(rewritten))
    if _WITHOUT_EQUAL.search(_without_classes(rewritten)):
        return None
    return f"^(?:{rewritten})$"


def _code_points(pattern: str) -> str:
    def pair(found: re.Match[str]) -> str:
        high, low = (int(half, 16) for half in found.groups())
        return f"\\x{{{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):X}}}"

    return _CODE_UNIT.sub(lambda found: f"\\x{{{found[1].upper()}}}", _SURROGATE_PAIR.sub(pair, pattern))


def _bounded_repeats(pattern: str) -> str:
    def repeat(found: re.Match[str]) -> str:
        least, comma, most = int(found[1]), found[2], found[3]
        if max(least, int(most or 0)) <= _RE2_MAX_REPEAT:
            return found[0]
        if least <= 1 and comma:
            return "*" if least == 0 else "+"
        return f"{{{min(least, _RE2_MAX_REPEAT)},}}"

    return _REPEAT.sub(repeat, pattern)


def _without_look_arounds(pattern: str) -> str:
    found = _LOOK_AROUND.search(pattern)
    while found:
        end = _end_of_group(pattern, found.start())
        pattern = pattern[: found.start()] + pattern[end:]
        found = _LOOK_AROUND.search(pattern)
    return pattern


def _end_of_group(pattern: str, start: int) -> int:
    depth, in_class = 0, False
    for token in _TOKEN.finditer(pattern, start):
        text = token.group()
        if in_class:
            in_class = text != "]"
        elif text.startswith("["):
            in_class = True
        elif text.startswith("("):
            depth += 1
        elif text == ")":
            depth -= 1
            if depth == 0:
                return token.end()
    return len(pattern)


def _java_classes(pattern: str) -> str:
    parts = []
    for part, in_class in _parts(pattern):
        members = _JAVA_CLASSES.get(part[3:-1]) if part.startswith(r"\p{") else None
        if members:
            parts.append(members if in_class else f"[{members}]")
        else:
            parts.append(part)
    return "".join(parts)


def _without_classes(pattern: str) -> str:
    """The pattern with `x` for every class and every escape that is not a back-reference."""
    return "".join("x" if in_class or _is_literal(part) else part for part, in_class in _parts(pattern))


def _is_literal(part: str) -> bool:
    return part.startswith("\\") and not part[1:2].isdigit() and part != r"\k"


def _parts(pattern: str) -> Iterator[tuple[str, bool]]:
    """Split a pattern into its tokens, each with whether it belongs to a character class."""
    in_class = False
    for part in _TOKEN.findall(pattern):
        was_in_class = in_class
        in_class = part != "]" if in_class else part.startswith("[")
        yield part, was_in_class or in_class
