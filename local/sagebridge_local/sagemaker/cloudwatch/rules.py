"""The rules of composite alarms, such as `ALARM("errors") AND NOT OK(latency)`: pure.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sagebridge_local.sagemaker.cloudwatch.states import ALARM, INSUFFICIENT_DATA, OK

if TYPE_CHECKING:
    from collections.abc import Callable

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<state>OK|ALARM|INSUFFICIENT_DATA)\s*\(\s*(?P<name>\"[^\"]*\"|'[^']*'|[^()\s]+)\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE|\(|\)))",
    re.IGNORECASE,
)
_STATES: Final = frozenset({OK, ALARM, INSUFFICIENT_DATA})


class RuleError(ValueError):
    """A rule that can't be read."""


def holds(rule: str, *, state_of: Callable[[str], str | None]) -> bool:
    """Whether a rule is true now.

    Args:
        rule: The AlarmRule.
        state_of: The present state of an alarm by name (or ARN); None where there is none.

    Raises:
        RuleError: it can't be read.
    """
    tokens = _tokens(rule)
    value = _any(tokens, state_of)
    if tokens:
        raise RuleError(f"{tokens[0][1]!r} is not expected in {rule!r}")
    return value


def _tokens(rule: str) -> list[tuple[str, str]]:
    """Words as ("AND", ""), and states as ("ALARM", name)."""
    found: list[tuple[str, str]] = []
    place, text = 0, rule.strip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise RuleError(f"{text[place:]!r} can't be read in {rule!r}")
        if match["state"]:
            found.append((match["state"].upper(), match["name"].strip("\"'")))
        else:
            found.append((match["word"].upper(), match["word"]))
        place = match.end()
    return found


def _any(tokens: list[tuple[str, str]], state_of: Callable[[str], str | None]) -> bool:
    value = _all(tokens, state_of)
    while tokens and tokens[0][0] == "OR":
        tokens.pop(0)
        value = _all(tokens, state_of) or value
    return value


def _all(tokens: list[tuple[str, str]], state_of: Callable[[str], str | None]) -> bool:
    value = _one(tokens, state_of)
    while tokens and tokens[0][0] == "AND":
        tokens.pop(0)
        value = _one(tokens, state_of) and value
    return value


def _one(tokens: list[tuple[str, str]], state_of: Callable[[str], str | None]) -> bool:
    if not tokens:
        raise RuleError("the rule ends too early")
    kind, text = tokens.pop(0)
    if kind in _STATES:
        return state_of(text.rpartition(":alarm:")[2]) == kind
    if kind == "NOT":
        return not _one(tokens, state_of)
    if kind in {"TRUE", "FALSE"}:
        return kind == "TRUE"
    if kind == "(":
        value = _any(tokens, state_of)
        if not tokens or tokens.pop(0)[0] != ")":
            raise RuleError("a parenthesis is not closed")
        return value
    raise RuleError(f"{text!r} is not expected")
