"""The ASGI application: SageMaker's requests to the service, the admin API, and everything else to moto."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import admin_api, wire
from sagebridge_local.sagemaker.cloudwatch.moto import publish
from sagebridge_local.sagemaker.endpoints.invocations import MAX_BODY, OPERATIONS, PATH
from sagebridge_local.sagemaker.moto_app import MotoApp
from sagebridge_local.sagemaker.protocol import TRANSPORT
from sagebridge_local.sagemaker.settings import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from sagebridge_local.sagemaker.service import LocalSageMaker

_READ: Final = frozenset((b"x-amz-target", b"authorization", b"host", b"origin", b"sec-fetch-site"))
_TARGET: Final = b"SageMaker."
_MAX_BODY: Final = 4 * 1024 * 1024


class App:
    """One port for all of AWS."""

    def __init__(self, service: LocalSageMaker, *, hosts: frozenset[str] = frozenset()) -> None:
        self._service = service
        self._hosts = LOOPBACK_HOSTS | hosts
        self._moto = MotoApp(on_load=partial(publish, service.metrics))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = {name: value for name, value in scope["headers"] if name in _READ}
        target, authorization = headers.get(b"x-amz-target", b""), headers.get(b"authorization", b"")
        if not _is_for(self._hosts, headers.get(b"host", b"")):
            await _send(send, 403, b'{"error":"only requests to a loopback address are answered"}', b"application/json")
        elif _is_from_a_foreign_page(headers, self._hosts):
            await _send(send, 403, b'{"error":"web pages of other hosts are not answered"}', b"application/json")
        elif target.startswith(_TARGET):
            answer = await self._service.answer(
                operation=target[len(_TARGET) :].decode("latin-1"),
                body=await _body(receive),
                authorization=authorization.decode("latin-1"),
            )
            await _reply(scope, send, answer.reply)
        elif scope["path"].startswith(admin_api.PREFIX):
            await self._admin(scope, receive, send)
        elif scope["method"] == "POST" and (asked := PATH.fullmatch(scope["path"])):
            await self._runtime(scope, receive, send, name=asked[1], operation=OPERATIONS[asked[2]])
        else:
            await self._moto(scope, receive, send)

    async def _runtime(self, scope: Any, receive: Any, send: Any, *, name: str, operation: str) -> None:
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        body = await _body(receive, limit=MAX_BODY)
        reply = await self._service.invocations.answer(operation=operation, name=name, headers=headers, body=body)
        if reply is None:
            await _close(scope)
        elif reply.pieces is None:
            await _send(send, reply.status, reply.body, b"", more=_encoded(reply.headers))
        else:
            with contextlib.closing(reply.pieces) as pieces:
                await _stream(send, reply.status, pieces, _encoded(reply.headers))

    async def _admin(self, scope: Any, receive: Any, send: Any) -> None:
        status, reply = admin_api.respond(
            self._service,
            method=scope["method"],
            path=scope["path"],
            query_string=scope["query_string"].decode(),
            body=await _body(receive),
        )
        await _send(send, status, wire.dump(reply), b"application/json")


def _is_for(hosts: frozenset[str], host: bytes) -> bool:
    """Whether the Host header names this machine: a web page that rebinds its name to loopback is refused."""
    name = host.decode("latin-1").lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
    return name in hosts or name.endswith(".localhost")


def _is_from_a_foreign_page(headers: Mapping[bytes, bytes], hosts: frozenset[str]) -> bool:
    """Whether a browser sends it for a page of another host: whoever creates a job here runs a command here.

    moto answers every preflight with leave, so the browser itself would not hold such a page back.
    """
    origin = headers.get(b"origin")
    foreign = origin is not None and not _is_for(hosts, origin.partition(b"://")[2])
    return foreign or headers.get(b"sec-fetch-site") == b"cross-site"


async def _body(receive: Any, *, limit: int = _MAX_BODY) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        return whole
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body") and size <= limit:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return b"".join(parts)


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1", errors="replace")) for name, value in headers.items()]


async def _stream(send: Any, status: int, pieces: AsyncIterator[bytes], headers: list[tuple[bytes, bytes]]) -> None:
    """Send pieces as they come."""
    headers = [*headers, (b"x-amzn-requestid", str(uuid.uuid4()).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _send(
    send: Any, status: int, body: bytes, content_type: bytes, *, more: Sequence[tuple[bytes, bytes]] = ()
) -> None:
    headers = [
        *([(b"content-type", content_type)] if content_type else []),
        *more,
        (b"content-length", str(len(body)).encode()),
        (b"x-amzn-requestid", str(uuid.uuid4()).encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _reply(scope: Any, send: Any, reply: wire.Reply | None) -> None:
    if reply is None:
        await _close(scope)
    else:
        await _send(send, reply.status, reply.body, wire.CONTENT_TYPE)


async def _close(scope: Any) -> None:
    """Close the connection without a reply."""
    scope[TRANSPORT].abort()
    # The protocol learns of it in the loop's next round; only then may the application return without a reply.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
