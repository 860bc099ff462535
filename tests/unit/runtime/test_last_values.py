"""The last values in logs that are read from their ends."""

from __future__ import annotations

import pytest
from sagebridge.core.clock import format_time
from sagebridge.runtime import last_values
from sagebridge.runtime.last_values import LastValues, Tail
from sagebridge.runtime.metrics import Expressions

LOSS = [{"Name": "loss", "Regex": r"loss=(\S+)"}]


def line(second: int, text: str) -> str:
    return f"2026-01-01T00:00:{second:02}.123456789Z {text}\n"


def tail(*lines: str, chunk: int = 7) -> Tail:
    made, text = Tail(), "".join(lines).encode()
    for start in range(0, len(text), chunk):
        made.add(text[start : start + chunk])
    return made


def found(*hosts: Tail) -> dict[str, tuple[float, str]]:
    values = LastValues(Expressions(LOSS))
    for host in hosts:
        assert values.look(host, seconds=60.0)
    return {name: (last.value, format_time(last.at)[-9:]) for name, last in values.found.items()}


@pytest.mark.parametrize(
    ("reason", "hosts", "want"),
    [
        ("the last of one host", [[line(1, "loss=2"), line(2, "loss=1")]], (1.0, "00:00:02Z")),
        ("lines after it that say nothing", [[line(1, "loss=2"), line(2, "done")]], (2.0, "00:00:01Z")),
        ("what is no number is passed over", [[line(1, "loss=2"), line(2, "loss=nan")]], (2.0, "00:00:01Z")),
        ("the last of all hosts", [[line(3, "loss=3")], [line(2, "loss=2")]], (3.0, "00:00:03Z")),
        ("whichever comes first", [[line(2, "loss=2")], [line(3, "loss=3")]], (3.0, "00:00:03Z")),
        ("a host without a log", [[], [line(3, "loss=3")], []], (3.0, "00:00:03Z")),
        ("a last line without an end", [[line(1, "loss=2"), line(2, "loss=1").rstrip()]], (1.0, "00:00:02Z")),
        ("a progress bar", [[line(1, "loss=3\rloss=2\rloss=1\r")]], (1.0, "00:00:01Z")),
        ("what has no time is no line of the container's", [[line(1, "loss=3"), "loss=2\n"]], (3.0, "00:00:01Z")),
    ],
)
def test_values(reason: str, hosts: list[list[str]], want: tuple[float, str]) -> None:
    assert found(*(tail(*lines) for lines in hosts)) == {"loss": want}, reason


def test_the_end_of_a_log_that_is_too_long_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_values, "MOST_BYTES", 100)
    long = tail(line(1, "loss=1 " + "x" * 200), line(2, "loss=2"), line(3, "y" * 20))
    kept = [text.decode() + "\n" for text in long.lines() if text]
    assert kept == [line(3, "y" * 20), line(2, "loss=2")]


def test_no_more_is_kept_than_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_values, "MOST_BYTES", 100)
    long = Tail()
    for _ in range(1_000):
        long.add(b"x" * 10)
    assert len(long._text) <= 200
    assert list(long.lines()) == [], "a line whose beginning is cut off is none"


def test_when_time_is_up_the_end_was_seen() -> None:
    moments = iter(range(100))
    values = LastValues(
        Expressions([*LOSS, {"Name": "never", "Regex": "never=(.)"}]), clock=lambda: float(next(moments))
    )
    assert not values.look(tail(*(line(second, f"loss={second}") for second in range(50))), seconds=10.0)
    assert values.found["loss"].value == 49
