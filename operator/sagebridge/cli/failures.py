"""What a failed call to AWS means to the person at the terminal."""

from __future__ import annotations

from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from sagebridge.core.errors import EXPIRED_CODES, is_throttle

_REFUSED_CODES: Final = EXPIRED_CODES | {
    "AccessDenied",
    "AccessDeniedException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}
_CREDENTIALS_ERRORS: Final = (
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)


def is_about_credentials(error: ClientError | BotoCoreError) -> bool:
    """Tell whether other credentials would help: there are none, they have run out, or they may not do this."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"] in _REFUSED_CODES
    return isinstance(error, _CREDENTIALS_ERRORS)


def passes_by_itself(error: ClientError) -> bool:
    """Tell whether AWS throttles, or has a fault of its own (5xx)."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or is_throttle(error.response["Error"]["Code"], status)
