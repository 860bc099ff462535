"""One small asynchronous client: the few requests the operator makes, over the connection settings that kopf found."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import kopf

from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.slots import Slots, Urgency, WorkFirstQueue

_JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
# Waiting for a free connection is no fault of the server, so only the connecting itself is limited.
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
_PAGE = 500
_WATCH_SECONDS = 290
# Of what its watch cache does not have the API server sends none: https://github.com/kubernetes/kubernetes/issues/120348
_WATCH_SECONDS_WITHOUT_BOOKMARKS = 100
# A bookmark comes each minute, give or take a quarter: a watch that says nothing for longer is half-open.
_WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
_STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60)
_CHUNK = 1 << 16
_UNLIMITED = 0

Login = Callable[[], Awaitable[kopf.ConnectionInfo]]


@dataclass(kw_only=True, slots=True, eq=False)
class _Connection:
    """Sessions with the API server, and how many requests use them.

    They are closed by their last user: closing them would cancel those that wait for a free connection.

    Attributes:
        session: for requests, of which only so many are under way at once.
        streams: for watches and logs: each holds its connection for minutes, and would take it from the requests.
    """

    session: aiohttp.ClientSession
    streams: aiohttp.ClientSession
    server: str
    users: int = 0
    is_stale: bool = False

    async def close(self) -> None:
        """Close both sessions."""
        await self.session.close()
        await self.streams.close()


class KubeClient:
    """Requests to the API server, by path.

    Credentials come from `login`, which is called again when the API server no longer accepts them. Of the writes that
    can wait, `writes` are under way at once: the crowd waits here, in an order of its choice, and not in the server.
    """

    def __init__(self, *, login: Login, connections: int = 64, writes: int = 16) -> None:
        self._login = login
        self._connections = connections
        self._connection: _Connection | None = None
        self._login_lock = asyncio.Lock()
        self._slots = Slots(writes, WorkFirstQueue())

    async def close(self) -> None:
        """Close all connections."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def get(self, path: str) -> dict[str, Any]:
        """GET one object.

        Raises:
            NotFoundError: it is not there.
            KubeError: anything else.
        """
        return await self._request("GET", path)

    async def list(self, path: str, *, selector: str = "", fields: str = "") -> AsyncIterator[dict[str, Any]]:
        """All objects of a collection, page by page; of a label and a field selector, if given."""
        async for page in self.pages(path, selector=selector, fields=fields):
            for item in page.get("items", ()):
                yield item

    async def pages(self, path: str, *, selector: str = "", fields: str = "") -> AsyncIterator[dict[str, Any]]:
        """The pages of a collection, each a List with its resource version; of a label and field selector, if given."""
        token = ""
        while True:
            parameters = {"limit": str(_PAGE), "continue": token} | _selected(selector, fields)
            page = await self._request("GET", path, parameters=parameters)
            yield page
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return

    async def watch(
        self, path: str, *, selector: str, resource_version: str, fields: str = "", has_bookmarks: bool = True
    ) -> AsyncIterator[dict[str, Any]]:
        """The events of a collection from a resource version on, until the server ends the stream.

        Args:
            path: of the collection.
            selector: a label selector; empty for all.
            resource_version: where to go on.
            fields: a field selector; empty for all.
            has_bookmarks: whether the server is heard of even while nothing happens; not so with Events.

        Raises:
            KubeError: the stream can't be had, or broke off; status 410 when the version is too old.
        """
        parameters = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(_WATCH_SECONDS if has_bookmarks else _WATCH_SECONDS_WITHOUT_BOOKMARKS),
        } | _selected(selector, fields)
        async with self._streaming("WATCH", path, parameters=parameters, limits=_WATCH_TIMEOUT) as response:
            async for line in _lines(response):
                yield _parse(line, method="WATCH", path=path)

    async def stream(self, path: str, *, parameters: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """GET something that is no JSON, such as a pod's log, in pieces as they come; none is larger than 64 KiB.

        Raises:
            NotFoundError: it is not there.
            KubeError: it can't be had, or broke off.
        """
        async with self._streaming("GET", path, parameters=parameters, limits=_STREAM_TIMEOUT) as response:
            async for chunk in response.content.iter_chunked(_CHUNK):
                yield chunk

    async def create(self, path: str, body: Mapping[str, Any], *, urgency: Urgency = Urgency.AT_ONCE) -> dict[str, Any]:
        """POST one object to a collection."""
        return await self._write("POST", path, body, urgency=urgency)

    async def replace(
        self, path: str, body: Mapping[str, Any], *, urgency: Urgency = Urgency.AT_ONCE
    ) -> dict[str, Any]:
        """PUT one object, or its subresource; a stale `resourceVersion` in it is a ConflictError."""
        return await self._write("PUT", path, body, urgency=urgency)

    async def patch(self, path: str, body: Mapping[str, Any], *, urgency: Urgency = Urgency.AT_ONCE) -> dict[str, Any]:
        """Merge-patch one object; a stale `resourceVersion` in `body` is a ConflictError."""
        return await self._write("PATCH", path, body, urgency=urgency, content_type=MERGE_PATCH)

    async def apply(
        self, path: str, body: Mapping[str, Any], *, manager: str, urgency: Urgency = Urgency.AT_ONCE
    ) -> dict[str, Any]:
        """Make one object what `body` says, server-side; what it does not say is left to others.

        Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/
        """
        parameters = {"fieldManager": manager, "force": "true"}
        return await self._write("PATCH", path, body, urgency=urgency, content_type=APPLY_PATCH, parameters=parameters)

    async def delete(
        self, path: str, *, uid: str, urgency: Urgency = Urgency.AT_ONCE, foreground: bool = False
    ) -> None:
        """Delete the object that has this UID; one that has another, or is gone, is left.

        Args:
            path: of the object.
            uid: its UID.
            urgency: whether other writes go first when many wait.
            foreground: whether it stays until what belongs to it is gone.
        """
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Foreground" if foreground else "Background"}
        with contextlib.suppress(NotFoundError, ConflictError):
            await self._write("DELETE", path, body, urgency=urgency)

    @contextlib.asynccontextmanager
    async def _streaming(
        self, method: str, path: str, *, parameters: Mapping[str, str], limits: aiohttp.ClientTimeout
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._connected() as connection:
            url = connection.server + path
            try:
                async with connection.streams.get(url, params=parameters, timeout=limits) as response:
                    if response.status != 200:
                        connection.is_stale = response.status == 401
                        await _decode(response, method=method, path=path)
                    yield response
            except (aiohttp.ClientError, TimeoutError) as error:
                raise KubeError(f"{method} {path}: {str(error) or type(error).__name__}") from error

    async def _write(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        *,
        urgency: Urgency,
        content_type: str = _JSON,
        parameters: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Ask once it is its turn."""
        turn = contextlib.nullcontext() if urgency is Urgency.AT_ONCE else self._slots.use(urgency)
        async with turn:
            return await self._request(method, path, body=body, content_type=content_type, parameters=parameters)

    async def _request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        content_type: str = _JSON,
        parameters: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        data = None if body is None else json.dumps(body)
        options: dict[str, Any] = {"data": data, "params": parameters, "headers": {"Content-Type": content_type}}
        for last_try in (False, True):
            async with self._connected() as connection:
                try:
                    async with connection.session.request(method, connection.server + path, **options) as response:
                        if response.status != 401 or last_try:
                            return await _decode(response, method=method, path=path)
                except (aiohttp.ClientError, TimeoutError) as error:
                    raise KubeError(f"{method} {path}: {str(error) or type(error).__name__}") from error
                connection.is_stale = True
        raise KubeError(f"{method} {path}: no answer")

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[_Connection]:
        connection = self._connection
        if connection is None or connection.is_stale:
            connection = await self._reconnected()
        connection.users += 1
        try:
            yield connection
        finally:
            connection.users -= 1
            if connection.is_stale and not connection.users:
                await connection.close()

    async def _reconnected(self) -> _Connection:
        async with self._login_lock:
            if self._connection is None or self._connection.is_stale:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> _Connection:
        try:
            found = await self._login()
            # In plain HTTP (`kubectl proxy`) there is nothing to verify; to read the system's certificates takes 40 ms.
            context = found.as_ssl_context() if found.server.startswith("https:") else True
        except Exception as error:
            # Credentials are files that are replaced while they are read, and plugins that call other services.
            raise KubeError(f"No credentials for the API server: {str(error) or type(error).__name__}") from error
        headers = {**found.as_http_headers(), "Accept": "application/json"}

        def session(limit: int) -> aiohttp.ClientSession:
            connector = aiohttp.TCPConnector(limit=limit, ssl=context)
            return aiohttp.ClientSession(connector=connector, headers=headers, timeout=_TIMEOUT)

        server = found.server.rstrip("/")
        return _Connection(session=session(self._connections), streams=session(_UNLIMITED), server=server)


def _selected(selector: str, fields: str = "") -> dict[str, str]:
    given = {"labelSelector": selector, "fieldSelector": fields}
    return {key: value for key, value in given.items() if value}


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[str]:
    """The lines of a stream, however long: an event is one."""
    rest = b""
    async for chunk in response.content.iter_chunked(_CHUNK):
        *complete, rest = (rest + chunk).split(b"\n")
        for line in complete:
            if line:
                yield line.decode()


async def _decode(response: aiohttp.ClientResponse, *, method: str, path: str) -> dict[str, Any]:
    text = await response.text(errors="replace")
    if response.status < 300:
        return _parse(text, method=method, path=path)
    message = f"{method} {path}: {_message(text) or response.reason}"
    if response.status == 404:
        raise NotFoundError(message, status=404)
    if response.status == 409:
        raise ConflictError(message, status=409)
    if 400 <= response.status < 500 and response.status not in (401, 408, 429):
        raise RefusedError(message, status=response.status)
    raise KubeError(message, status=response.status)


def _parse(text: str, *, method: str, path: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise KubeError(f"{method} {path}: the reply is no JSON") from error
    if not isinstance(parsed, dict):
        raise KubeError(f"{method} {path}: the reply is no object")
    return parsed


def _message(text: str) -> str:
    try:
        return str(json.loads(text).get("message", ""))
    except (ValueError, AttributeError):
        return text[:200]
