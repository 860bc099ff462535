"""SageMaker's refusal of an instance type, made short.

It names the field as the API counts, from 1, and then all types there are, some thousands of characters long:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html (ValidationError)
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from typing import Final

_REFUSAL: Final = re.compile(
    r"Value '(?P<value>[^']*)' at '(?P<path>(?:[^']*\.)?instanceType)' failed to satisfy constraint: "
    r"Member must satisfy enum value set: \[(?P<known>[^\[\]]*)\]"
)
_ONE: Final = "1 validation error detected: "
_MEMBER: Final = re.compile(r"\.(\d+)\.member\b")
_MOST: Final = 3


def in_short(message: str) -> str:
    """SageMaker's message, with the manifest's field and the nearest types for the list of all of them.

    Args:
        message: SageMaker's words, whole. Other messages are returned as they are.
    """
    told = _REFUSAL.sub(_told, message)
    return told if told == message else told.removeprefix(_ONE)


def _told(refusal: re.Match[str]) -> str:
    value, known = refusal["value"], refusal["known"].split(", ")
    field = _MEMBER.sub(lambda member: f"[{int(member[1]) - 1}]", refusal["path"])
    nearest = _nearest(value, known)
    return f"spec.{field}: SageMaker has no {value} for this" + (f"; nearest: {', '.join(nearest)}" if nearest else "")


def _nearest(value: str, known: Sequence[str]) -> list[str]:
    """Other sizes of the same family; without such, those that are written nearly so."""
    family = value.rpartition(".")[0] + "."
    relatives = [one for one in known if one.startswith(family)]
    return difflib.get_close_matches(value, relatives or known, n=_MOST, cutoff=0.0 if relatives else 0.6)
