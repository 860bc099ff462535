"""HTTP to a container."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import aiohttp

from sagebridge_local.serving.pieces import BrokenOffError, Pieces
from sagebridge_local.serving.records import PRIMARY, UNREACHABLE, Invocation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

DEFAULT_CONTENT_TYPE: Final = "application/octet-stream"
_PING_SECONDS: Final = 2.0
_HOP_BY_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive", "date", "server"})
_IDLE_SECONDS: Final = 30.0
STREAM_SECONDS: Final = 480.0
"""https://docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html: eight minutes for streaming responses."""


class ContainerClient:
    """A container's HTTP interface on a loopback port: `port`, once the container has one."""

    def __init__(self, *, name: str = PRIMARY) -> None:
        self.port = 0
        self._name = name
        self.in_flight = 0
        """The invocations that are not answered yet, streams until their reply begins."""
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_SECONDS)
        self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)

    async def ping(self) -> bool:
        """Whether GET /ping answers 200 within two seconds."""
        try:
            timeout = aiohttp.ClientTimeout(total=_PING_SECONDS)
            async with self._session.get(f"{self._url}/ping", timeout=timeout) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def post(
        self, path: str, body: bytes, *, headers: Mapping[str, str], timeout_seconds: float | None
    ) -> Invocation:
        """POST a body and take the reply, whatever it is; no reply at all is status 0."""
        self.in_flight += 1
        try:
            timeout = aiohttp.ClientTimeout(total=timeout_seconds)
            async with self._session.post(
                f"{self._url}{path}", data=body, headers=dict(headers), timeout=timeout
            ) as reply:
                content = await reply.read()
                return self._invocation(reply, content)
        except TimeoutError:
            # https://github.com/RamVegiraju/SageMaker-Deployment/issues/3
            return self._unreachable(
                f"Your invocation timed out while waiting for a response from container {self._name}. Review the "
                "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
            )
        except aiohttp.ClientError as error:
            return self._unreachable(f"The container {self._name} did not answer: {error}")
        finally:
            self.in_flight -= 1

    async def stream(
        self, path: str, body: bytes, *, headers: Mapping[str, str], timeout_seconds: float | None
    ) -> tuple[Invocation, Pieces]:
        """POST a body and take the reply piece by piece; a failed reply is whole in the invocation.

        Args:
            path: Of the container.
            body: The request.
            headers: Its headers.
            timeout_seconds: Until the reply begins, and between its pieces; all of it may take eight minutes.

        Returns:
            The reply, and what is to be closed by the caller, also when the reply failed.
        """
        timeout = aiohttp.ClientTimeout(total=STREAM_SECONDS, sock_read=timeout_seconds)
        self.in_flight += 1
        try:
            reply = await self._session.post(f"{self._url}{path}", data=body, headers=dict(headers), timeout=timeout)
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._unreachable(f"The container {self._name} did not answer: {error}"), Pieces()
        finally:
            self.in_flight -= 1
        if reply.status // 100 != 2:
            async with reply:
                return self._invocation(reply, await reply.read()), Pieces()
        return self._invocation(reply, b""), Pieces(_pieces(reply), on_close=reply.close)

    async def call(
        self, method: str, path: str, content: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """A request of the multi-model contract: its status, and its body as text."""
        body = b"" if content is None else json.dumps(content).encode()
        sent = {"Content-Type": "application/json", **(headers or {})}
        async with self._session.request(method, f"{self._url}{path}", data=body, headers=sent) as reply:
            return reply.status, await reply.text()

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()
        await asyncio.sleep(0)

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _invocation(self, reply: aiohttp.ClientResponse, content: bytes) -> Invocation:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return Invocation(
            status=reply.status,
            body=content,
            content_type=headers.get("content-type", DEFAULT_CONTENT_TYPE),
            headers={name: value for name, value in headers.items() if name not in _HOP_BY_HOP},
            container=self._name,
        )

    def _unreachable(self, text: str) -> Invocation:
        return Invocation(status=UNREACHABLE, body=text.encode(), content_type="text/plain", container=self._name)


async def _pieces(reply: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in reply.content.iter_any():
            yield piece
    except TimeoutError:  # which is a ClientError, too
        raise
    except aiohttp.ClientError as error:
        raise BrokenOffError(str(error) or type(error).__name__) from error
