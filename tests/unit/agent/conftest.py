"""A clock that only passes when somebody sleeps."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sagebridge.agent.clock import Clock

START = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock(Clock):
    """Calls what is due when time has come to it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.events: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, event: Callable[[], object]) -> None:
        self.events.append((seconds, event))

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        for due in [each for each in self.events if each[0] <= self.seconds]:
            self.events.remove(due)
            due[1]()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        self.sleep(seconds)
        return event.is_set()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
