"""Shows a search while it runs: a table of its trials on a terminal, a line for each of them elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from sagebridge_local.demo.screen import Screen
from sagebridge_local.demo.trials import Search, Trial

Show = Callable[[Search], None]


@contextmanager
def shown(screen: Screen) -> Iterator[Show]:
    """Return what shows the search, whenever it has changed, until the block ends."""
    elapsed = screen.stopwatch()
    if not screen.is_live:
        yield _Lines(screen, elapsed=elapsed).show
        return
    table = _Table(elapsed=elapsed)
    with screen.drawn(table.draw):
        yield table.show


class _Table:
    """The best trials, best first, drawn again and again."""

    def __init__(self, *, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._search: Search | None = None

    def show(self, search: Search) -> None:
        self._search = search

    def draw(self) -> Padding:
        search = self._search
        if search is None:
            return Padding(Text(f"{self._elapsed():.0f}s"), (0, 0, 0, 2))
        over = search.completed >= search.wanted
        state = Text(f"{search.name}: {search.status}, {search.progress}, {self._elapsed():.0f}s", style="bold")
        return Padding(Group(state, _trials(search, over=over)), (0, 0, 0, 2))


def _trials(search: Search, *, over: bool) -> Table:
    names = sorted({name for trial in search.trials for name in trial.tuned})
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("TRIAL", no_wrap=True, min_width=5)
    for heading in ("OBJECTIVE", *(name.upper() for name in names)):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", justify="right")
    for place, trial in enumerate(search.trials):
        values = (trial.tuned.get(name, "") for name in names)
        best = "bold green" if place == 0 and over else ""
        table.add_row(trial.number, f"{trial.objective:.4f}", *values, style=best)
    return table


class _Lines:
    """A line for each state, and one for each trial that has ended."""

    def __init__(self, screen: Screen, *, elapsed: Callable[[], float]) -> None:
        self._screen = screen
        self._elapsed = elapsed
        self._told = ""
        self._trials: set[str] = set()

    def show(self, search: Search) -> None:
        for trial in sorted(search.trials, key=lambda trial: trial.name):
            if trial.name not in self._trials:
                self._trials.add(trial.name)
                self._say(_sentence(trial, metric=search.metric))
        state = f"{search.name}: {search.status}, {search.progress}"
        if state != self._told:
            self._told = state
            self._say(state)

    def _say(self, text: str) -> None:
        self._screen.verbatim(f"  {self._elapsed():5.1f}s {text}")


def _sentence(trial: Trial, *, metric: str) -> str:
    tuned = ", ".join(f"{name} {value}" for name, value in trial.tuned.items())
    return f"trial {trial.number}: {metric} {trial.objective:.4f} ({tuned})"
