"""The ASGI application: SageMaker's requests to the service, the admin API, and everything else to moto."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Final

from sagebridge_local.sagemaker import admin_api, wire
from sagebridge_local.sagemaker.moto_app import MotoApp
from sagebridge_local.sagemaker.protocol import TRANSPORT
from sagebridge_local.sagemaker.settings import LOOPBACK_HOSTS

if TYPE_CHECKING:
    from sagebridge_local.sagemaker.service import LocalSageMaker

_TARGET: Final = b"SageMaker."
_MAX_BODY: Final = 4 * 1024 * 1024


class App:
    """One port for all of AWS."""

    def __init__(self, service: LocalSageMaker) -> None:
        self._service = service
        self._moto = MotoApp()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        target, authorization, host = _read_headers(scope["headers"])
        if not _is_local(host):
            await _send(send, 403, b'{"error":"only requests to a loopback address are answered"}', b"application/json")
        elif target.startswith(_TARGET):
            answer = await self._service.answer(
                operation=target[len(_TARGET) :].decode("latin-1"),
                body=await _body(receive),
                authorization=authorization.decode("latin-1"),
            )
            await _reply(scope, send, answer.reply)
        elif scope["path"].startswith(admin_api.PREFIX):
            await self._admin(scope, receive, send)
        else:
            await self._moto(scope, receive, send)

    async def _admin(self, scope: Any, receive: Any, send: Any) -> None:
        status, reply = admin_api.respond(
            self._service,
            method=scope["method"],
            path=scope["path"],
            query_string=scope["query_string"].decode(),
            body=await _body(receive),
        )
        await _send(send, status, wire.dump(reply), b"application/json")


def _read_headers(headers: list[tuple[bytes, bytes]]) -> tuple[bytes, bytes, bytes]:
    target = authorization = host = b""
    for name, value in headers:
        if name == b"x-amz-target":
            target = value
        elif name == b"authorization":
            authorization = value
        elif name == b"host":
            host = value
    return target, authorization, host


def _is_local(host: bytes) -> bool:
    """Whether the Host header names this machine: a web page that rebinds its name to loopback is refused."""
    name = host.decode("latin-1").lower()
    name = name[1:].partition("]")[0] if name.startswith("[") else name.rpartition(":")[0] or name
    return name in LOOPBACK_HOSTS or name.endswith(".localhost")


async def _body(receive: Any) -> bytes:
    message = await receive()
    if not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        return whole
    parts = [message.get("body", b"")]
    size = len(parts[0])
    while message.get("more_body") and size <= _MAX_BODY:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
    return b"".join(parts)


async def _send(send: Any, status: int, body: bytes, content_type: bytes) -> None:
    headers = [
        (b"content-type", content_type),
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
