"""The proxy before the API server: the operator's kubeconfig names it as the server."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from typing import Any

import aiohttp
from aiohttp import web

from faults.events import lines
from faults.proxy import ReverseProxy, headers_of
from faults.view import View
from faults.writes import kubernetes_write

GROUP_PATH = "/apis/sagebridge.io/v1alpha1"
_OWN_PATH = re.compile(
    rf"^{re.escape(GROUP_PATH)}(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?$"
)
_NOT_FOUND = b'{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}'


class KubernetesProxy(ReverseProxy):
    """Streams watches, and can show old views of the product's own kinds.

    Attributes:
        lists: how often each collection was listed.
        watches: how often a watch of each was opened.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.lists: Counter[str] = Counter()
        self.watches: Counter[str] = Counter()
        self._views: defaultdict[str, View] = defaultdict(View)

    def write_of(self, request: web.Request) -> str | None:
        """See `ReverseProxy.write_of`."""
        return kubernetes_write(request.method, request.path)

    async def view(self, plural: str) -> View:
        """The view of a collection; for coroutines on the proxy's loop."""
        return self._views[plural]

    async def serve(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """See `ReverseProxy.serve`."""
        found = _OWN_PATH.match(request.path)
        if request.method != "GET" or found is None:
            return await super().serve(request, body)
        view = self._views[found["plural"]]
        if request.query.get("watch") in ("1", "true"):
            self.watches[found["plural"]] += 1
            return await self._watch(request, body, view)
        if not found["name"]:
            self.lists[found["plural"]] += 1
            return _json(view.list(found["namespace"])) if view.is_old else await super().serve(request, body)
        if view.gets_are_old:
            return _json(view.get(found["namespace"], found["name"]))
        return await super().serve(request, body)

    async def _watch(self, request: web.Request, body: bytes, view: View) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        if not view.is_live:
            await response.prepare(request)
            await view.wait_live()
        async with self.open(request, body) as reply:
            if reply.status != 200 and not response.prepared:
                return await _refuse(reply, request=request)
            if not response.prepared:
                await response.prepare(request)
            await _stream(reply, response, view)
        return response


async def _refuse(reply: aiohttp.ClientResponse, *, request: web.Request) -> web.Response:
    """Pass a reply on that is no stream."""
    return web.Response(status=reply.status, body=await reply.read(), headers=headers_of(reply, request=request))


async def _stream(reply: aiohttp.ClientResponse, response: web.StreamResponse, view: View) -> None:
    events: asyncio.Queue[bytes | None] = asyncio.Queue()
    reading = asyncio.create_task(_read(reply, events))
    try:
        await view.pass_on(events, response.write)
        await response.write_eof()
    finally:
        reading.cancel()


async def _read(reply: aiohttp.ClientResponse, events: asyncio.Queue[bytes | None]) -> None:
    """Put a watch's events in a queue; None after the last, however the stream ends."""
    try:
        async for line in lines(reply.content.iter_any()):
            events.put_nowait(line)
    except (aiohttp.ClientError, OSError):
        pass
    finally:
        events.put_nowait(None)


def _json(content: bytes | None) -> web.Response:
    if content is None:
        return web.Response(status=404, body=_NOT_FOUND, content_type="application/json")
    return web.Response(body=content, content_type="application/json")
