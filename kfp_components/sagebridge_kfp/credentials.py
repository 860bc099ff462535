"""What AWS answers to a step whose credentials are missing, not whole, or not enough."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import ClientError, NoCredentialsError, PartialCredentialsError

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html (a HEAD has the status alone)
_DENIED: Final = frozenset(
    {
        "403",
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)

REMEDY: Final = "give the service account of the pipeline's steps a role (IRSA or EKS Pod Identity) that allows"


def is_denied(error: Exception) -> bool:
    """Whether other credentials, or more rights, would help."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in _DENIED
    return isinstance(error, NoCredentialsError | PartialCredentialsError)
