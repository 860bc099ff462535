"""Whom a job's FailureReason blames."""

from dataclasses import dataclass

import pytest
from sagebridge.core.job_failure import JobFailure, failure_class


@dataclass(frozen=True)
class Case:
    reason: str
    text: str | None
    want: JobFailure


CASES = [
    Case(
        "no capacity",
        "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different type.",
        JobFailure.CAPACITY_ERROR,
    ),
    Case(
        "no capacity, without the word",
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
        JobFailure.CAPACITY_ERROR,
    ),
    Case(
        "AWS's own fault",
        "InternalServerError: We encountered an internal error. Please try again.",
        JobFailure.INTERNAL_SERVER_ERROR,
    ),
    Case(
        "AWS's own fault, without the word",
        "We encountered an internal error. Please try again.",
        JobFailure.INTERNAL_SERVER_ERROR,
    ),
    Case("the words in pieces", "Internal Server Error: try again", JobFailure.INTERNAL_SERVER_ERROR),
    Case("the script", "AlgorithmError: ExecuteUserScriptError:\nExitCode 1", JobFailure.ALGORITHM_ERROR),
    Case("the data", "ClientError: Data download failed: no objects", JobFailure.CLIENT_ERROR),
    Case("a quota", "ResourceLimitExceeded: The account-level service limit", JobFailure.RESOURCE_LIMIT_EXCEEDED),
    Case(
        "a script that wants to be retried for AWS's sake",
        "AlgorithmError: CapacityError: InternalServerError: please",
        JobFailure.ALGORITHM_ERROR,
    ),
    Case("a script's text that begins otherwise", "the model: CapacityError: x", JobFailure.UNKNOWN),
    Case("nothing", "", JobFailure.UNKNOWN),
    Case("no reason", None, JobFailure.UNKNOWN),
    Case("a word without a colon", "CapacityError", JobFailure.UNKNOWN),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_failure_class(case: Case) -> None:
    assert failure_class(case.text) is case.want


def test_the_names_are_those_that_manifests_use() -> None:
    assert {"CapacityError", "InternalServerError"} <= {str(failure) for failure in JobFailure}
