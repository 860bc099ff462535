"""Opaque page tokens that are recognised as ours, and as belonging to the same query."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIGEST_BYTES: Final = 12
_FREE: Final = frozenset({"NextToken", "MaxResults"})


def encode(position: list[Any], *, request: Mapping[str, Any]) -> str:
    """Make the token that continues after `position` for the same query."""
    content = json.dumps(position, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_digest(content, request) + content).decode()


def decode(token: str, *, request: Mapping[str, Any]) -> list[Any]:
    """Read a token back.

    Raises:
        ServiceError: ValidationException for a token that was not made for this query.
    """
    try:
        raw = base64.urlsafe_b64decode(token.encode())
    except ValueError as error:
        raise _invalid() from error
    digest, content = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
    if digest != _digest(content, request):
        raise _invalid()
    position: list[Any] = json.loads(content)
    return position


def _digest(content: bytes, request: Mapping[str, Any]) -> bytes:
    query = sorted((key, str(value)) for key, value in request.items() if key not in _FREE)
    return hashlib.blake2b(content + repr(query).encode(), digest_size=_DIGEST_BYTES).digest()


def _invalid() -> errors.ServiceError:
    return errors.validation("The NextToken provided is invalid. Use the token of the previous page of the same query.")
