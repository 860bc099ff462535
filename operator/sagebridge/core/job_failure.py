"""What a failed job blames.

Sources:
    https://github.com/DIAGNijmegen/rse-grand-challenge/issues/2631 (FailureReason "CapacityError: Unable to ...")
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (FailureReason)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryStrategy.html
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class JobFailure(StrEnum):
    """What a job's FailureReason blames, as ``runPolicy.retry.errors`` names it.

    SageMaker writes the class before the first colon of FailureReason.
    """

    CAPACITY_ERROR = "CapacityError"
    INTERNAL_SERVER_ERROR = "InternalServerError"
    ALGORITHM_ERROR = "AlgorithmError"
    CLIENT_ERROR = "ClientError"
    RESOURCE_LIMIT_EXCEEDED = "ResourceLimitExceeded"
    INTERRUPTED = "Interrupted"
    """The cluster took a node or a pod away; no word of SageMaker's, and always tried again."""
    UNKNOWN = "Unknown"


_FAILURE_PREFIXES: Final = {
    "capacityerror": JobFailure.CAPACITY_ERROR,
    "insufficientcapacityerror": JobFailure.CAPACITY_ERROR,
    "insufficientinstancecapacity": JobFailure.CAPACITY_ERROR,
    "internalservererror": JobFailure.INTERNAL_SERVER_ERROR,
    "internalerror": JobFailure.INTERNAL_SERVER_ERROR,
    "algorithmerror": JobFailure.ALGORITHM_ERROR,
    "clienterror": JobFailure.CLIENT_ERROR,
    "customererror": JobFailure.CLIENT_ERROR,
    "resourcelimitexceeded": JobFailure.RESOURCE_LIMIT_EXCEEDED,
    "interrupted": JobFailure.INTERRUPTED,
}
_NO_CAPACITY_TEXT: Final = re.compile(r"^unable to provision requested ml compute capacity", re.IGNORECASE)
_INTERNAL_TEXT: Final = re.compile(r"^(?:we encountered an internal error|internal server error)", re.IGNORECASE)


def failure_class(failure_reason: str | None) -> JobFailure:
    """Name what a failed job's FailureReason blames.

    Only the beginning counts: the rest of the text can come from the user's own script, which must not be able to
    have its failures retried as if AWS had caused them.

    Args:
        failure_reason: Describe's FailureReason; None or empty is UNKNOWN.
    """
    text = (failure_reason or "").strip()
    prefix, colon, _ = text.partition(":")
    if colon and (found := _FAILURE_PREFIXES.get(prefix.strip().replace(" ", "").lower())):
        return found
    if _NO_CAPACITY_TEXT.match(text):
        return JobFailure.CAPACITY_ERROR
    return JobFailure.INTERNAL_SERVER_ERROR if _INTERNAL_TEXT.match(text) else JobFailure.UNKNOWN
