"""The proxy before the local SageMaker: the operator takes it for AWS."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from faults.proxy import ReverseProxy
from faults.serving import ServingWatch
from faults.writes import aws_operation, aws_write

_DELETIONS = frozenset({"DeleteEndpoint", "DeleteEndpointConfig", "DeleteModel"})


class AwsProxy(ReverseProxy):
    """Knows the operations of SageMaker and Application Auto Scaling, and uploads to S3.

    Attributes:
        serving: what was done to endpoints that serve.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.serving = ServingWatch()

    def write_of(self, request: web.Request) -> str | None:
        """See `ReverseProxy.write_of`."""
        return aws_write(request.method, _headers(request))

    async def forward(self, request: web.Request, body: bytes) -> web.Response:
        """See `ReverseProxy.forward`."""
        operation = aws_operation(_headers(request))
        if operation in _DELETIONS:
            async with self.session.get(f"{self._upstream}/_sagebridge/endpoints") as reply:
                endpoints = (await reply.json(content_type=None))["endpoints"]
            self.serving.deletes(operation, json.loads(body), endpoints=endpoints)
        elif operation == "CreateEndpointConfig":
            self.serving.created(json.loads(body))
        return await super().forward(request, body)


def _headers(request: web.Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
