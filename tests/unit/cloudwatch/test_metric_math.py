"""Metric math in alarms."""

import pytest
from sagebridge_local.sagemaker.cloudwatch.expressions import ExpressionError, value

VALUES = {"errors": 3.0, "all": 12.0, "none": None, "zero": 0.0}


@pytest.mark.parametrize(
    ("expression", "want"),
    [
        ("errors / all * 100", 25.0),
        ("100 * (errors + 1) / all", 400 / 12),
        ("-errors", -3.0),
        ("errors / zero", None),
        ("errors / none", None),
        ("FILL(none, 0) + errors", 3.0),
        ("SUM([errors, all, none])", 15.0),
        ("MAX([errors, all])", 12.0),
        ("AVG([errors, all])", 7.5),
        ("IF(all > 10, errors / all, 0)", 0.25),
        ("IF(all > 100, errors / all, 0)", 0.0),
        ("SUM([none])", None),
    ],
)
def test_the_value_of_an_expression(expression, want):
    assert value(expression, VALUES) == want


@pytest.mark.parametrize("expression", ["ANOMALY_DETECTION_BAND(errors)", "nobody + 1", "errors +", "errors.real"])
def test_an_expression_that_is_not_understood(expression):
    with pytest.raises(ExpressionError):
        value(expression, VALUES)
