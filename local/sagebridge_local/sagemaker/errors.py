"""The errors that the service answers with, in AWS's codes and words."""

from __future__ import annotations

from typing import Final

VALIDATION: Final = "ValidationException"
SERIALIZATION: Final = "SerializationException"
THROTTLING: Final = "ThrottlingException"
RESOURCE_IN_USE: Final = "ResourceInUse"
RESOURCE_NOT_FOUND: Final = "ResourceNotFound"
RESOURCE_LIMIT_EXCEEDED: Final = "ResourceLimitExceeded"
ACCESS_DENIED: Final = "AccessDeniedException"
INTERNAL_FAILURE: Final = "InternalFailure"
UNKNOWN_OPERATION: Final = "UnknownOperationException"
MISSING_AUTHENTICATION: Final = "MissingAuthenticationTokenException"


class ServiceError(Exception):
    """A reply that is an error: AWS's code, its message and the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> ServiceError:
    """A request that AWS refuses with ValidationException (HTTP 400)."""
    return ServiceError(VALIDATION, message)


def serialization(message: str) -> ServiceError:
    """A request whose JSON types do not fit the model (HTTP 400)."""
    return ServiceError(SERIALIZATION, message)


def throttled() -> ServiceError:
    """A request above the operation's rate: https://github.com/aws/sagemaker-python-sdk/issues/645 (HTTP 400)."""
    return ServiceError(THROTTLING, "Rate exceeded")
