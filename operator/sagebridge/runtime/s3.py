"""The runtime's only way to AWS, which is S3 for the most part."""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import boto3
import botocore.session
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge.runtime.aws_errors import as_failures
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.streams import Produced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from mypy_boto3_s3.client import S3Client

    from sagebridge.runtime.cancellation import CancelToken


@dataclass(frozen=True, kw_only=True, slots=True)
class S3Location:
    """A bucket, and a key or a key prefix in it."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> S3Location:
        """Read an s3:// URI.

        Raises:
            RunFailedError: it is none.
        """
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not bucket:
            raise RunFailedError.client(f"{uri!r} is not an S3 URI: write s3://bucket/key")
        return cls(bucket=bucket, key=key)

    @property
    def uri(self) -> str:
        """The s3:// URI."""
        return f"s3://{self.bucket}/{self.key}"

    def join(self, name: str) -> S3Location:
        """A key below this one, with exactly one slash between the two."""
        return S3Location(bucket=self.bucket, key=f"{self.key.rstrip('/')}/{name}".lstrip("/"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Credentials:
    """Keys that were handed to us."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """Where AWS is, and who we are there; hashable, so that clients are shared.

    Attributes:
        region: The region.
        endpoint_url: Where all services are; None for AWS's own endpoints, or those of AWS_ENDPOINT_URL*.
        credentials: Our keys; None for those that boto3 finds by itself (IRSA, Pod Identity, an instance's role), which
            it also renews: https://boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html.
    """

    region: str
    endpoint_url: str | None = None
    credentials: Credentials | None = None

    @classmethod
    def of(cls, *, endpoint_url: str, region: str, credentials: Mapping[str, str]) -> Connection:
        """From AWS_* variables; without them, the dummy credentials of local mode."""
        return cls(
            endpoint_url=endpoint_url,
            region=region,
            credentials=Credentials(
                access_key_id=credentials.get("AWS_ACCESS_KEY_ID", "local"),
                secret_access_key=credentials.get("AWS_SECRET_ACCESS_KEY", "local"),
                session_token=credentials.get("AWS_SESSION_TOKEN"),
            ),
        )

    def variables(self) -> dict[str, str]:
        """The same as AWS_* variables, for the script."""
        variables = {"AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}
        if self.endpoint_url:
            variables["AWS_ENDPOINT_URL"] = self.endpoint_url
        if self.credentials is None:
            return variables
        token = {"AWS_SESSION_TOKEN": self.credentials.session_token} if self.credentials.session_token else {}
        return (
            token
            | variables
            | {
                "AWS_ACCESS_KEY_ID": self.credentials.access_key_id,
                "AWS_SECRET_ACCESS_KEY": self.credentials.secret_access_key,
                "AWS_EC2_METADATA_DISABLED": "true",
            }
        )


_NO_USER_CONFIGURATION: Final[dict[str, tuple[None, list[str], str | None, None]]] = {
    "profile": (None, [], None, None),
    "config_file": (None, [], os.devnull, None),
    "credentials_file": (None, [], os.devnull, None),
}


@functools.lru_cache(maxsize=64)
def client(connection: Connection, service: str) -> Any:
    """The shared, thread-safe client of a service.

    Raises:
        botocore.exceptions.BotoCoreError: boto3 can't find our keys.
    """
    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        max_pool_connections=32,
        # Stand-ins for S3 rarely have a host name for each bucket; S3 itself needs one for buckets in new regions.
        s3={"addressing_style": "path" if connection.endpoint_url else "auto"},
        connect_timeout=5,
        read_timeout=60,
    )
    session = _session(connection)
    return session.client(cast("Any", service), endpoint_url=connection.endpoint_url, config=config)


def _session(connection: Connection) -> boto3.Session:
    # Sessions are not thread-safe, so that each client has its own.
    if connection.credentials is None:
        return boto3.Session(region_name=connection.region)
    # This one never reads the user's own configuration.
    return boto3.Session(
        botocore_session=botocore.session.Session(session_vars=_NO_USER_CONFIGURATION),
        aws_access_key_id=connection.credentials.access_key_id,
        aws_secret_access_key=connection.credentials.secret_access_key,
        aws_session_token=connection.credentials.session_token,
        region_name=connection.region,
    )


_PART_BYTES: Final = 8 << 20
_PARTS: Final = 9_000
_PARTS_AT_A_TIME: Final = 4


class Storage:
    """S3 for one run. All methods block; errors of S3 become the FailureReason that SageMaker would give."""

    def __init__(self, connection: Connection, *, token: CancelToken) -> None:
        """Connect.

        Raises:
            RunFailedError: boto3 can't find our keys.
        """
        with as_failures("the credentials"):
            self._client: S3Client = cast("S3Client", client(connection, "s3"))
        self._token = token

    def check(self) -> None:
        """End the work here if nobody waits for it any more.

        Raises:
            TransferCancelledError: nobody does.
        """
        self._token.check()

    def keys(self, prefix: S3Location, *, before: datetime | None = None) -> list[str]:
        """All keys with that prefix in S3's order, without the markers of folders (keys that end in a slash).

        Args:
            prefix: Of the keys.
            before: What was written later by S3's clock is left out; None for all there is.

        Raises:
            RunFailedError: S3 refused.
        """
        found: list[str] = []
        with as_failures(f"s3:ListBucket on {prefix.uri}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key):
                self._token.check()
                found += [
                    item["Key"]
                    for item in page.get("Contents", ())
                    if not item["Key"].endswith("/") and (before is None or item["LastModified"] <= before)
                ]
        return found

    def read(self, location: S3Location) -> bytes:
        """An object's content, whole.

        Raises:
            RunFailedError: S3 refused.
        """
        with as_failures(location.uri):
            return self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()

    def open(self, location: S3Location) -> BinaryIO:
        """An object's content as a stream.

        Raises:
            RunFailedError: S3 refused.
        """
        with as_failures(location.uri):
            return cast("BinaryIO", self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"])

    def size(self, location: S3Location) -> int:
        """How many bytes an object has.

        Raises:
            RunFailedError: S3 refused.
        """
        with as_failures(location.uri):
            return self._client.head_object(Bucket=location.bucket, Key=location.key)["ContentLength"]

    def download(self, location: S3Location, path: Path) -> None:
        """Copy an object to a file, whose directory is made.

        Raises:
            RunFailedError: S3 refused.
            TransferCancelledError: the run has ended meanwhile.
        """
        self._token.check()
        path.parent.mkdir(parents=True, exist_ok=True)
        with as_failures(location.uri):
            self._client.download_file(location.bucket, location.key, str(path), Callback=self._progress)

    def upload(self, path: Path, location: S3Location, *, kms_key_id: str | None = None) -> None:
        """Copy a file to an object.

        Raises:
            RunFailedError: S3 refused.
        """
        with as_failures(location.uri, doing="upload"):
            self._client.upload_file(str(path), location.bucket, location.key, ExtraArgs=_encryption(kms_key_id))

    def upload_produced(
        self,
        write: Callable[[BinaryIO], None],
        location: S3Location,
        *,
        size_hint: int,
        kms_key_id: str | None = None,
    ) -> None:
        """Copy what a function writes to an object, while it is written; nothing of it lies on a disk.

        Args:
            write: Writes the content, in a thread of its own.
            location: Where to.
            size_hint: About how many bytes there will be, for the size of the parts.
            kms_key_id: The key that encrypts it.

        Raises:
            RunFailedError: S3 refused.
            Exception: what `write` raised; then there is no object.
        """
        with as_failures(location.uri, doing="upload"), Produced(write) as content:
            self._client.upload_fileobj(
                cast("BinaryIO", content),
                location.bucket,
                location.key,
                ExtraArgs=_encryption(kms_key_id),
                Config=_in_parts(size_hint),
            )

    def write(self, content: bytes, location: S3Location, *, kms_key_id: str | None = None) -> None:
        """Make an object of some bytes.

        Raises:
            RunFailedError: S3 refused.
        """
        with as_failures(location.uri, doing="upload"):
            self._client.put_object(Bucket=location.bucket, Key=location.key, Body=content, **_encryption(kms_key_id))

    def check_writable(self, prefix: S3Location, *, kms_key_id: str | None = None) -> None:
        """See whether objects below a prefix can be written, and leave none: an upload is begun, and abandoned.

        That needs the permissions of a PutObject, and what is abandoned is no object, also where versions are kept.
        Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html

        Raises:
            RunFailedError: S3 refused.
        """
        key = f"{prefix.key}.writable"
        with as_failures(prefix.uri, doing="upload"):
            upload = self._client.create_multipart_upload(Bucket=prefix.bucket, Key=key, **_encryption(kms_key_id))
        with contextlib.suppress(ClientError, BotoCoreError):
            self._client.abort_multipart_upload(Bucket=prefix.bucket, Key=key, UploadId=upload["UploadId"])

    def delete(self, location: S3Location) -> None:
        """Remove an object.

        Raises:
            RunFailedError: S3 refused.
        """
        with as_failures(location.uri, doing="upload"):
            self._client.delete_object(Bucket=location.bucket, Key=location.key)

    def _progress(self, _bytes: int) -> None:
        self._token.check()


def _encryption(kms_key_id: str | None) -> dict[str, Any]:
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}


def _in_parts(size_hint: int) -> TransferConfig:
    """How content without a length is sent: few parts at a time, for each is in memory, and never more than S3 takes.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html (10,000 parts)
    """
    part = max(_PART_BYTES, -(-size_hint // _PARTS))
    config = TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=_PARTS_AT_A_TIME)
    config.max_in_memory_upload_chunks = _PARTS_AT_A_TIME
    return config


def chunks(stream: BinaryIO, *, size: int = 1 << 20) -> Iterator[bytes]:
    """What a stream holds, piece by piece."""
    while piece := stream.read(size):
        yield piece
