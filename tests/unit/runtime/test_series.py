"""The values of a metric in parts of a log, whatever is at the ends of the parts."""

from __future__ import annotations

import itertools

import pytest
from sagebridge.runtime.metrics import Expressions
from sagebridge.runtime.series import MOST_VALUES, look

LOSS = [{"Name": "loss", "Regex": r"loss=(\S+)"}]


def log(*lines: str, second: int = 0) -> bytes:
    """Lines that are 10 ns apart."""
    return b"".join(
        f"2026-01-01T00:00:{second:02d}.{10 * number:09d}Z {line}\n".encode() for number, line in enumerate(lines)
    )


def values(text: bytes, **given: object) -> list[float]:
    part = look(text, Expressions(LOSS), **given)  # type: ignore[arg-type]
    return [value for _, value in part.values]


def test_all_values_in_their_order() -> None:
    assert values(log("loss=3", "nothing", "loss=1 loss=9", "loss=2")) == [3, 1, 2]


def test_what_was_seen_is_not_counted_again_though_its_second_is_asked_for_again() -> None:
    text = log("loss=3", "loss=2", "x", "loss=1")
    first = look(text[: text.rindex(b"2026")], Expressions(LOSS))
    assert [value for _, value in first.values] == [3, 2]
    assert values(text, after=first.at) == [1]


def test_a_line_that_is_cut_off_is_left_for_the_next_look() -> None:
    text = log("loss=3", "loss=0.125")
    cut = look(text[:-4], Expressions(LOSS))
    assert [value for _, value in cut.values] == [3]
    assert values(text, after=cut.at) == [0.125]


def test_the_last_line_of_a_whole_log_needs_no_end() -> None:
    assert values(log("loss=3", "loss=2")[:-1], is_whole=True) == [3, 2]
    assert values(log("loss=3", "loss=2")[:-1]) == [3]


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("no time", b"loss=1\n"),
        ("a time that is none", b"yesterday loss=1\n"),
        ("nothing at all", b""),
        ("empty lines", b"\n\n"),
        ("no text", b"\xff\xfe\xff\n"),
    ],
)
def test_what_is_no_log_has_no_values(reason: str, text: bytes) -> None:
    part = look(text, Expressions(LOSS), after="2026-01-01T00:00:00Z", is_whole=True)
    assert (part.values, part.at) == ((), "2026-01-01T00:00:00Z"), reason


def test_a_time_zone_and_times_without_fractions() -> None:
    text = b"2026-01-01T02:00:01+02:00 loss=1\n2026-01-01T00:00:01.5Z loss=2\n"
    assert values(text) == [1, 2]
    assert values(text, after="2026-01-01T00:00:01Z") == [2]


def test_each_state_of_a_progress_bar() -> None:
    assert values(log("loss=3\rloss=2\r")) == [3, 2]


def test_more_values_than_are_wanted_are_left_for_the_next_look() -> None:
    text = log(*(f"loss={number}" for number in range(MOST_VALUES + 2)))
    first = look(text, Expressions(LOSS))
    assert len(first.values) == MOST_VALUES
    assert values(text, after=first.at) == [MOST_VALUES, MOST_VALUES + 1]


def test_a_look_that_takes_too_long_is_gone_on_with() -> None:
    ticks = itertools.count()
    text = log(*("loss=1" for _ in range(100)))
    part = look(text, Expressions(LOSS), seconds=9, clock=lambda: float(next(ticks)))
    assert 0 < len(part.values) < 20
    assert len(values(text, after=part.at)) == 100 - len(part.values)


def test_an_expression_that_is_none_costs_its_values_only() -> None:
    expressions = Expressions([{"Name": "loss", "Regex": "("}])
    assert look(log("loss=1"), expressions).values == ()
    assert expressions.problems
