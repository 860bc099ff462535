"""What S3 is asked for, where moto does not tell the difference."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import pytest
from sagebridge.core.errors import AwsError
from sagebridge.targets.sagemaker.storage import ContentPlace, exists, put_content

BODY = b"content"
CHECKSUM = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
PLACE = ContentPlace(bucket="b", key="k", expected_owner="111122223333")


class S3:
    """S3's API at the level of one call: what was asked, and what it answers."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    async def __call__(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, request))
        answer = self.answers.get(operation, {})
        if isinstance(answer, str):
            raise AwsError(code=answer, message="x", operation=operation, http_status=400)
        return dict(answer)


async def test_a_new_object_is_put_only_if_it_is_new() -> None:
    s3 = S3(HeadObject="404")
    await put_content(s3, PLACE, BODY)
    assert s3.asked[1] == (
        "PutObject",
        {
            "Bucket": "b",
            "Key": "k",
            "ExpectedBucketOwner": "111122223333",
            "Body": BODY,
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": CHECKSUM,
            "IfNoneMatch": "*",
        },
    )


async def test_somebody_else_being_faster_is_success() -> None:
    await put_content(S3(HeadObject="404", PutObject="PreconditionFailed"), PLACE, BODY)


async def test_without_the_right_to_list_absence_looks_like_refusal() -> None:
    s3 = S3(HeadObject="403")
    await put_content(s3, PLACE, BODY)
    assert [operation for operation, _ in s3.asked] == ["HeadObject", "PutObject"]


async def test_being_refused_is_told() -> None:
    with pytest.raises(AwsError, match="AccessDenied"):
        await put_content(S3(HeadObject="403", PutObject="AccessDenied"), PLACE, BODY)


@pytest.mark.parametrize("code", ["SlowDown", "ConnectionError", "NoSuchBucket"])
async def test_not_knowing_is_not_absence(code: str) -> None:
    s3 = S3(HeadObject=code)
    with pytest.raises(AwsError, match=code):
        await put_content(s3, PLACE, BODY)
    assert len(s3.asked) == 1


async def test_whole_content_is_left_alone() -> None:
    s3 = S3(HeadObject={"ContentLength": len(BODY), "ChecksumSHA256": CHECKSUM})
    await put_content(s3, PLACE, BODY)
    assert len(s3.asked) == 1


@pytest.mark.parametrize(
    "found",
    [
        {"ContentLength": len(BODY), "ChecksumSHA256": "other"},
        {"ContentLength": 0, "ChecksumSHA256": CHECKSUM},
        {"ContentLength": len(BODY)},
    ],
    ids=["other content", "cut", "no checksum to go by"],
)
async def test_anything_else_is_replaced(found: dict[str, Any]) -> None:
    s3 = S3(HeadObject=found)
    await put_content(s3, PLACE, BODY)
    assert "IfNoneMatch" not in s3.asked[1][1]


async def test_existence_needs_an_answer() -> None:
    assert await exists(S3(HeadObject={"ContentLength": 1}), PLACE)
    assert not await exists(S3(HeadObject="404"), PLACE)
    with pytest.raises(AwsError):
        await exists(S3(HeadObject="403"), PLACE)
