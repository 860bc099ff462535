"""A bar for each second, on terminals of any width and in a file."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.console import Console
from sagebridge_local.demo import traffic_display
from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.traffic import Answer


def answer(begun: float, variant: str, error: str = "") -> Answer:
    return Answer(begun=begun, seconds=0.01, rows=(0,), labels=(1,), digits=(1,), variant=variant, error=error)


def printed(console: Console, *looks: Sequence[Answer]) -> None:
    screen = Screen(console)
    with traffic_display.shown(screen, names=("old", "new"), by=lambda answer: answer.variant) as show:
        for answers in looks:
            show(answers, state="Updating")


FIRST = [answer(10.0, "old"), answer(10.9, "old")]
SECOND = [answer(11.0, "old"), answer(11.2, "old"), answer(11.5, "old"), answer(11.9, "new")]
FOURTH = [answer(13.1, "new"), answer(13.2, "", error="broken"), answer(14.0, "new")]


def test_each_second_is_told_once_however_often_one_looks() -> None:
    out = io.StringIO()
    everything = [*FIRST, *SECOND, *FOURTH]
    printed(Console(file=out, width=80), [], FIRST, [*FIRST, *SECOND[:1]], [*FIRST, *SECOND], everything, everything)
    full, empty = "█", "░"
    assert out.getvalue().splitlines() == [
        f"    1s old {full * 32} new   0% of 2  Updating",
        f"    2s old {full * 24}{empty * 8} new  25% of 4  Updating",
        f"    3s old {' ' * 32} new   0% of 0  Updating",
        f"    4s old {empty * 32} new 100% of 2, 1 FAILED  Updating",
    ]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_into_a_terminal(width: int) -> None:
    out = io.StringIO()
    printed(Console(file=out, width=width, force_terminal=True, color_system=None), [*FIRST, *SECOND, *FOURTH[:1]])
    lines = [line for line in out.getvalue().splitlines() if " old " in line]
    assert len(lines) == 3
    assert max(map(len, lines)) <= width
    assert "7 invocations, 0 failed" in out.getvalue()
