"""Shows who answers an endpoint's invocations: a bar for each second."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from rich.text import Text

from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.traffic import Answer, shares

_BAR: Final = 32
_BESIDE: Final = 48
"""Columns that a line takes without its bar, at most."""
_FIRST, _SECOND = "█", "░"


class Show(Protocol):
    """Shows the answers."""

    def __call__(self, answers: Sequence[Answer], *, state: str) -> None:
        """Show what is new among all answers so far, and what goes on meanwhile."""


@contextmanager
def shown(screen: Screen, *, names: tuple[str, str], by: Callable[[Answer], str]) -> Iterator[Show]:
    """Return what shows the answers, whenever it is called, until the block ends.

    Args:
        screen: Where.
        names: The two that share the traffic.
        by: Who has answered.
    """
    bars = _Bars(screen=screen, names=names, by=by, elapsed=screen.stopwatch())
    if not screen.is_live:
        yield bars.show
        return
    with screen.drawn(bars.draw):
        yield bars.show


@dataclass(kw_only=True, slots=True)
class _Bars:
    screen: Screen
    names: tuple[str, str]
    by: Callable[[Answer], str]
    elapsed: Callable[[], float]
    told: int = 0
    seconds: int = 0
    begun: float | None = None
    state: str = ""
    answers: Sequence[Answer] = field(default_factory=tuple)

    def show(self, answers: Sequence[Answer], *, state: str) -> None:
        """Print a bar for each second that is over; answers come in the order in which they were asked for."""
        self.answers, self.state = answers, state
        if not answers:
            return
        self.begun = answers[0].begun if self.begun is None else self.begun
        while answers[-1].begun >= self.begun + self.seconds + 1:
            end = self.begun + self.seconds + 1
            within = [answer for answer in answers[self.told :] if answer.begun < end]
            self.told += len(within)
            self.seconds += 1
            self.screen.verbatim(f"  {self.seconds:3d}s {self._line(within)}  {state}".rstrip())

    def draw(self) -> Text:
        failed = sum(bool(answer.error) for answer in self.answers)
        text = f"  {len(self.answers)} invocations, {failed} failed, {self.elapsed():.0f}s  {self.state}"
        return Text(text, style="bold", no_wrap=True, overflow="ellipsis")

    def _line(self, answers: Sequence[Answer]) -> str:
        first, second = self.names
        failed = sum(bool(answer.error) for answer in answers)
        found = shares(answers, self.by) if len(answers) > failed else {}
        share = found.get(second, 0.0)
        width = max(8, min(_BAR, self.screen.width - _BESIDE)) if self.screen.is_live else _BAR
        filled = round(width * share)
        bar = _FIRST * (width - filled) + _SECOND * filled if found else " " * width
        return f"{first} {bar} {second} {share:4.0%} of {len(answers)}" + (f", {failed} FAILED" if failed else "")
