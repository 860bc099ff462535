"""The statistics of measurements, and how long they are kept."""

import pytest
from sagebridge_local.sagemaker.cloudwatch.metrics import KEPT_SECONDS, Metric, Metrics, Tally

PLACE = ("123456789012", "us-east-1")
ERRORS = Metric("AWS/SageMaker", "Invocation5XXErrors", frozenset({("EndpointName", "e1")}))


@pytest.mark.parametrize(
    ("statistic", "want"),
    [
        ("Sum", 5050),
        ("Average", 50.5),
        ("Minimum", 1),
        ("Maximum", 100),
        ("SampleCount", 100),
        ("p99", 99),
        ("p50", 50),
    ],
)
def test_statistics(statistic, want):
    tally = Tally()
    for value in range(1, 101):
        tally.add(value)

    assert tally.statistic(statistic) == want


@pytest.mark.parametrize("statistic", ["tm99", "pX", ""])
def test_other_statistics_are_not_known(statistic):
    tally = Tally()
    tally.add(1)

    assert tally.statistic(statistic) is None


def test_latencies_of_a_busy_minute_take_a_bounded_place():
    tally = Tally()
    for value in range(100_000):
        tally.add(1_000 + value * 0.09)

    assert len(tally.spread) <= 901
    assert tally.statistic("p90") == pytest.approx(9_100, rel=0.01)


def test_a_minute_has_one_tally_however_many_values():
    metrics = Metrics()
    for second in range(120, 240):
        metrics.record(PLACE, ERRORS, 1.0, at=second)

    assert [(start, tally.total) for start, tally in metrics.minutes(PLACE, ERRORS)] == [(120, 60.0), (180, 60.0)]


def test_what_is_old_is_forgotten():
    metrics = Metrics()
    metrics.record(PLACE, ERRORS, 1.0, at=60)
    metrics.record(PLACE, ERRORS, 1.0, at=60 + KEPT_SECONDS)
    metrics.forget(before=120)

    assert [start for start, _ in metrics.minutes(PLACE, ERRORS)] == [60 + KEPT_SECONDS]
    metrics.forget(before=120 + KEPT_SECONDS)
    assert metrics.places() == []
