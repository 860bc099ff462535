"""What one thread writes, for another to read: content that is sent while it is made, and lies nowhere in between."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, BinaryIO, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_BUFFER_BYTES: Final = 1 << 20


class Produced:
    """Content that a function writes in a thread of its own.

    An error of the function is raised to the reader, so that what is cut short is never taken for the whole.
    """

    def __init__(self, write: Callable[[BinaryIO], None]) -> None:
        self._write = write
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="produced-content", daemon=True)
        reader, self._descriptor = os.pipe()
        self._reader = os.fdopen(reader, "rb", buffering=_BUFFER_BYTES)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A writer that is not done yet gets a broken pipe.
        self._reader.close()
        self._thread.join()

    def read(self, size: int = -1) -> bytes:
        """The next bytes: as many as asked for, fewer only at the end.

        Raises:
            Exception: what the function raised.
        """
        content = self._reader.read(size)
        if size < 0 or len(content) < size:
            self._thread.join()
            if self._error is not None:
                raise self._error
        return content

    def _run(self) -> None:
        try:
            with os.fdopen(self._descriptor, "wb", buffering=_BUFFER_BYTES) as stream:
                self._write(stream)
        except BaseException as error:  # noqa: BLE001 - the reader raises it
            self._error = error
