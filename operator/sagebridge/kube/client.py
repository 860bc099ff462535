"""One small asynchronous client: the few requests the operator makes, over the connection settings that kopf found."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import kopf

from sagebridge.kube.errors import ConflictError, KubeError, NotFoundError, RefusedError
from sagebridge.slots import Slots, Urgency, WorkFirstQueue

_JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
# Waiting for a free connection is no fault of the server, so only the connecting itself is limited.
_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
_PAGE = 500

Login = Callable[[], Awaitable[kopf.ConnectionInfo]]


@dataclass(kw_only=True, slots=True, eq=False)
class _Connection:
    """A session with the API server, and how many requests use it.

    It is closed by its last user: closing it would cancel those that wait for a free connection.
    """

    session: aiohttp.ClientSession
    server: str
    users: int = 0
    is_stale: bool = False


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
            await self._connection.session.close()
            self._connection = None

    async def get(self, path: str) -> dict[str, Any]:
        """GET one object.

        Raises:
            NotFoundError: it is not there.
            KubeError: anything else.
        """
        return await self._request("GET", path)

    async def list(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """All objects of a collection, page by page."""
        token = ""
        while True:
            page = await self._request("GET", path, parameters={"limit": str(_PAGE), "continue": token})
            for item in page.get("items", ()):
                yield item
            token = page.get("metadata", {}).get("continue") or ""
            if not token:
                return

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

    async def delete(self, path: str, *, uid: str, urgency: Urgency = Urgency.AT_ONCE) -> None:
        """Delete the object that has this UID; one that has another, or is gone, is left."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        with contextlib.suppress(NotFoundError, ConflictError):
            await self._write("DELETE", path, body, urgency=urgency)

    async def _write(
        self, method: str, path: str, body: Mapping[str, Any], *, urgency: Urgency, content_type: str = _JSON
    ) -> dict[str, Any]:
        """Ask once it is its turn."""
        turn = contextlib.nullcontext() if urgency is Urgency.AT_ONCE else self._slots.use(urgency)
        async with turn:
            return await self._request(method, path, body=body, content_type=content_type)

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
                await connection.session.close()

    async def _reconnected(self) -> _Connection:
        async with self._login_lock:
            if self._connection is None or self._connection.is_stale:
                self._connection = await self._open()
            return self._connection

    async def _open(self) -> _Connection:
        try:
            found = await self._login()
            context = found.as_ssl_context()
        except Exception as error:
            # Credentials are files that are replaced while they are read, and plugins that call other services.
            raise KubeError(f"No credentials for the API server: {str(error) or type(error).__name__}") from error
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections, ssl=context),
            headers={**found.as_http_headers(), "Accept": "application/json"},
            timeout=_TIMEOUT,
        )
        return _Connection(session=session, server=found.server.rstrip("/"))


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
