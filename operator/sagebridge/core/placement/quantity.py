"""Kubernetes quantities: "500m", "16Gi", 2.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

from sagebridge.core.errors import SpecError

MEBIBYTE: Final = 1024**2

_FORM: Final = re.compile(
    r"([+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30}))(?:([eE][+-]?[0-9]{1,2})|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?"
)
_SUFFIXES: Final = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    **{suffix: Fraction(10 ** (3 * power)) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
}


def parse(value: Any, field: str) -> Fraction:
    """Return a quantity in its base unit: cores, bytes, devices.

    Raises:
        SpecError: it is not one, or is negative.
    """
    match = (
        _FORM.fullmatch(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    )
    if match is None:
        raise SpecError(field, f"{value!r} is not a quantity: write a number such as 4, 500m or 16Gi")
    number, exponent, suffix = match.groups()
    amount = Fraction(number + (exponent or "")) * _SUFFIXES.get(suffix or "", Fraction(1))
    if amount < 0:
        raise SpecError(field, f"{value} is negative: write a number such as 4, 500m or 16Gi")
    return amount


def whole(value: Any, field: str) -> int:
    """Return a quantity of things that can't be divided.

    Raises:
        SpecError: it is not a whole number.
    """
    amount = parse(value, field)
    if amount.denominator != 1:
        raise SpecError(field, f"{value} must be a whole number")
    return int(amount)


def cores(millicores: int) -> str:
    """Return processors as a quantity."""
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def mebibytes(amount: int) -> str:
    """Return memory as a quantity."""
    return f"{amount}Mi"
