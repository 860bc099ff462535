"""What endpoints read and write elsewhere: requests and results in S3, notices to SNS, captured data."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from sagebridge_local.sagemaker.settings import DEFAULT_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagebridge.runtime.s3 import Connection

LOCAL_KEY: Final = "sagebridge-local"
_log: Final = logging.getLogger(__name__)


class Outbox(Protocol):
    """The services around an endpoint, for an account and region."""

    async def read(self, uri: str, *, account: str, region: str) -> tuple[bytes, str]:
        """An object's content and content type.

        Raises:
            OSError: it can't be read.
        """
        ...

    async def write(self, uri: str, body: bytes, *, content_type: str, account: str, region: str) -> None:
        """Write an object; trouble is logged."""
        ...

    async def publish(self, topic: str, message: Mapping[str, Any], *, account: str, region: str) -> None:
        """Tell a topic; trouble is logged."""
        ...


class NoOutbox:
    """Nowhere: for a service without a server, whose endpoints read and write nothing."""

    async def read(self, uri: str, *, account: str, region: str) -> tuple[bytes, str]:
        """Nothing."""
        del uri, account, region
        return b"", ""

    async def write(self, uri: str, body: bytes, *, content_type: str, account: str, region: str) -> None:
        """Forget it."""

    async def publish(self, topic: str, message: Mapping[str, Any], *, account: str, region: str) -> None:
        """Forget it."""


class AwsOutbox:
    """The services on our own port, called in threads."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._connections: dict[tuple[str, str], Connection] = {}

    async def read(self, uri: str, *, account: str, region: str) -> tuple[bytes, str]:
        """An object's content and content type.

        Raises:
            OSError: S3 refused.
        """
        return await asyncio.to_thread(self._read, uri, account, region)

    async def write(self, uri: str, body: bytes, *, content_type: str, account: str, region: str) -> None:
        """Write an object; trouble is logged."""
        bucket, key = _split(uri)

        def put() -> None:
            self._client("s3", account, region).put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)

        await _logged(put, f"{uri} can't be written")

    async def publish(self, topic: str, message: Mapping[str, Any], *, account: str, region: str) -> None:
        """Tell a topic; trouble is logged."""

        def tell() -> None:
            self._client("sns", account, region).publish(TopicArn=topic, Message=json.dumps(message))

        await _logged(tell, f"the topic {topic} can't be told")

    def _read(self, uri: str, account: str, region: str) -> tuple[bytes, str]:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, key = _split(uri)
        try:
            found = self._client("s3", account, region).get_object(Bucket=bucket, Key=key)
            return found["Body"].read(), found.get("ContentType", "")
        except (ClientError, BotoCoreError) as error:
            raise OSError(f"{uri} can't be read: {error}") from error

    def _client(self, service: str, account: str, region: str) -> Any:
        # Imported here: --lifecycle-only starts in half the time without it.
        from sagebridge.runtime.s3 import client

        key = (account, region)
        if key not in self._connections:
            self._connections[key] = connection_to(account, region=region, endpoint_url=self._endpoint_url)
        return client(self._connections[key], service)


def connection_to(account: str, *, region: str, endpoint_url: str, role: str | None = None) -> Connection:
    """A connection that acts in an account. Blocks."""
    from sagebridge.runtime.s3 import Connection, Credentials, client

    own = {"AWS_ACCESS_KEY_ID": LOCAL_KEY, "AWS_SECRET_ACCESS_KEY": LOCAL_KEY}
    connection = Connection.of(endpoint_url=endpoint_url, region=region, credentials=own)
    if account == DEFAULT_ACCOUNT:
        return connection
    arn = role or f"arn:aws:iam::{account}:role/SageMaker"
    issued = client(connection, "sts").assume_role(RoleArn=arn, RoleSessionName="SageMaker")["Credentials"]
    credentials = Credentials(
        access_key_id=issued["AccessKeyId"],
        secret_access_key=issued["SecretAccessKey"],
        session_token=issued["SessionToken"],
    )
    return replace(connection, credentials=credentials)


async def _logged(action: Any, problem: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        await asyncio.to_thread(action)
    except (ClientError, BotoCoreError) as error:
        _log.warning("%s: %s", problem, error)


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
