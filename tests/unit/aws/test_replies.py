"""Which operations write, and what messages may say."""

import pytest
from sagebridge.targets.sagemaker.replies import is_write, without_values


@pytest.mark.parametrize(
    ("operation", "want"),
    [
        ("DescribeTrainingJob", False),
        ("ListTrainingJobs", False),
        ("ListTags", False),
        ("GetCallerIdentity", False),
        ("HeadObject", False),
        ("GetObject", False),
        ("BatchDescribeModelPackage", False),
        ("Search", False),
        ("CreateTrainingJob", True),
        ("StopTrainingJob", True),
        ("DeleteTrainingJob", True),
        ("UpdateEndpoint", True),
        ("AddTags", True),
        ("DeleteTags", True),
        ("PutObject", True),
        ("AnythingNew", True),
    ],
)
def test_what_is_not_known_to_read_writes(operation: str, want: bool) -> None:
    assert is_write(operation) is want


@pytest.mark.parametrize(
    ("message", "want"),
    [
        (
            "Value '{A=secret, B=it's}' at 'environment' failed to satisfy constraint: Map value must be short",
            "Value (not shown) at 'environment' failed to satisfy constraint: Map value must be short",
        ),
        (
            "Value 'secret' at 'hyperParameters.token' failed; Value 'ml.x' at 'resourceConfig.instanceType' failed",
            "Value (not shown) at 'hyperParameters.token' failed; Value 'ml.x' at 'resourceConfig.instanceType' failed",
        ),
        (
            "Value 'ml.x' at 'resourceConfig.instanceType' failed; Value '{A=secret}' at 'environment' failed",
            "Value 'ml.x' at 'resourceConfig.instanceType' failed; Value (not shown) at 'environment' failed",
        ),
        (
            "Invalid type for parameter Environment.A, value: secret, type: <class 'int'>, valid types: <class 'str'>",
            "Invalid type for parameter Environment.A, type: <class 'int'>, valid types: <class 'str'>",
        ),
        ("Rate exceeded", "Rate exceeded"),
    ],
)
def test_private_values_are_taken_out(message: str, want: str) -> None:
    assert without_values(message) == want


def test_a_long_message_is_cut() -> None:
    assert len(without_values("x" * 10_000)) == 1500
