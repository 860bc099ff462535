"""Lets connections in: as many as there is room for, and each for seconds only until it has said what it wants."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable
from typing import Final

logger = logging.getLogger(__name__)

_HANDSHAKE_SECONDS: Final = 10.0
_BACKLOG: Final = 128
_SILENT_MILLISECONDS: Final = 120_000
_RETRY_SECONDS: Final = 1.0


class Listener:
    """Accepts connections for a protocol over TLS.

    asyncio's own server counts a connection only once its TLS is agreed on, and gives it a minute for that: whoever can
    reach the port could have any number, before they show a token.
    """

    def __init__(
        self,
        *,
        factory: Callable[[], asyncio.Protocol],
        served: Callable[[], int],
        context: ssl.SSLContext,
        most: int,
        handshake_seconds: float = _HANDSHAKE_SECONDS,
    ) -> None:
        """Prepare to listen.

        Args:
            factory: Makes the protocol of a connection.
            served: How many connections there are whose TLS is agreed on.
            context: The TLS.
            most: How many connections there are at most; others are closed at once.
            handshake_seconds: How long it may take to agree on TLS.
        """
        self._factory = factory
        self._served = served
        self._context = context
        self._most = most
        self._handshake_seconds = handshake_seconds
        self._beginning: set[asyncio.Task[None]] = set()

    async def run(self, *, host: str, port: int) -> None:
        """Accept connections until cancelled.

        Raises:
            OSError: The address can't be listened on.
        """
        with contextlib.ExitStack() as stack:
            sockets = [stack.enter_context(_listening(*one)) for one in await _addresses(host, port)]
            try:
                async with asyncio.TaskGroup() as group:
                    for one in sockets:
                        group.create_task(self._accept(one))
            finally:
                for task in self._beginning:
                    task.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:
                logger.warning("A connection can't be accepted now: %s", error)
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            if self._served() + len(self._beginning) >= self._most:
                connection.close()
                continue
            _bound_silence(connection)
            task = loop.create_task(self._begin(connection))
            self._beginning.add(task)
            task.add_done_callback(self._beginning.discard)

    async def _begin(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(
                self._factory,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=self._handshake_seconds,
                ssl_shutdown_timeout=self._handshake_seconds,
            )
        except OSError as error:
            logger.debug("A connection came to nothing: %s", type(error).__name__)


def _bound_silence(connection: socket.socket) -> None:
    """A peer that is gone without a word is so for the kernel after this time, and not after a quarter of an hour.

    Source: https://www.rfc-editor.org/rfc/rfc5482
    """
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # not on every platform
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT_MILLISECONDS)


async def _addresses(host: str, port: int) -> list[tuple[int, tuple[str, int]]]:
    """The families and addresses of a host."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, (str(address[0]), port)) for family, _, _, _, address in found))


def _listening(family: int, address: tuple[str, int]) -> socket.socket:
    found = socket.create_server(address, family=family, backlog=_BACKLOG)
    found.setblocking(False)
    return found
