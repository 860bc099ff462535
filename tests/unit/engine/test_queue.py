"""The queue: delays, one entry a key, one pass a key at a time. The clock is ours."""

from __future__ import annotations

import asyncio

import pytest
from sagebridge.engine.queue import DelayQueue


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> DelayQueue[str]:
    return DelayQueue(clock=clock)


async def is_blocked(queue: DelayQueue[str]) -> bool:
    getter = asyncio.create_task(queue.get())
    for _ in range(5):
        await asyncio.sleep(0)
    if getter.done():
        return False
    getter.cancel()
    return True


async def test_keys_come_in_the_order_they_are_due(queue: DelayQueue[str], clock: Clock) -> None:
    queue.add("late", delay=2)
    queue.add("now")
    clock.now += 3
    assert [await queue.get(), await queue.get()] == ["now", "late"]


async def test_a_key_waits_for_its_delay(queue: DelayQueue[str], clock: Clock) -> None:
    queue.add("a", delay=60)
    assert await is_blocked(queue)
    clock.now += 61
    assert await queue.get() == "a"


async def test_the_earlier_of_two_times_holds(queue: DelayQueue[str]) -> None:
    queue.add("a", delay=60)
    queue.add("a")
    assert await queue.get() == "a"
    queue.done("a")
    assert await is_blocked(queue)


async def test_a_later_time_does_not_postpone(queue: DelayQueue[str]) -> None:
    queue.add("a")
    queue.add("a", delay=60)
    assert await queue.get() == "a"


async def test_a_key_at_work_is_not_given_out_twice(queue: DelayQueue[str]) -> None:
    queue.add("a")
    assert await queue.get() == "a"
    queue.add("a")
    assert await is_blocked(queue)
    queue.done("a")
    assert await queue.get() == "a"


async def test_a_forgotten_key_does_not_come(queue: DelayQueue[str]) -> None:
    queue.add("a")
    queue.forget("a")
    assert await is_blocked(queue)
    assert len(queue) == 0


async def test_a_waiting_getter_is_woken(queue: DelayQueue[str]) -> None:
    getter = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.add("a")
    assert await getter == "a"
