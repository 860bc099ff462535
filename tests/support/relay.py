"""A TCP relay before a server, which can be gone, or take everything and never answer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from enum import Enum
from typing import Self


class Mode(Enum):
    """What becomes of connections."""

    FORWARD = "forward"
    """They are handed on."""
    REFUSE = "refuse"
    """They are broken off, and new ones are refused."""
    HANG = "hang"
    """They are accepted, and nothing is ever answered, as by a process that was stopped."""


class Relay:
    """Listens on a port of its own.

    Attributes:
        port: its port.
        accepted: how many connections came.
    """

    def __init__(self, *, port: int) -> None:
        self._target = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._mode = Mode.FORWARD
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.accepted = 0

    @classmethod
    @contextlib.contextmanager
    def before(cls, port: int) -> Iterator[Self]:
        """A relay before the server on a port of this machine."""
        relay = cls(port=port)
        relay._thread.start()
        try:
            relay._run(relay._listen())
            yield relay
        finally:
            relay._run(relay._end())
            relay._loop.call_soon_threadsafe(relay._loop.stop)
            relay._thread.join()
            relay._loop.close()

    def become(self, mode: Mode) -> None:
        """Do this with all connections from now on."""
        self._run(self._become(mode))

    def _run(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()  # type: ignore[arg-type]

    async def _become(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.REFUSE:
            await self._end()
        elif self._server is None:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._ends:
            writer.close()
        # Those who read from them have to see it.
        if self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        self._ends.add(writer)
        theirs, mine = await asyncio.open_connection("127.0.0.1", self._target)
        ends = {writer, mine}
        self._ends |= ends
        if self._mode is Mode.REFUSE:  # since a moment
            for end in ends:
                end.close()
        try:
            await asyncio.gather(self._copy(reader, mine), self._copy(theirs, writer))
        finally:
            self._ends -= ends

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(1 << 16):
                if self._mode is Mode.FORWARD:
                    writer.write(content)
                    await writer.drain()
        writer.close()
