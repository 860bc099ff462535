"""Shows how far a build is: a bar on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class BuildProgress(Protocol):
    """What a build tells while it runs."""

    def phase(self, description: str, *, total: int | None = None) -> None:
        """A new phase began; ``total`` is its number of steps, where known."""

    def step(self) -> None:
        """One more step of the phase is done."""


@contextmanager
def shown(title: str) -> Iterator[BuildProgress]:
    """Show a build's progress on standard error, so that standard output stays the command's own."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield PlainLines(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress, title)


class _Bar:
    def __init__(self, progress: Progress, title: str) -> None:
        self._progress = progress
        self._title = title
        self._task = progress.add_task(title, total=None)

    def phase(self, description: str, *, total: int | None = None) -> None:
        self._progress.reset(self._task, total=total, description=f"{self._title}: {description}")

    def step(self) -> None:
        self._progress.advance(self._task)


class PlainLines:
    """Progress for a log file: a line at each phase, and one for every tenth of it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._description = ""
        self._total: int | None = None
        self._done = 0

    def phase(self, description: str, *, total: int | None = None) -> None:
        """Print the phase's name."""
        self._description, self._total, self._done = description, total, 0
        self._say(description if total is None else f"{description} ({total})")

    def step(self) -> None:
        """Print the phase's share that is done whenever it has grown by a tenth."""
        self._done += 1
        if self._total and self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            self._say(f"{self._description} {min(100, self._done * 100 // self._total)} %")

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{self._title}: {text}\n")
        sys.stderr.flush()
