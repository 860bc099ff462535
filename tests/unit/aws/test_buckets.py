"""Token buckets, on a clock of our own."""

import math

import pytest
from sagebridge.targets.sagemaker.buckets import UNLIMITED, Rate, TokenBucket


def bucket(*, per_second: float | None = 1.0, burst: float = 1.0, utilization: float = 1.0) -> TokenBucket:
    return TokenBucket(Rate(per_second=per_second, burst=burst, utilization=utilization), now=0.0)


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    tokens = bucket(per_second=2.0, burst=3.0)
    assert [tokens.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert tokens.ready_in(0.0) == pytest.approx(0.5)
    assert not tokens.take(0.49)
    assert tokens.take(0.5)


def test_a_rest_gathers_no_more_than_the_burst() -> None:
    tokens = bucket(burst=2.0)
    assert tokens.take(0.0)
    assert [tokens.take(1000.0) for _ in range(3)] == [True, True, False]


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    tokens = bucket()
    assert tokens.take(10.0)
    assert not tokens.take(5.0)
    assert not tokens.take(10.5)
    assert tokens.take(11.0)


def test_a_token_given_back_can_be_taken() -> None:
    tokens = bucket()
    assert tokens.take(0.0)
    tokens.refund(0.0)
    assert tokens.take(0.0)


def test_giving_back_never_exceeds_the_burst() -> None:
    tokens = bucket()
    tokens.refund(0.0)
    assert tokens.take(0.0)
    assert not tokens.take(0.0)


def test_without_a_limit_every_call_passes() -> None:
    tokens = TokenBucket(UNLIMITED, now=0.0)
    assert all(tokens.take(0.0) for _ in range(10_000))
    assert tokens.ready_in(0.0) == 0.0
    assert math.isinf(tokens.rate)


def test_a_throttled_call_empties_the_bucket_and_slows_it() -> None:
    tokens = bucket(per_second=10.0, burst=5.0)
    tokens.throttled(sent_at=0.0, now=0.1)
    assert tokens.rate == pytest.approx(9.0)
    assert not tokens.take(0.1)
    assert 0.1 < tokens.ready_in(0.1) < 0.2


def test_calls_that_were_under_way_together_slow_it_once() -> None:
    tokens = bucket(per_second=10.0, burst=5.0)
    for _ in range(5):
        tokens.throttled(sent_at=0.0, now=0.1)
    assert tokens.rate == pytest.approx(9.0)


def test_throttling_that_goes_on_slows_it_further_but_not_to_a_standstill() -> None:
    tokens = bucket(per_second=10.0)
    rates = []
    for step in range(1, 40):
        tokens.throttled(sent_at=step - 0.05, now=float(step) / 10 * 10)
        rates.append(tokens.rate)
    assert min(rates) >= 10.0 * 0.05 - 1e-9
    assert rates[-1] < 10.0 * 0.9


def test_a_quiet_time_restores_the_rate_and_no_more() -> None:
    tokens = bucket(per_second=10.0)
    tokens.throttled(sent_at=0.0, now=0.0)
    seen = []
    for step in range(1, 200):
        tokens.ready_in(step / 10)
        seen.append(tokens.rate)
    assert seen == sorted(seen)
    assert seen[-1] == 10.0


def test_without_a_limit_throttling_makes_one_from_the_calls_counted() -> None:
    tokens = TokenBucket(UNLIMITED, now=0.0)
    for step in range(200):
        assert tokens.take(step / 100)
    tokens.throttled(sent_at=2.0, now=2.0)
    assert 80 < tokens.rate < 100
    assert not tokens.take(2.0)


def test_that_limit_goes_away_when_aws_grants_far_more() -> None:
    tokens = TokenBucket(UNLIMITED, now=0.0)
    for step in range(100):
        tokens.take(step / 100)
    tokens.throttled(sent_at=1.0, now=1.0)
    for step in range(10, 1000):
        tokens.ready_in(step / 10)
    assert math.isinf(tokens.rate)


@pytest.mark.parametrize(
    "wrong",
    [
        {"per_second": 0.0},
        {"per_second": -1.0},
        {"per_second": math.inf},
        {"per_second": 1.0, "burst": 0.5},
        {"per_second": 1.0, "utilization": 0.0},
        {"per_second": 1.0, "utilization": 1.1},
    ],
)
def test_a_rate_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        Rate(**wrong)
