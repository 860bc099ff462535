"""Metrics: the last value of each, and expressions that misbehave."""

import pytest
from sagebridge.runtime.metrics import MetricScanner


def _scan(expression: str, *lines: str) -> list[float]:
    scanner = MetricScanner([{"Name": "m", "Regex": expression}])
    scanner.scan(lines)
    return [each["Value"] for each in scanner.final_metrics()]


@pytest.mark.parametrize(
    ("reason", "expression", "lines", "want"),
    [
        ("the last value counts", "loss=([0-9.]+)", ["loss=2", "loss=1.5"], [1.5]),
        ("in the middle of a line", "loss=([0-9.]+);", ["epoch 1 loss=0.5; ok"], [0.5]),
        ("exponents and signs", r"x=(\S+)", ["x=-1e-3"], [-0.001]),
        ("what is no number is passed over", r"x=(\S+)", ["x=1", "x=none"], [1.0]),
        ("nor is what is not finite", r"x=(\S+)", ["x=1", "x=nan", "x=inf"], [1.0]),
        ("a group that took no part", r"x=(\d)?", ["x="], []),
        ("without a group the whole match", r"\d+", ["a 17"], [17.0]),
        ("never seen", "y=(.*)", ["x=1"], []),
    ],
)
def test_values(reason: str, expression: str, lines: list[str], want: list[float]) -> None:
    assert _scan(expression, *lines) == want, reason


def test_an_invalid_expression_is_told_once() -> None:
    scanner = MetricScanner([{"Name": "m", "Regex": "("}])
    assert "the metric 'm' is invalid" in scanner.take_problems()[0]
    assert scanner.take_problems() == []


def test_a_catastrophic_expression_is_given_up() -> None:
    scanner = MetricScanner([{"Name": "m", "Regex": "(a|aa)+$"}])
    scanner.scan(["a" * 64 + "!"] * 1_000)
    assert "took longer than" in scanner.take_problems()[0]
