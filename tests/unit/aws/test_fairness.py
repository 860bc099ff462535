"""Whose turn it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.targets.sagemaker.buckets import FairQueue, Rate, Turnstile


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


def test_a_newcomer_does_not_pass_those_who_wait() -> None:
    turnstile: Turnstile[str] = Turnstile(Rate(per_second=1.0, burst=1.0, utilization=1.0), now=0.0)
    assert turnstile.enter(0.0)
    assert not turnstile.enter(0.0)
    turnstile.wait("a", "first")
    assert not turnstile.enter(5.0)
    assert turnstile.let_through(5.0) == ["first"]


def test_it_says_when_to_look_again() -> None:
    turnstile: Turnstile[str] = Turnstile(Rate(per_second=2.0, burst=1.0, utilization=1.0), now=0.0)
    assert turnstile.next_in(0.0) is None
    assert turnstile.enter(0.0)
    turnstile.wait("a", "a1")
    turnstile.wait("b", "b1")
    assert turnstile.next_in(0.0) == pytest.approx(0.5)
    assert turnstile.let_through(0.4) == []
    assert turnstile.let_through(0.5) == ["a1"]
    assert turnstile.waiting == 1
    assert turnstile.leave("b", "b1")
    assert turnstile.next_in(0.5) is None
