"""Packed source code in S3, under keys that name its content.

A key that holds the hash of the content is written once and never changed: whoever finds it there, and whole, need not
write it. What lies there with another content was put there by somebody else, and is replaced.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html (If-None-Match)
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html (ExpectedBucketOwner)
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sagebridge.core.errors import AwsError, ErrorClass

S3Call = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any]]]
MAY_BE_ABSENT: Final = frozenset({"403", "AccessDenied", "Forbidden"})
"""Without s3:ListBucket, S3 answers 403 instead of 404 for a key that isn't there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ContentPlace:
    """Where an object lies in S3.

    Attributes:
        bucket: the bucket's name.
        key: the key.
        kms_key_id: the key to encrypt it with; None for the bucket's own setting.
        expected_owner: the account that must own the bucket, so that a bucket of the same name made by somebody else
            is refused; None not to check.
    """

    bucket: str
    key: str
    kms_key_id: str | None = None
    expected_owner: str | None = None

    @property
    def request(self) -> dict[str, Any]:
        """The members that every request about it has."""
        request = {"Bucket": self.bucket, "Key": self.key}
        return request | ({"ExpectedBucketOwner": self.expected_owner} if self.expected_owner else {})


async def put_content(call: S3Call, place: ContentPlace, body: bytes) -> None:
    """Put an object whose key names its content, unless it is there and whole.

    Args:
        call: makes one S3 call.
        place: where to.
        body: the content.

    Raises:
        AwsError: S3 refused, or can't be reached.
    """
    checksum = base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")
    found = await _find(call, place)
    if found is not None and _is_whole(found, size=len(body), checksum=checksum):
        return
    request = place.request | {"Body": body, "ChecksumAlgorithm": "SHA256", "ChecksumSHA256": checksum}
    if place.kms_key_id:
        request |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": place.kms_key_id}
    if found is None:
        request["IfNoneMatch"] = "*"
    try:
        await call("PutObject", request)
    except AwsError as error:
        # Somebody else put the same content there in the meantime.
        if found is not None or error.error_class is not ErrorClass.CONFLICT:
            raise


async def exists(call: S3Call, place: ContentPlace) -> bool:
    """Whether an object can be seen.

    Raises:
        AwsError: S3 can't tell, or doesn't want to.
    """
    try:
        await call("HeadObject", place.request)
    except AwsError as error:
        if error.error_class is ErrorClass.NOT_FOUND:
            return False
        raise
    return True


async def _find(call: S3Call, place: ContentPlace) -> dict[str, Any] | None:
    try:
        return await call("HeadObject", place.request | {"ChecksumMode": "ENABLED"})
    except AwsError as error:
        if error.error_class is ErrorClass.NOT_FOUND or error.code in MAY_BE_ABSENT:
            return None
        raise


def _is_whole(found: Mapping[str, Any], *, size: int, checksum: str) -> bool:
    return found.get("ContentLength") == size and found.get("ChecksumSHA256") == checksum
