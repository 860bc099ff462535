"""Lengths of time as kubectl takes them: 5s, 2m, 3h, 1h30m."""

from __future__ import annotations

import re
from typing import Final

# Go's: https://pkg.go.dev/time#ParseDuration
_SECONDS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART: Final = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


def seconds_of(text: str) -> float:
    """Return the seconds of a duration.

    Args:
        text: numbers with units, such as ``1h30m``; ``0`` needs none.

    Raises:
        ValueError: it is not a duration.
    """
    parts = _PART.findall(text)
    if text != "0" and (not parts or "".join(number + unit for number, unit in parts) != text):
        raise ValueError(f"{text!r} is not a duration such as 5s, 2m or 3h")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
