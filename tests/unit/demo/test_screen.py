"""What is printed, on a terminal of 80 columns and into a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import count

import pytest
from rich.console import Console
from sagebridge_local.demo.report import Report, Result, Step
from sagebridge_local.demo.screen import Screen, Stage

LONG = "default-digits-0123456789 completed in 4s; validation:accuracy 0.98, [bold]not markup[/bold], " * 2


def seconds() -> Iterator[float]:
    return map(float, count())


@pytest.fixture
def terminal() -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=True, highlight=False, legacy_windows=False)
    return Screen(console, clock=seconds().__next__), out


@pytest.fixture
def file() -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    return Screen(Console(file=out, width=80, highlight=False), clock=seconds().__next__), out


def test_a_file_gets_each_change_once(file: tuple[Screen, io.StringIO]) -> None:
    screen, out = file
    with screen.job("digits") as display:
        for secondary in ("Starting", "Starting", "Training"):
            display.show(Stage(name="digits", status="InProgress", secondary=secondary))
        display.log("epoch=1 [train]")
    assert out.getvalue().splitlines() == [
        "    1.0s digits: InProgress Starting",
        "    2.0s digits: InProgress Training",
        "  | epoch=1 [train]",
    ]


def test_a_terminal_keeps_the_last_state_below_the_log(terminal: tuple[Screen, io.StringIO]) -> None:
    screen, out = terminal
    with screen.job("digits") as display:
        display.log("epoch=1")
        display.show(Stage(name="digits", status="Completed", secondary="Completed"))
    assert "| epoch=1" in out.getvalue()
    assert out.getvalue().rindex("Completed") > out.getvalue().index("epoch=1")


def test_a_file_keeps_long_lines_whole(file: tuple[Screen, io.StringIO]) -> None:
    screen, out = file
    screen.say(LONG)
    assert out.getvalue().strip() == LONG.strip()


def test_the_table_fits_into_80_columns(file: tuple[Screen, io.StringIO]) -> None:
    screen, out = file
    steps = [
        Step(title="Training job", result=Result.PASSED, detail=LONG, seconds=12.34),
        Step(title="Score the model", result=Result.FAILED, detail="accuracy 0.5", seconds=1.0),
    ]
    screen.summary(Report(steps=steps))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "12.3" in out.getvalue()
    assert "[bold]not" in " ".join(out.getvalue().split())
    assert "failed: accuracy 0.5" in out.getvalue()
