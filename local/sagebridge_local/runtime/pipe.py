"""Pipe mode: a channel as a series of named pipes, one for each pass over the data.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html (Training Data)
"""

from __future__ import annotations

import errno
import os
import select
import threading
from typing import TYPE_CHECKING, Final

from sagebridge.runtime.cancellation import CancelToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

_POLL_SECONDS: Final = 0.02


class PipeFeeder:
    """Feeds `<directory>/<channel>_<epoch>` from a thread of its own, epoch after epoch, until it is closed.

    The pipe of the next epoch is there before that of the present one ends, so that a script which opens it at once
    finds it. A script that closes a pipe early goes on to the next epoch.
    """

    def __init__(
        self,
        *,
        directory: Path,
        channel: str,
        epoch: Callable[[int], Iterable[bytes]],
        on_error: Callable[[Exception], None],
    ) -> None:
        """Prepare a channel; nothing happens before `start`.

        Args:
            directory: input/data of the host.
            channel: The channel's name.
            epoch: From an epoch's number to its bytes, piece by piece.
            on_error: Called in the feeder's thread when the bytes can't be had.
        """
        self._directory = directory
        self._channel = channel
        self._epoch = epoch
        self._on_error = on_error
        self._token = CancelToken()
        self._thread = threading.Thread(target=self._run, name=f"pipe-{channel}", daemon=True)

    def start(self) -> None:
        """Make the first pipe and begin."""
        self._make(0)
        self._thread.start()

    def close(self) -> None:
        """Stop feeding; the thread ends within its next wait."""
        self._token.cancel()

    def _path(self, number: int) -> Path:
        return self._directory / f"{self._channel}_{number}"

    def _make(self, number: int) -> None:
        if not self._path(number).exists():
            os.mkfifo(self._path(number))

    def _run(self) -> None:
        number = 0
        try:
            while (descriptor := self._open(number)) is not None:
                self._make(number + 1)
                try:
                    self._feed(descriptor, number)
                finally:
                    os.close(descriptor)
                number += 1
        except Exception as error:  # noqa: BLE001 - a thread has nobody else to tell
            self._on_error(error)

    def _open(self, number: int) -> int | None:
        """Wait for a reader; None when the feeder was closed meanwhile."""
        while not self._token.cancelled:
            try:
                return os.open(self._path(number), os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # no reader yet
                    raise
            self._token.wait(_POLL_SECONDS)
        return None

    def _feed(self, descriptor: int, number: int) -> None:
        try:
            for piece in self._epoch(number):
                self._write(descriptor, piece)
                if self._token.cancelled:
                    return
        except BrokenPipeError:
            return

    def _write(self, descriptor: int, piece: bytes) -> None:
        rest = memoryview(piece)
        while rest and not self._token.cancelled:
            if select.select((), (descriptor,), (), 0.1)[1]:
                try:
                    rest = rest[os.write(descriptor, rest) :]
                except BlockingIOError:
                    continue
