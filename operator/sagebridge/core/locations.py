"""Places on S3 as users write them: read strictly, so that what a check saw is what AWS and its clients will use.

S3's keys are opaque: ``..`` is two dots and ``%2F`` three letters. But clients, and the file systems that data lands
on, are not so strict. Where a tenant is limited to prefixes, a place that two readers could read differently is
refused.

Sources:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-bucket-intro.html (web addresses, access points)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html (S3Uri may begin with https)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_S3_URI: Final = re.compile(r"s3[an]?://", re.IGNORECASE)
_S3_ARN: Final = re.compile(r"arn:[^:]*:s3(?:-[a-z-]+)?:", re.IGNORECASE)
_WEB_ADDRESS: Final = re.compile(r"https?://", re.IGNORECASE)
_S3_HOST: Final = re.compile(r"https?://[^/]*\bs3[^/]*\.amazonaws\.com", re.IGNORECASE)
# Members of SageMaker's API that hold a place on S3: s3Uri, s3OutputPath, manifestS3Uri, modelDataUrl, sourceUri ...
_S3_FIELD: Final = re.compile(r"(?:s3\w*(?:uri|path|url)|modeldataurl|sagemaker_submit_directory)$", re.IGNORECASE)
# SageMaker adds a slash and the job's name here, so a prefix without a slash at the end means what it says.
_OUTPUT_FIELD: Final = re.compile(r"output\w*$", re.IGNORECASE)
_ENCODED: Final = re.compile(r"%(?:2e|2f|5c|00)", re.IGNORECASE)
_UNPRINTABLE: Final = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Location:
    """A place on S3 that a field names.

    Attributes:
        text: as it was written.
        field: the path of the field.
        bucket: the bucket; empty when there is a problem.
        key: what follows, without the slash between.
        problem: why it can't be told what place is meant, and what to write instead; empty when it can.
    """

    text: str
    field: str
    bucket: str = ""
    key: str = ""
    problem: str = ""

    def is_under(self, prefix: str) -> bool:
        """Whether it is inside ``s3://bucket[/prefix]``, which ends at a slash whether it is written or not."""
        bucket, key = _split(prefix)
        if self.bucket != bucket:
            return False
        if not key or self.key.startswith(f"{key}/"):
            return True
        return self.key == key and _OUTPUT_FIELD.search(self.field) is not None

    def is_prefix_itself(self, prefix: str) -> bool:
        """Whether it is ``s3://bucket/prefix`` without the slash, which S3 takes for a prefix of other names too."""
        return (self.bucket, self.key) == _split(prefix)


def location_of(text: str, *, field: str) -> Location | None:
    """Read a string as a place on S3.

    Args:
        text: the string.
        field: the path of its field; in a field for S3 everything is read as a place.

    Returns:
        The place, perhaps with a problem; None when the string is none.
    """
    if _S3_URI.match(text.lstrip()):
        return _read_uri(text, field=field)
    if _S3_ARN.match(text.lstrip()) or _S3_HOST.match(text.lstrip()):
        return Location(text=text, field=field, problem="write the place as s3://BUCKET/KEY.")
    if _S3_FIELD.search(field) and not _is_inside_container(text, field=field):
        return Location(text=text, field=field, problem="this is no place on S3: write it as s3://BUCKET/KEY.")
    return None


def _is_inside_container(text: str, *, field: str) -> bool:
    """Script mode may name a directory of the container, where no one else's data is."""
    return field.lower().endswith("sagemaker_submit_directory") and not _WEB_ADDRESS.match(text)


def _read_uri(text: str, *, field: str) -> Location:
    if not text.startswith("s3://"):
        return Location(text=text, field=field, problem="a place on S3 begins with s3:// in small letters.")
    bucket, key = _split(text)
    if not _BUCKET.fullmatch(bucket):
        return Location(text=text, field=field, problem="the name of the bucket is not valid: write s3://BUCKET/KEY.")
    if problem := _problem_of_key(key):
        return Location(text=text, field=field, problem=problem)
    return Location(text=text, field=field, bucket=bucket, key=key)


def _problem_of_key(key: str) -> str:
    segments = key.removesuffix("/").split("/")
    if ".." in segments or "." in segments:
        return "the path must not have the segments . or .."
    if key and "" in segments:
        return "the path must not have two slashes in a row."
    if _ENCODED.search(key):
        return "the path must not have encoded dots or slashes: write the key as it is."
    if _UNPRINTABLE.search(key):
        return "the path must not have spaces, backslashes or control characters."
    return ""


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
