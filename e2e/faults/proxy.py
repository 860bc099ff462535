"""A reverse proxy that knows which requests change something, and what is to go wrong with them."""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from faults.boundaries import Boundaries, Fault

LATE_SECONDS = 6.0
"""How late a late reply is: more than the 5 s for which kopf waits to see its own patch."""

_HOST = "127.0.0.1"
_LARGEST_BODY = 64 * 1024 * 1024
# https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1; Expect and Content-Length are between two parties as well.
_HOP_BY_HOP = ("connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")


class ReverseProxy(ABC):
    """Forwards every request to one server.

    Attributes:
        is_cut: whether every connection is closed at once, as if the server were not there.
    """

    def __init__(
        self, *, upstream: str, boundaries: Boundaries, crash: Callable[[], None], trust: ssl.SSLContext | None = None
    ) -> None:
        self.is_cut = False
        self._upstream = upstream.rstrip("/")
        self._boundaries = boundaries
        self._crash = crash
        self._trust = trust
        self._port = 0
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{_HOST}:{self._port}"

    @property
    def session(self) -> aiohttp.ClientSession:
        """The connections to the server."""
        assert self._session is not None, "the proxy has not been started"
        return self._session

    async def start(self) -> None:
        """Listen on a free port."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=self._trust if self._trust is not None else True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        application = web.Application(client_max_size=_LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._handle)
        # A watch on which nothing comes has to end when its client does.
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, _HOST, 0)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    @abstractmethod
    def write_of(self, request: web.Request) -> str | None:
        """What a request would change; None for a read."""

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """Answer one request."""
        write = self.write_of(request)
        if write is None:
            return await self.forward(request, body)
        # It is counted even if its client hangs up first, say since a watch has told it of its own write.
        return await asyncio.shield(self._serve_write(write, request, body))

    async def _serve_write(self, write: str, request: web.Request, body: bytes) -> web.Response:
        response = await self.forward(request, body)
        if not 200 <= response.status < 300:
            return response
        fault = self._boundaries.wrote(write, request=request.raw_path.encode() + b" " + body)
        return response if fault is None else await self._strike(fault, request, response)

    async def forward(self, request: web.Request, body: bytes) -> web.Response:
        """Pass a request on, and its whole reply back."""
        async with self.open(request, body) as reply:
            content = await reply.read()
            return web.Response(status=reply.status, body=content or None, headers=headers_of(reply, request=request))

    def open(self, request: web.Request, body: bytes) -> Any:
        """Send a request on; a context manager of its reply."""
        kept = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP)
        url = URL(self._upstream + request.raw_path, encoded=True)
        data = body if body or "Content-Length" in request.headers else None
        return self.session.request(request.method, url, headers=kept, data=data, allow_redirects=False)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if self.is_cut:
            return hang_up(request)
        body = await request.read()
        try:
            return await self.serve(request, body)
        except (aiohttp.ClientError, OSError):
            return hang_up(request)

    async def _strike(self, fault: Fault, request: web.Request, response: web.Response) -> web.Response:
        if fault is Fault.LATE_REPLY:
            await asyncio.sleep(LATE_SECONDS)
            return response
        if fault is Fault.CRASH:
            self._crash()
        return hang_up(request)


def hang_up(request: web.Request) -> web.Response:
    """Close a request's connection without a reply."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def headers_of(reply: aiohttp.ClientResponse, *, request: web.Request) -> CIMultiDict[str]:
    """A reply's headers, as they go on to the client."""
    kept = CIMultiDict((name, value) for name, value in reply.headers.items() if name.lower() not in _HOP_BY_HOP)
    if request.method == "HEAD" and "Content-Length" in reply.headers:
        kept["Content-Length"] = reply.headers["Content-Length"]
    return kept
