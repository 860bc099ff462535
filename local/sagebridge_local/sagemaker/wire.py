"""AWS's JSON 1.1 protocol: replies and the facts that a request's headers carry."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = b"application/x-amz-json-1.1"
DEFAULT_REGION: Final = "us-east-1"
_MODELLED_ERRORS: Final = frozenset(
    {errors.RESOURCE_IN_USE, errors.RESOURCE_NOT_FOUND, errors.RESOURCE_LIMIT_EXCEEDED, "ConflictException"}
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP status and a JSON body, and the error's code when it is one."""

    status: int
    body: bytes
    code: str = ""


@dataclass(frozen=True, slots=True)
class Credential:
    """The access key and the region of a SigV4 credential scope."""

    access_key: str
    region: str


def dump(payload: Mapping[str, Any]) -> bytes:
    """Encode a reply. Timestamps are plain numbers of seconds in this protocol."""
    return json.dumps(payload, separators=(",", ":")).encode()


def instant(seconds: float) -> float:
    """A timestamp as the service writes it: seconds since the epoch, to the millisecond."""
    return round(seconds, 3)


def success(payload: Mapping[str, Any] | bytes) -> Reply:
    """A reply of HTTP 200."""
    return Reply(status=200, body=payload if isinstance(payload, bytes) else dump(payload))


def failure(error: errors.ServiceError) -> Reply:
    """An error reply; errors that the model declares spell the member `Message`, as their shapes do."""
    member = "Message" if error.code in _MODELLED_ERRORS else "message"
    return Reply(status=error.status, body=dump({"__type": error.code, member: error.message}), code=error.code)


def parse(body: bytes) -> dict[str, Any]:
    """Decode a request; a member that is null counts as absent.

    Raises:
        ServiceError: SerializationException when the body is not a JSON object.
    """
    try:
        request = json.loads(body or b"{}", object_hook=_present if b"null" in body else None)
    except ValueError as error:
        raise errors.serialization("Could not parse the request body as JSON") from error
    if not isinstance(request, dict):
        raise errors.serialization("The request body must be a JSON object")
    return request


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def credential(authorization: str) -> Credential:
    """Read the credential scope of an Authorization header; the signature is not checked.

    Raises:
        ServiceError: MissingAuthenticationTokenException (HTTP 403) when there is no scope.
    """
    _, found, rest = authorization.partition("Credential=")
    parts = rest.split(",", 1)[0].split("/")
    if not found or len(parts) != 5:
        raise errors.ServiceError(errors.MISSING_AUTHENTICATION, "Missing Authentication Token", status=403)
    return Credential(access_key=parts[0], region=parts[2] or DEFAULT_REGION)


def partition(region: str) -> str:
    """The partition that a region lies in."""
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "us-iso-": "aws-iso", "us-isob-": "aws-iso-b"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")
