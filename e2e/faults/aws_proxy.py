"""The proxy before the local SageMaker: the operator takes it for AWS."""

from __future__ import annotations

from aiohttp import web

from faults.proxy import ReverseProxy
from faults.writes import aws_write


class AwsProxy(ReverseProxy):
    """Knows SageMaker's operations and uploads to S3."""

    def write_of(self, request: web.Request) -> str | None:
        """See `ReverseProxy.write_of`."""
        return aws_write(request.method, {name.lower(): value for name, value in request.headers.items()})
