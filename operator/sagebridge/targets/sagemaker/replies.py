"""What comes back from the SDK, made into `AwsError` or found whole.

The SDK raises from three families: ClientError for what AWS refused, BotoCoreError for what never got an answer, and
bare Python exceptions when a reply's body isn't what the service model says. Only one leaves the gateway.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from botocore import exceptions as sdk
from botocore.client import BaseClient
from botocore.parsers import ResponseParserError

from sagebridge.core.errors import (
    CONNECTION_ERROR,
    INVALID_REQUEST,
    MALFORMED_REPLY,
    NO_CREDENTIALS,
    TIMEOUT,
    AwsError,
)
from sagebridge.targets.sagemaker import instance_types

_READ_PREFIXES: Final = ("Describe", "List", "Get", "Head", "Search", "BatchDescribe", "BatchGet")
# Values that a user may have put there trusting that nobody sees them.
_PRIVATE_VALUE: Final = re.compile(
    r"Value '(?:(?!Value ').)*?' at '((?:environment|hyperParameters|staticHyperParameters)\b[^']*)'",
    re.IGNORECASE | re.DOTALL,
)
_PARAMETER_VALUE: Final = re.compile(r", value: .*?(, (?:type|valid))", re.DOTALL)
_LONGEST_MESSAGE: Final = 1500

_UNANSWERED: Final = (
    (
        (
            sdk.NoCredentialsError,
            sdk.PartialCredentialsError,
            sdk.CredentialRetrievalError,
            sdk.ProfileNotFound,
            sdk.NoAuthTokenError,
            sdk.TokenRetrievalError,
            sdk.SSOError,
        ),
        NO_CREDENTIALS,
    ),
    ((sdk.ReadTimeoutError, sdk.ConnectTimeoutError), TIMEOUT),
    ((sdk.HTTPClientError, sdk.ConnectionError), CONNECTION_ERROR),
    ((ResponseParserError, sdk.IncompleteReadError, sdk.FlexibleChecksumError), MALFORMED_REPLY),
)


def is_write(operation: str) -> bool:
    """Whether an operation changes something at AWS."""
    return not operation.startswith(_READ_PREFIXES)


def to_aws_error(error: Exception, *, operation: str) -> AwsError:
    """Translate whatever the SDK raised.

    Args:
        error: what was raised while calling or parsing.
        operation: the operation that was asked for; a failed AssumeRole before it is reported under its own name.
    """
    if isinstance(error, AwsError):
        return error
    if isinstance(error, sdk.ClientError):
        return _refused(error, operation=operation)
    for types, code in _UNANSWERED:
        if isinstance(error, types):
            return AwsError(code=code, message=_unanswered_message(code, error, operation), operation=operation)
    if isinstance(error, sdk.BotoCoreError):
        return AwsError(
            code=INVALID_REQUEST,
            message=without_values(str(error)),
            operation=operation,
        )
    return malformed(operation, f"AWS's reply could not be read ({type(error).__name__})")


def _refused(error: sdk.ClientError, *, operation: str) -> AwsError:
    details = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    code = str(details.get("Code") or status or MALFORMED_REPLY)
    message = without_values(instance_types.in_short(str(details.get("Message") or "AWS gave no message")))
    return AwsError(
        code=code,
        message=message,
        operation=error.operation_name if error.operation_name == "AssumeRole" else operation,
        http_status=status if isinstance(status, int) else None,
    )


def _unanswered_message(code: str, error: Exception, operation: str) -> str:
    if code == NO_CREDENTIALS:
        return "the operator has no AWS credentials that work"
    if code == MALFORMED_REPLY:
        return "AWS's reply could not be read"
    text = "AWS did not answer in time" if code == TIMEOUT else f"AWS can't be reached ({_cause(error)})"
    return f"{text}; whether it was done is not known yet" if is_write(operation) else text


def _cause(error: Exception) -> str:
    """Name the lowest cause in a word or two: socket errors hide several layers deep and hold addresses that vary."""
    inner = getattr(error, "kwargs", {}).get("error") or error.__context__
    text = f"{error} {inner}"
    for sign, cause in (
        ("resolve", "its name does not resolve"),
        ("Name or service", "its name does not resolve"),
        ("refused", "connection refused"),
        ("Connection was closed", "connection closed before a reply"),
        ("reset", "connection reset"),
        ("roxy", "proxy error"),
        ("SSL", "TLS error"),
        ("certificate", "TLS error"),
    ):
        if sign in text:
            return cause
    return type(error).__name__


def malformed(operation: str, message: str) -> AwsError:
    """A reply that came but makes no sense; it passes by itself."""
    if is_write(operation):
        message += "; whether it was done is not known yet"
    return AwsError(code=MALFORMED_REPLY, message=message, operation=operation)


def without_values(message: str) -> str:
    """Take environment values and hyperparameters out of a message, and cut it to a readable length."""
    message = _PRIVATE_VALUE.sub(r"Value (not shown) at '\1'", message)
    message = _PARAMETER_VALUE.sub(r"\1", message)
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"


def required_members(client: BaseClient, operation: str) -> tuple[str, ...]:
    """What every reply to an operation holds, by the service model."""
    shape = client.meta.service_model.operation_model(operation).output_shape
    return tuple(shape.required_members) if shape is not None else ()


def checked(reply: Mapping[str, Any], *, operation: str, required: tuple[str, ...]) -> dict[str, Any]:
    """Find a reply whole, and take out what the SDK added.

    Raises:
        AwsError: a member that AWS always sends is missing.
    """
    missing = [member for member in required if reply.get(member) is None]
    if missing:
        raise malformed(operation, f"AWS's reply lacks {', '.join(missing)}")
    return {member: value for member, value in reply.items() if member != "ResponseMetadata"}
