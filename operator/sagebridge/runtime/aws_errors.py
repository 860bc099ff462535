"""Errors of S3, in the words of FailureReason."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from boto3.exceptions import Boto3Error, RetriesExceededError, S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as NoConnectionError

from sagebridge.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRANSIENT: Final = (
    NoConnectionError,
    CredentialRetrievalError,  # the Pod Identity agent of a new node may still be starting
    HTTPClientError,
    IncompleteReadError,
    MetadataRetrievalError,
    ReadTimeoutError,
    RetriesExceededError,
)
_FINAL: Final = frozenset({"InvalidBucketName", "KMS.NotFoundException", "NoSuchBucket"})
"""Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""

_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


@contextlib.contextmanager
def as_failures(what: str, *, doing: str = "download") -> Iterator[None]:
    """Turn errors of AWS into failures of the run.

    Args:
        what: What was asked for.
        doing: `download` or `upload`.
    """
    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as error:
        cause = _cause(error)
        message = f"Data {doing} failed: {_message(cause)} ({what})"
        raise RunFailedError.client(message, is_transient=_is_transient(cause), is_final=_is_final(cause)) from error


def _cause(error: Exception) -> Exception:
    """What S3 said, where boto3 has wrapped it into where the file lay."""
    wrapped = isinstance(error, S3UploadFailedError) and isinstance(error.__context__, ClientError | BotoCoreError)
    return error.__context__ if wrapped and isinstance(error.__context__, Exception) else error


def _message(error: Exception) -> str:
    if not isinstance(error, ClientError):
        return str(error)
    detail = error.response.get("Error", {})
    return f"{detail.get('Code', 'Unknown')}: {detail.get('Message', '')}"


def _is_transient(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS
    return isinstance(error, _TRANSIENT)


def _is_final(error: Exception) -> bool:
    """Whether the request names what is not there; permissions, by contrast, take a while to arrive."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code") in _FINAL
    return isinstance(error, ParamValidationError)
