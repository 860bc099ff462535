"""Rounds of sweeps, over a clock that only the tests move."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from sagebridge.watch.rounds import Rounds


@dataclass
class Looker:
    """Looks at groups; some take until they are let go, and some are broken."""

    seen: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    held: dict[str, asyncio.Event] = field(default_factory=dict)

    def __call__(self, group: str) -> Coroutine[Any, Any, None]:
        self.seen.append(group)
        return self._look(group)

    async def _look(self, group: str) -> None:
        if group in self.broken:
            raise RuntimeError("a bug")
        if group in self.held:
            await self.held[group].wait()


class Clock:
    now = 10_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rounds(clock: Callable[[], float]) -> Rounds[str]:
    # Of what waits for the interval to pass there is only what is held, so it is short.
    return Rounds(interval=0.01, clock=clock)


def ages(rounds: Rounds[str]) -> tuple[float, float]:
    return rounds.seconds_since_last, rounds.seconds_since_success


async def test_before_the_first_round_nothing_is_late(rounds: Rounds[str], clock: Clock) -> None:
    clock.now += 1000
    assert ages(rounds) == (0.0, 0.0)


async def test_a_round_is_no_success_by_itself(rounds: Rounds[str], clock: Clock) -> None:
    rounds.succeeded()
    clock.now += 30
    await rounds.sweep(["near"], Looker())
    assert ages(rounds) == (0.0, 30.0)
    rounds.succeeded()
    assert ages(rounds) == (0.0, 0.0)


async def test_time_counts_from_the_beginning_of_the_first_round(rounds: Rounds[str], clock: Clock) -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = asyncio.create_task(rounds.run(hang))
    await begun.wait()
    clock.now += 7
    assert ages(rounds) == (7.0, 7.0)
    await end(running)


async def test_rounds_follow_one_another(rounds: Rounds[str]) -> None:
    looker, enough = Looker(), asyncio.Event()

    async def go_round() -> None:
        await rounds.sweep(["near"], looker)
        if len(looker.seen) == 3:
            enough.set()

    running = asyncio.create_task(rounds.run(go_round))
    await enough.wait()
    await end(running)


async def test_what_takes_longer_goes_on_beside_the_next_rounds(rounds: Rounds[str]) -> None:
    looker = Looker(held={"far": asyncio.Event()})
    for _ in range(3):
        await rounds.sweep(["near", "far"], looker)
    assert (looker.seen.count("near"), looker.seen.count("far")) == (3, 1)
    looker.held["far"].set()
    await rounds.sweep([], looker)
    await rounds.sweep(["far"], looker)
    assert looker.seen.count("far") == 2


async def test_a_look_that_breaks_is_told_and_taken_again(
    rounds: Rounds[str], caplog: pytest.LogCaptureFixture
) -> None:
    looker = Looker(broken={"near"})
    await rounds.sweep(["near"], looker)
    assert "Sweep of near: it could not be concluded" in caplog.text
    await rounds.sweep(["near"], looker)
    assert looker.seen == ["near", "near"]


async def test_who_is_cancelled_leaves_no_look_behind(rounds: Rounds[str]) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def look(_: str) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = asyncio.create_task(rounds.run(lambda: rounds.sweep(["far"], look)))
    await begun.wait()
    await end(running)
    assert ended.is_set()


async def end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
