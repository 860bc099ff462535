"""A reply's body that comes piece by piece."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class BrokenOffError(Exception):
    """The model ended its reply before it was whole."""


class Pieces:
    """The pieces of a body. Whoever holds one closes it, whether or not it was read.

    Args:
        source: the pieces; none for an empty body.
        on_close: called once, at the first `close`.

    Raises (while iterating):
        BrokenOffError: the model broke off.
        TimeoutError: its time is up.
    """

    def __init__(self, source: AsyncIterator[bytes] | None = None, *, on_close: Callable[[], object] | None = None):
        self._source = source
        self._closing = contextlib.ExitStack()
        if on_close is not None:
            self._closing.callback(on_close)

    @classmethod
    def of(cls, body: bytes) -> Pieces:
        """A body that is there already, in one piece."""
        return cls(_once(body))

    def on_close(self, action: Callable[[], object]) -> None:
        """Have something called at the first `close`, before what was asked for earlier."""
        self._closing.callback(action)

    def close(self) -> None:
        """Let go what sends; no piece comes after this."""
        self._source = None
        self._closing.close()

    def __aiter__(self) -> Pieces:
        return self

    async def __anext__(self) -> bytes:
        if self._source is None:
            raise StopAsyncIteration
        return await anext(self._source)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
