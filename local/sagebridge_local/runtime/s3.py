"""The runtime's only way to S3."""

from __future__ import annotations

import contextlib
import functools
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import boto3
import botocore.session
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge_local.runtime.failures import RunFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_s3.client import S3Client

    from sagebridge_local.runtime.threads import CancelToken


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
class Connection:
    """Where AWS is, and who we are there; hashable, so that clients are shared."""

    endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | None

    @classmethod
    def of(cls, *, endpoint_url: str, region: str, credentials: Mapping[str, str]) -> Connection:
        """From AWS_* variables; without them, the dummy credentials of local mode."""
        return cls(
            endpoint_url=endpoint_url,
            region=region,
            access_key_id=credentials.get("AWS_ACCESS_KEY_ID", "local"),
            secret_access_key=credentials.get("AWS_SECRET_ACCESS_KEY", "local"),
            session_token=credentials.get("AWS_SESSION_TOKEN"),
        )

    def variables(self) -> dict[str, str]:
        """The same as AWS_* variables, for the script."""
        token = {"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {}
        return token | {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


_NO_USER_CONFIGURATION: Final[dict[str, tuple[None, list[str], str | None, None]]] = {
    "profile": (None, [], None, None),
    "config_file": (None, [], os.devnull, None),
    "credentials_file": (None, [], os.devnull, None),
}


@functools.lru_cache(maxsize=64)
def client(connection: Connection, service: str) -> Any:
    """The shared, thread-safe client of a service."""
    # Sessions are not thread-safe; this one also never reads the user's own configuration.
    session = boto3.Session(
        botocore_session=botocore.session.Session(session_vars=_NO_USER_CONFIGURATION),
        aws_access_key_id=connection.access_key_id,
        aws_secret_access_key=connection.secret_access_key,
        aws_session_token=connection.session_token,
        region_name=connection.region,
    )
    config = Config(
        retries={"mode": "standard", "max_attempts": 5},
        max_pool_connections=32,
        s3={"addressing_style": "path"},
        connect_timeout=5,
        read_timeout=60,
    )
    return session.client(cast("Any", service), endpoint_url=connection.endpoint_url, config=config)


def logs_client(connection: Connection) -> CloudWatchLogsClient:
    """The shared, thread-safe client for CloudWatch Logs."""
    return cast("CloudWatchLogsClient", client(connection, "logs"))


class Storage:
    """S3 for one run. All methods block; errors of S3 become the FailureReason that SageMaker would give."""

    def __init__(self, connection: Connection, *, token: CancelToken) -> None:
        self._client: S3Client = cast("S3Client", client(connection, "s3"))
        self._token = token

    def check(self) -> None:
        """End the work here if nobody waits for it any more.

        Raises:
            TransferCancelledError: nobody does.
        """
        self._token.check()

    def keys(self, prefix: S3Location) -> list[str]:
        """All keys with that prefix in S3's order, without the markers of folders (keys that end in a slash).

        Raises:
            RunFailedError: S3 refused.
        """
        found: list[str] = []
        with _failures(f"s3:ListBucket on {prefix.uri}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=prefix.bucket, Prefix=prefix.key):
                self._token.check()
                found += [item["Key"] for item in page.get("Contents", ()) if not item["Key"].endswith("/")]
        return found

    def read(self, location: S3Location) -> bytes:
        """An object's content, whole.

        Raises:
            RunFailedError: S3 refused.
        """
        with _failures(location.uri):
            return self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"].read()

    def open(self, location: S3Location) -> BinaryIO:
        """An object's content as a stream.

        Raises:
            RunFailedError: S3 refused.
        """
        with _failures(location.uri):
            return cast("BinaryIO", self._client.get_object(Bucket=location.bucket, Key=location.key)["Body"])

    def download(self, location: S3Location, path: Path) -> None:
        """Copy an object to a file, whose directory is made.

        Raises:
            RunFailedError: S3 refused.
            TransferCancelledError: the run has ended meanwhile.
        """
        self._token.check()
        path.parent.mkdir(parents=True, exist_ok=True)
        with _failures(location.uri):
            self._client.download_file(location.bucket, location.key, str(path), Callback=self._progress)

    def upload(self, path: Path, location: S3Location, *, kms_key_id: str | None = None) -> None:
        """Copy a file to an object.

        Raises:
            RunFailedError: S3 refused.
        """
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        with _failures(location.uri, doing="upload"):
            self._client.upload_file(str(path), location.bucket, location.key, ExtraArgs=extra)

    def delete(self, location: S3Location) -> None:
        """Remove an object.

        Raises:
            RunFailedError: S3 refused.
        """
        with _failures(location.uri, doing="upload"):
            self._client.delete_object(Bucket=location.bucket, Key=location.key)

    def _progress(self, _bytes: int) -> None:
        self._token.check()


@contextlib.contextmanager
def _failures(what: str, *, doing: str = "download") -> Iterator[None]:
    """Turns errors of S3 into failures of the run."""
    try:
        yield
    except ClientError as error:
        detail = error.response.get("Error", {})
        message = f"{detail.get('Code', 'Unknown')}: {detail.get('Message', '')}"
        raise RunFailedError.client(f"Data {doing} failed: {message} ({what})") from error
    except (BotoCoreError, S3UploadFailedError) as error:
        raise RunFailedError.client(f"Data {doing} failed: {error} ({what})") from error


def chunks(stream: BinaryIO, *, size: int = 1 << 20) -> Iterator[bytes]:
    """What a stream holds, piece by piece."""
    while piece := stream.read(size):
        yield piece
