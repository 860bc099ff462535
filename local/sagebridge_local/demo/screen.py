"""What the demo shows: live on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from sagebridge.core.conditions import READY, find
from sagebridge.core.job import Job

from sagebridge_local.demo.report import Report, Result, Step

_COLORS = {Result.PASSED: "green", Result.FAILED: "red", Result.INTERRUPTED: "yellow"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """Where a job stands.

    Attributes:
        name: The object's name.
        status: The reason of its Ready condition.
        secondary: SageMaker's secondary status, or its status of an endpoint.
    """

    name: str
    status: str
    secondary: str

    @classmethod
    def of(cls, job: Job) -> Stage:
        """From the object."""
        ready = find(job.conditions, READY) or {}
        return cls(
            name=job.name,
            status=str(ready.get("reason", "")),
            secondary=str(job.status.get("secondaryStatus") or job.status.get("endpointStatus", "")),
        )


class JobDisplay(Protocol):
    """Shows one job while it runs."""

    def show(self, stage: Stage) -> None:
        """Show where it stands now."""

    def log(self, text: str) -> None:
        """Show a line of its log."""


class Screen:
    """Everything that is printed goes through here."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock

    def say(self, text: str = "", *, style: str = "") -> None:
        """Print a line of ours: wrapped between words on a terminal, whole elsewhere."""
        self._console.print(Text(text, style=style), soft_wrap=not self._console.is_terminal)

    def step(self, number: int, *, of: int, title: str) -> None:
        """Begin a step."""
        self.say()
        self.say(f"[{number}/{of}] {title}", style="bold")

    def command(self, words: Sequence[str]) -> None:
        """Show a command as one would type it."""
        self.verbatim(f"$ {shlex.join(words)}", style="cyan")

    def output(self, text: str) -> None:
        """Show what a command printed."""
        for line in text.rstrip().splitlines():
            self.verbatim(f"  {line}")

    def verbatim(self, line: str, *, style: str = "") -> None:
        """Print a line as it is, however long."""
        self._console.print(Text(line, style=style), soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something goes on: turning on a terminal, as a line elsewhere."""
        if not self._console.is_terminal:
            self.say(text)
            yield
            return
        with self._console.status(text):
            yield

    @property
    def is_live(self) -> bool:
        """Whether what is shown can change afterwards."""
        return self._console.is_terminal

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self._console.width

    def stopwatch(self) -> Callable[[], float]:
        """Return what tells how many seconds have passed since this call."""
        started = self._clock()
        return lambda: self._clock() - started

    @contextmanager
    def drawn(self, draw: Callable[[], RenderableType]) -> Iterator[None]:
        """Draw something again and again, below what is printed meanwhile, until the block ends; the last one stays."""
        with Live(console=self._console, get_renderable=draw, refresh_per_second=8):
            yield

    @contextmanager
    def job(self, name: str) -> Iterator[JobDisplay]:
        """Show a job until the block ends."""
        elapsed = self.stopwatch()
        if not self.is_live:
            yield PlainJob(self, elapsed=elapsed)
            return
        live = LiveJob(self, name, elapsed=elapsed)
        with self.drawn(live.table):
            yield live

    def summary(self, report: Report) -> None:
        """Show the table of all steps."""
        table = Table("STEP", "WHAT HAPPENED", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("SECONDS", justify="right", no_wrap=True)
        for step in report.steps:
            sign = "" if step.result is Result.PASSED else f"{step.result}: "
            table.add_row(
                escape(step.title),
                escape(sign + step.detail),
                f"{step.seconds:.1f}",
                style="" if not sign else _COLORS[step.result],
            )
        table.add_row("", "", f"{report.seconds:.1f}", style="bold")
        self.say()
        self._console.print(table)

    def failure(self, step: Step) -> None:
        """Say which step did not work, and why."""
        self.say()
        self.say(f"Step '{step.title}' {step.result}: {step.detail}", style=f"bold {_COLORS[step.result]}")

    def log_tail(self, path: Path, *, lines: int = 15) -> None:
        """Show the end of a log file."""
        if not path.exists():
            return
        tail = path.read_text(errors="replace").splitlines()[-lines:]
        self.say(f"The end of {path}:")
        self.output("\n".join(tail))


class LiveJob:
    """A row that is drawn again and again, below the log lines."""

    def __init__(self, screen: Screen, name: str, *, elapsed: Callable[[], float]) -> None:
        self._screen = screen
        self._stage = Stage(name=name, status="", secondary="")
        self._elapsed = elapsed

    def show(self, stage: Stage) -> None:
        """Show where it stands now."""
        self._stage = stage

    def log(self, text: str) -> None:
        """Show a line of its log."""
        self._screen.verbatim(f"  | {text}", style="dim")

    def table(self) -> Padding:
        """Return the row as it is now."""
        table = Table("NAME", "STATUS", "SECONDARY", "DURATION", box=None, pad_edge=False, padding=(0, 3, 0, 0))
        stage = self._stage
        table.add_row(stage.name, stage.status, stage.secondary, f"{self._elapsed():.0f}s", style="bold")
        return Padding(table, (0, 0, 0, 2))


class PlainJob:
    """A line whenever something has changed."""

    def __init__(self, screen: Screen, *, elapsed: Callable[[], float]) -> None:
        self._screen = screen
        self._elapsed = elapsed
        self._stage: Stage | None = None

    def show(self, stage: Stage) -> None:
        """Show where it stands now."""
        if stage == self._stage:
            return
        self._stage = stage
        where = " ".join(filter(None, [stage.status, stage.secondary])) or "new"
        self._screen.verbatim(f"  {self._elapsed():5.1f}s {stage.name}: {where}")

    def log(self, text: str) -> None:
        """Show a line of its log."""
        self._screen.verbatim(f"  | {text}")
