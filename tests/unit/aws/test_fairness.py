"""Whose turn it is when there is a token."""

import pytest
from sagebridge.targets.sagemaker.buckets import Rate, Turnstile


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
