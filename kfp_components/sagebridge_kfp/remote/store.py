"""S3, as a step uses it: the only module of it that knows the client."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from sagebridge_kfp.credentials import REMEDY, is_denied
from sagebridge_kfp.step.failure import StepFailedError

T = TypeVar("T")

_UNSEEN: Final = {"403", "404", "AccessDenied", "NoSuchBucket", "NoSuchKey", "NotFound"}


class Store:
    """Objects on S3, by their URIs.

    Args:
        client: boto3's.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    def connect(cls, region: str = "") -> Store:
        """With the credentials of the step: those of its service account, or of its environment.

        Raises:
            StepFailedError: they are no whole ones.
        """
        return cls(_call("S3", lambda: boto3.Session(region_name=region or None).client("s3")))

    def put(self, uri: str, content: bytes) -> None:
        """Write an object.

        Raises:
            StepFailedError: it can't be; tells what helps. So with all others here.
        """
        bucket, key = _parts(uri)
        _call(uri, lambda: self._client.put_object(Bucket=bucket, Key=key, Body=content))

    def upload(self, uri: str, path: Path) -> None:
        """Write a file, or all files of a directory, to where it is called `uri`."""
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                relative = "" if file == path else f"/{file.relative_to(path).as_posix()}"
                self._upload_file(f"{uri}{relative}", file)

    def _upload_file(self, uri: str, file: Path) -> None:
        bucket, key = _parts(uri)
        _call(uri, lambda: self._client.upload_file(str(file), bucket, key))

    def download(self, uri: str, file: Path) -> None:
        """Read an object into a file."""
        bucket, key = _parts(uri)
        _call(uri, lambda: self._client.download_file(bucket, key, str(file)))

    def size(self, uri: str) -> int:
        """How big an object is, in bytes."""
        bucket, key = _parts(uri)
        return int(_call(uri, lambda: self._client.head_object(Bucket=bucket, Key=key))["ContentLength"])

    def copy(self, source: str, uri: str) -> None:
        """Copy an object on S3."""
        bucket, key = _parts(uri)
        from_bucket, from_key = _parts(source)
        origin = {"Bucket": from_bucket, "Key": from_key}
        _call(source, lambda: self._client.copy(origin, bucket, key))

    def copy_below(self, source: str, uri: str) -> None:
        """Copy all objects below one URI to below another one."""
        bucket, key = _parts(source)
        prefix = f"{key.rstrip('/')}/"
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = _call(source, lambda: [each["Key"] for page in pages for each in page.get("Contents", ())])
        for each in found:
            self.copy(f"s3://{bucket}/{each}", f"{uri}/{each.removeprefix(prefix)}")

    def has(self, uri: str) -> bool:
        """Whether there is an object of just this URI that the step may see."""
        bucket, key = _parts(uri)
        return self._sees(lambda: self._client.head_object(Bucket=bucket, Key=key), uri) is not None

    def has_below(self, uri: str) -> bool:
        """Whether there are objects below a URI, as below a directory, that the step may see."""
        bucket, key = _parts(uri)
        prefix = f"{key.rstrip('/')}/"
        listed = self._sees(lambda: self._client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1), uri)
        return bool((listed or {}).get("Contents"))

    def _sees(self, call: Callable[[], T], uri: str) -> T | None:
        try:
            return call()
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNSEEN:
                return None
            raise _refusal(uri, error) from error
        except BotoCoreError as error:
            raise _refusal(uri, error) from error


def _parts(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _call(uri: str, call: Callable[[], T]) -> T:
    try:
        return call()
    except (ClientError, BotoCoreError, Boto3Error) as error:
        raise _refusal(uri, error) from error


def _refusal(uri: str, error: Exception) -> StepFailedError:
    # boto3's own errors of up- and downloads tell the cause in their text alone.
    if not is_denied(error) and not any(word in str(error) for word in ("AccessDenied", "(403)", "Unable to locate")):
        return StepFailedError(f"{uri} can't be read or written: {error}")
    return StepFailedError(
        f"The step may not read or write {uri} ({error}). A step of run_on_sagemaker brings code and inputs to S3 and "
        f"results back: {REMEDY} s3:GetObject and s3:PutObject below the staging prefix, or set credentials on the "
        "task with kfp.kubernetes.use_secret_as_env."
    )
