"""Waiting for a token on an event loop whose time is ours."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from sagebridge.targets.sagemaker.buckets import Rate
from sagebridge.targets.sagemaker.limiter import Limiter


class FakeTimeLoop(asyncio.SelectorEventLoop):
    """Jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self.now = max(self.now, self._scheduled[0].when())  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


def run(test: Coroutine[Any, Any, None]) -> None:
    loop = FakeTimeLoop()
    try:
        loop.run_until_complete(test)
    finally:
        loop.close()


def make(per_second: float = 1.0) -> tuple[Limiter, list[tuple[str, float]]]:
    clock = asyncio.get_running_loop().time
    return Limiter(Rate(per_second=per_second, burst=1.0, utilization=1.0), clock=clock), []


async def take(limiter: Limiter, log: list[tuple[str, float]], name: str, namespace: str = "a") -> None:
    await limiter.acquire(namespace)
    log.append((name, round(asyncio.get_running_loop().time(), 3)))


def test_callers_pass_at_the_rate_and_in_turn() -> None:
    async def test() -> None:
        limiter, log = make()
        async with asyncio.TaskGroup() as tasks:
            for name in ("a0", "a1", "a2", "b0"):
                tasks.create_task(take(limiter, log, name, namespace=name[0]))
        assert log == [("a0", 0.0), ("a1", 1.0), ("b0", 2.0), ("a2", 3.0)]

    run(test())


def test_one_that_gives_up_takes_no_token() -> None:
    async def test() -> None:
        limiter, log = make()
        tasks = [asyncio.create_task(take(limiter, log, f"a{number}")) for number in range(4)]
        await asyncio.sleep(0.5)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert log == [("a0", 0.0), ("a2", 1.0), ("a3", 2.0)]
        assert limiter.waiting == 0

    run(test())


def test_one_that_is_cancelled_just_when_its_turn_comes_hands_it_on() -> None:
    async def test() -> None:
        limiter, log = make()
        await limiter.acquire("a")
        first = asyncio.create_task(take(limiter, log, "first"))
        second = asyncio.create_task(take(limiter, log, "second"))
        await asyncio.sleep(0)
        # Runs after the limiter's timer has let the first one through, before that one runs.
        asyncio.get_running_loop().call_at(1.0, first.cancel)
        await asyncio.gather(first, second, return_exceptions=True)
        assert log in ([("second", 1.0)], [("first", 1.0), ("second", 2.0)])

    run(test())


def test_a_turn_that_was_granted_and_cancelled_is_handed_on() -> None:
    async def test() -> None:
        limiter, log = make()
        await limiter.acquire("a")
        first = asyncio.create_task(take(limiter, log, "first"))
        second = asyncio.create_task(take(limiter, log, "second"))
        await asyncio.sleep(0)
        limiter.refund()  # lets the first one through
        first.cancel()  # before it runs again
        await asyncio.gather(first, second, return_exceptions=True)
        assert first.cancelled()
        assert log == [("second", 0.0)]

    run(test())


def test_a_token_given_back_goes_to_the_next_in_line() -> None:
    async def test() -> None:
        limiter, log = make()
        await limiter.acquire("a")
        waiting = asyncio.create_task(take(limiter, log, "next"))
        await asyncio.sleep(0.25)
        limiter.refund()
        await waiting
        assert log == [("next", 0.25)]

    run(test())


def test_throttling_makes_those_who_wait_wait_longer() -> None:
    async def test() -> None:
        limiter, log = make()
        await limiter.acquire("a")
        waiting = asyncio.create_task(take(limiter, log, "next"))
        await asyncio.sleep(0.9)
        limiter.throttled(sent_at=0.0)
        await waiting
        assert log[0][1] == pytest.approx(0.9 + 1.09, abs=0.05)

    run(test())


def test_everybody_leaving_leaves_nothing_behind() -> None:
    async def test() -> None:
        limiter, log = make()
        await limiter.acquire("a")
        tasks = [asyncio.create_task(take(limiter, log, "x")) for _ in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert limiter.waiting == 0
        await asyncio.sleep(10)
        await limiter.acquire("a")

    run(test())
