"""Calls made for one handle: its tenant's identity, its region, its namespace's share of the rate."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from sagebridge.core.errors import MALFORMED_REPLY, AwsError, ErrorClass
from sagebridge.core.tenancy import check_account
from sagebridge.targets.protocol import Handle
from sagebridge.targets.sagemaker.gateway import Gateway
from sagebridge.targets.sagemaker.sessions import AwsScope


class Caller:
    """The gateway, as targets use it."""

    def __init__(self, *, gateway: Gateway) -> None:
        self._gateway = gateway

    async def call(
        self, handle: Handle, operation: str, request: Mapping[str, Any], *, service: str = "sagemaker"
    ) -> dict[str, Any]:
        """Call SageMaker, or another service by the SDK's name, for `handle`.

        Raises:
            AwsError: whatever went wrong.
            NotAllowedError: the credentials lead to another account than the tenant policy says.
        """
        if operation.startswith("Create"):
            await self._check_account(handle)
        return await self._gateway.call(
            scope_of(handle), operation, request, namespace=handle.owner.namespace, service=service
        )

    async def url(self, handle: Handle, *, service: str) -> str:
        """Where a service, by the SDK's name, is called in `handle`'s region."""
        return await self._gateway.url(handle.region, service)

    async def account(self, handle: Handle) -> str:
        """The account that `handle`'s jobs are in, twelve digits."""
        return await self._gateway.account_id(scope_of(handle), namespace=handle.owner.namespace)

    async def upload(self, handle: Handle, *, uri: str, content: bytes) -> str:
        """Put `content` at an s3:// URI whose key names the content; the URI."""
        await self._check_account(handle)
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        await self._gateway.upload(
            scope_of(handle), bucket=bucket, key=key, body=content, namespace=handle.owner.namespace
        )
        return uri

    async def object_exists(self, handle: Handle, *, uri: str) -> bool:
        """Whether there is an object at an s3:// URI."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return await self._gateway.object_exists(
            scope_of(handle), bucket=bucket, key=key, namespace=handle.owner.namespace
        )

    async def download(self, handle: Handle, *, uri: str) -> dict[str, Any]:
        """The reply of GetObject for an s3:// URI, whose Body is to be read."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return await self._gateway.call(
            scope_of(handle),
            "GetObject",
            {"Bucket": bucket, "Key": key},
            namespace=handle.owner.namespace,
            service="s3",
        )

    async def _check_account(self, handle: Handle) -> None:
        """Before anything new is made; what was made before can still be looked at, stopped and deleted."""
        if handle.tenant.account_id is not None:
            check_account(handle.tenant, await self.account(handle))


def scope_of(handle: Handle) -> AwsScope:
    """As whom, and where, AWS is called for `handle`."""
    return AwsScope(
        region=handle.region,
        assume_role_arn=handle.tenant.assume_role_arn,
        external_id=handle.tenant.external_id,
        session_name=f"sagebridge-{handle.tenant.policy_name}" if handle.tenant.policy_name else "sagebridge",
    )


@contextlib.contextmanager
def gone_is_fine() -> Iterator[None]:
    """What is to be deleted may be gone already."""
    try:
        yield
    except AwsError as error:
        if error.error_class is not ErrorClass.NOT_FOUND:
            raise


def malformed(operation: str, member: str) -> AwsError:
    """The error for a reply that lacks what it must have."""
    return AwsError(
        code=MALFORMED_REPLY,
        message=f"AWS's reply has no usable {member}; trying again",
        operation=operation,
    )
