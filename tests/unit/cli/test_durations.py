"""Durations as kubectl takes them."""

import pytest
from sagebridge.cli.durations import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5s", 5), ("2m", 120), ("3h", 10_800), ("1h30m", 5400), ("1.5h", 5400), ("300ms", 0.3), ("0", 0), ("0s", 0)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "1d", "-5s", "5s ago", "5 s"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds_of(text)
