"""Times as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second, as metav1.Time is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """The inverse of `format_time`; fractions of a second are accepted.

    Raises:
        ValueError: if `text` is no RFC 3339 time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def instant(text: str) -> tuple[float, int]:
    """Seconds since the epoch, and nanoseconds, of an RFC 3339 time: lines of a log may be less than 1 µs apart.

    Raises:
        ValueError: if `text` is no RFC 3339 time.
    """
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789")
    digits = rest[: len(rest) - len(zone)]
    return parse_time(whole + zone).timestamp(), int(digits.ljust(9, "0")[:9])
