"""The time, as a thing that tests can set."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """This machine's time. All containers of a pod have the same."""

    def now(self) -> datetime:
        """The time of day, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only ever grow, from an unknown start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Let time pass, but no more once something has happened; returns whether it has."""
        return event.wait(seconds)


def rfc3339(moment: datetime) -> str:
    """A moment as Kubernetes writes it, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
