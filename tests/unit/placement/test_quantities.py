"""Kubernetes' quantities."""

from fractions import Fraction
from typing import Any

import pytest
from sagebridge.core.errors import SpecError
from sagebridge.core.placement.quantity import cores, parse, whole


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (4, Fraction(4)),
        (0.5, Fraction(1, 2)),
        ("500m", Fraction(1, 2)),
        ("16Gi", Fraction(16 * 1024**3)),
        ("1.5Gi", Fraction(3 * 1024**3, 2)),
        ("2k", Fraction(2000)),
        ("1e3", Fraction(1000)),
        ("1E", Fraction(10**18)),
        ("1Ei", Fraction(1024**6)),
        (".5", Fraction(1, 2)),
        ("100u", Fraction(1, 10_000)),
    ],
)
def test_amounts(value: Any, amount: Fraction) -> None:
    assert parse(value, "spec") == amount


@pytest.mark.parametrize("value", ["", "4 cores", "16GB", "-1", True, None, [], "1e", "Gi", "0x10", "１"])
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(SpecError) as raised:
        parse(value, "spec.cluster.resources.limits.cpu")
    assert raised.value.field == "spec.cluster.resources.limits.cpu"


def test_devices_come_in_whole_numbers() -> None:
    assert whole("2", "spec") == 2
    with pytest.raises(SpecError, match="whole number"):
        whole("1500m", "spec")


def test_processors_are_written_as_short_as_they_can_be() -> None:
    assert (cores(2000), cores(1500)) == ("2", "1500m")
