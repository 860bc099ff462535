"""Who comes next where only so many can go at once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.slots import FairQueue, Slots, Urgency, WorkFirstQueue


def queue_of(*waiters: tuple[str, str]) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue()
    for namespace, waiter in waiters:
        queue.push(namespace, waiter)
    return queue


def drain(queue: FairQueue[str]) -> list[str]:
    return [queue.pop() for _ in range(len(queue))]


def test_first_come_first_served_within_a_namespace() -> None:
    assert drain(queue_of(("a", "a1"), ("a", "a2"), ("a", "a3"))) == ["a1", "a2", "a3"]


def test_namespaces_take_turns() -> None:
    queue = queue_of(("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1"), ("c", "c2"))
    assert drain(queue) == ["a1", "b1", "c1", "a2", "c2", "a3"]


def test_a_flood_does_not_starve_a_newcomer() -> None:
    queue = queue_of(*(("flood", f"f{number}") for number in range(1000)))
    queue.pop()
    queue.push("quiet", "q")
    assert "q" in [queue.pop() for _ in range(2)]


def test_nobody_waits() -> None:
    with pytest.raises(IndexError, match="nobody waits"):
        FairQueue[str]().pop()


def test_whoever_gives_up_is_skipped() -> None:
    queue = queue_of(("a", "a1"), ("b", "b1"), ("a", "a2"))
    assert queue.discard("a", "a1")
    assert not queue.discard("a", "a1")
    assert not queue.discard("z", "z1")
    assert drain(queue) == ["a2", "b1"]


def test_a_namespace_is_forgotten_with_its_last_waiter() -> None:
    queue = queue_of(("a", "a1"))
    assert queue.discard("a", "a1")
    assert len(queue) == 0


@given(st.lists(st.sampled_from("abc"), max_size=40), st.lists(st.integers(0, 39), max_size=10))
def test_everybody_who_stays_is_served_once_and_in_fair_order(namespaces: list[str], leaving: list[int]) -> None:
    waiters = [(namespace, f"{namespace}{number}") for number, namespace in enumerate(namespaces)]
    queue = queue_of(*waiters)
    left = {waiters[index] for index in leaving if index < len(waiters)}
    for namespace, waiter in left:
        assert queue.discard(namespace, waiter)
    served = drain(queue)
    staying = [waiter for namespace, waiter in waiters if (namespace, waiter) not in left]
    assert sorted(served) == sorted(staying)
    for namespace in "abc":
        own = [waiter for waiter in staying if waiter.startswith(namespace)]
        assert [waiter for waiter in served if waiter.startswith(namespace)] == own
        for position, waiter in enumerate(own):
            before = served[: served.index(waiter)]
            assert all(sum(one.startswith(other) for one in before) <= position + 1 for other in "abc")


def test_work_goes_before_word_of_it() -> None:
    queue: WorkFirstQueue[str] = WorkFirstQueue()
    for urgency, waiter in ((Urgency.WORD, "told"), (Urgency.WORK, "first"), (Urgency.WORK, "second")):
        queue.push(urgency, waiter)
    assert [queue.pop() for _ in range(3)] == ["first", "second", "told"]


def test_every_sixteenth_turn_is_for_word() -> None:
    queue: WorkFirstQueue[str] = WorkFirstQueue()
    for number in range(40):
        queue.push(Urgency.WORK, f"work {number}")
    for number in range(3):
        queue.push(Urgency.WORD, f"word {number}")
    served = [queue.pop() for _ in range(len(queue))]
    assert [served.index(f"word {number}") for number in range(3)] == [15, 31, 42]
    assert [waiter for waiter in served if waiter.startswith("work")] == [f"work {number}" for number in range(40)]


def test_nobody_waits_with_work_or_word() -> None:
    queue: WorkFirstQueue[str] = WorkFirstQueue()
    assert len(queue) == 0
    with pytest.raises(IndexError):
        queue.pop()


def test_whoever_gives_up_with_work_or_word_is_skipped() -> None:
    queue: WorkFirstQueue[str] = WorkFirstQueue()
    queue.push(Urgency.WORK, "gone")
    queue.push(Urgency.WORD, "stays")
    assert queue.discard(Urgency.WORK, "gone")
    assert not queue.discard(Urgency.WORK, "gone")
    assert queue.pop() == "stays"


async def until_blocked() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_slots_are_given_to_namespaces_in_turn() -> None:
    slots, log = Slots(1, FairQueue()), []

    async def use(namespace: str) -> None:
        await slots.acquire(namespace)
        log.append(namespace)

    await slots.acquire("flood")
    tasks = [asyncio.create_task(use(name)) for name in ("flood", "flood", "flood", "quiet")]
    await until_blocked()
    for _ in range(4):
        slots.release()
        await until_blocked()
    assert log == ["flood", "quiet", "flood", "flood"]
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("is_given", [False, True], ids=["still waiting", "given a moment ago"])
async def test_who_is_cancelled_takes_no_slot(is_given: bool) -> None:
    slots = Slots(1, FairQueue())
    await slots.acquire("a")
    task = asyncio.create_task(slots.acquire("a"))
    await until_blocked()
    if is_given:
        slots.release()
    task.cancel()
    if not is_given:
        slots.release()
    await until_blocked()
    assert task.cancelled()
    async with asyncio.timeout(1):
        await slots.acquire("b")
    second = asyncio.create_task(slots.acquire("b"))
    await until_blocked()
    assert not second.done(), "there is one slot, not two"
    second.cancel()
