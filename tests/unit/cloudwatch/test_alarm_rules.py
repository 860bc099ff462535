"""The rules of composite alarms."""

import pytest
from sagebridge_local.sagemaker.cloudwatch.rules import RuleError, holds

STATES = {"errors": "ALARM", "latency": "OK", "with spaces": "INSUFFICIENT_DATA"}


@pytest.mark.parametrize(
    ("rule", "want"),
    [
        ("ALARM(errors)", True),
        ('ALARM("errors")', True),
        ("ALARM('latency')", False),
        ("ALARM(errors) AND ALARM(latency)", False),
        ("ALARM(errors) AND NOT ALARM(latency)", True),
        ("ALARM(latency) OR ALARM(errors)", True),
        ("ALARM(latency) AND ALARM(errors) OR OK(latency)", True),
        ("ALARM(latency) AND (ALARM(errors) OR OK(latency))", False),
        ('INSUFFICIENT_DATA("with spaces")', True),
        ("ALARM(arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors)", True),
        ("ALARM(nobody)", False),
        ("TRUE", True),
        ("NOT TRUE OR FALSE", False),
    ],
)
def test_a_rule_holds(rule, want):
    assert holds(rule, state_of=STATES.get) is want


@pytest.mark.parametrize("rule", ["", "ALARM(errors", "ALARM(errors) ALARM(latency)", "AND", "(TRUE", "RED(errors)"])
def test_a_rule_that_can_not_be_read(rule):
    with pytest.raises(RuleError):
        holds(rule, state_of=STATES.get)
