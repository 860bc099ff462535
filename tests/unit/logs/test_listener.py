"""How many connections there are, and how long they may take to begin."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sagebridge.logs.certificates import Identity, made
from sagebridge.logs.listener import Listener
from sagebridge_local.stack.ports import free_ports, is_free

HOST = "127.0.0.1"


class Echo(asyncio.Protocol):
    """Says what is said if its peer may not be silent for ever, and counts who is there."""

    def __init__(self, there: set[Echo]) -> None:
        self._there = there

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._there.add(self)

    def data_received(self, data: bytes) -> None:
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        accepted = self.transport.get_extra_info("socket")
        silence = accepted.getsockopt(socket.IPPROTO_TCP, option) if option else 120_000
        self.transport.write(data if silence == 120_000 else b"never")

    def connection_lost(self, exc: Exception | None) -> None:
        self._there.discard(self)


@pytest.fixture(scope="module")
def identity() -> Identity:
    return made([HOST], now=datetime.now(UTC))


@contextlib.asynccontextmanager
async def listening(identity: Identity, directory: Path, *, most: int, seconds: float) -> AsyncIterator[int]:
    """The port of a listener."""
    for name, content in (("crt", identity.server.certificate), ("key", identity.server.key)):
        (directory / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "crt", directory / "key")
    there: set[Echo] = set()
    listener = Listener(
        factory=lambda: Echo(there), served=lambda: len(there), context=context, most=most, handshake_seconds=seconds
    )
    [port] = free_ports(1)
    running = asyncio.create_task(listener.run(host=HOST, port=port))
    while is_free(port):  # noqa: ASYNC110 - the listener runs beside
        await asyncio.sleep(0.01)
    yield port
    running.cancel()
    await asyncio.wait({running})


async def says(port: int, identity: Identity) -> tuple[bytes, asyncio.StreamWriter]:
    """What comes back over TLS; nothing where one is not let in."""
    trusted = ssl.create_default_context(cadata=identity.authority.certificate.decode())
    reader, writer = await asyncio.open_connection(HOST, port, ssl=trusted)
    writer.write(b"hello")
    return await reader.readexactly(5), writer


async def said_at_last(port: int, identity: Identity) -> tuple[bytes, asyncio.StreamWriter]:
    """The same, once another's end is noticed."""
    while True:
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            return await says(port, identity)
        await asyncio.sleep(0.01)


async def test_no_more_connections_than_there_may_be(identity: Identity, tmp_path: Path) -> None:
    async with listening(identity, tmp_path, most=2, seconds=10) as port:
        answer, first = await says(port, identity)
        assert answer == b"hello"
        _, silent = await asyncio.open_connection(HOST, port)
        with pytest.raises((ConnectionError, ssl.SSLError)):
            await says(port, identity)
        silent.close()
        first.close()
        answer, again = await said_at_last(port, identity)
        assert answer == b"hello"
        again.close()


async def test_who_does_not_agree_on_tls_is_let_go(identity: Identity, tmp_path: Path) -> None:
    async with listening(identity, tmp_path, most=1, seconds=1.0) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        assert await reader.read() == b""
        writer.close()
        answer, again = await says(port, identity)
        assert answer == b"hello"
        again.close()
