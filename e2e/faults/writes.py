"""Which requests change something: the boundaries at which an operator can die."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

_CHANGING_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# Beside the point: the Lease is renewed by the clock, and Events are for people.
_UNCOUNTED_RESOURCES = frozenset({"leases", "events"})
_KUBERNETES_PATH = re.compile(
    r"^/(?:api/v1|apis/[^/]+/[^/]+)(?:/namespaces/[^/]+)?/(?P<plural>[a-z]+)(?:/[^/]+(?:/(?P<subresource>[a-z]+))?)?$"
)
_TARGET_PREFIXES = ("SageMaker.", "AnyScaleFrontendService.")
_CHANGING_VERBS = ("Create", "Update", "Stop", "Delete", "AddTags", "Start", "Put", "Register", "Deregister")


def kubernetes_write(method: str, path: str) -> str | None:
    """What a request would change in the API server.

    Args:
        method: HTTP method.
        path: its path; a query is ignored.

    Returns:
        Such as ``PATCH trainingjobs/status``; None for a read, a Lease or an Event.
    """
    if method not in _CHANGING_METHODS:
        return None
    found = _KUBERNETES_PATH.match(urlsplit(path).path)
    if found is None or found["plural"] in _UNCOUNTED_RESOURCES:
        return None
    subresource = f"/{found['subresource']}" if found["subresource"] else ""
    return f"{method} {found['plural']}{subresource}"


def aws_write(method: str, headers: Mapping[str, str]) -> str | None:
    """What a request would change in AWS.

    Args:
        method: HTTP method.
        headers: the request's headers, with names in lower case.

    Returns:
        The operation of SageMaker or Application Auto Scaling, or ``PUT object`` for an upload to S3; None for a read.
    """
    operation = aws_operation(headers)
    if operation is not None:
        return operation if operation.startswith(_CHANGING_VERBS) else None
    is_s3 = "/s3/aws4_request" in headers.get("authorization", "")
    return f"{method} object" if is_s3 and method in ("PUT", "DELETE", "POST") else None


def aws_operation(headers: Mapping[str, str]) -> str | None:
    """The operation of SageMaker or Application Auto Scaling that a request calls; None for another service's."""
    prefix, _, operation = headers.get("x-amz-target", "").partition(".")
    return operation if f"{prefix}." in _TARGET_PREFIXES else None
