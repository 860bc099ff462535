"""Passes connections on from an address of this machine to a port of its loopback interface.

A program by itself: ``relay.py ADDRESS PORT TARGET``. Servers of the local stack listen on the loopback interface
alone.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

_LOOPBACK = "127.0.0.1"
_CHUNK = 2**18


async def serve(address: str, port: int, target: int) -> None:
    """Pass connections on until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection(_LOOPBACK, target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))
        for each in (writer, inner_writer):
            each.close()

    server = await asyncio.start_server(connected, address, port)
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
