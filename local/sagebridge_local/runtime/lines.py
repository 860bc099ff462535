"""From the bytes that a process writes to lines of text."""

from __future__ import annotations

from typing import Final

LINE_LIMIT: Final = 256 * 1024 - 26
"""An event of CloudWatch Logs can hold 256 KB with its 26 bytes of overhead:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html."""

_CUT: Final = " [line cut]"


class LineSplitter:
    """Splits at newlines; what is longer than the limit is cut, what is no UTF-8 is replaced."""

    def __init__(self, *, limit: int = LINE_LIMIT) -> None:
        self._limit = limit - len(_CUT)
        self._rest = bytearray()
        self._cut = False

    def feed(self, chunk: bytes) -> list[str]:
        """The lines that are complete with this chunk, without their ends."""
        *complete, last = chunk.split(b"\n")
        lines = [self._line(piece) for piece in complete]
        self._add(last)
        return lines

    def close(self) -> list[str]:
        """The last line, when it had no end."""
        return [self._line(b"")] if self._rest else []

    def _line(self, piece: bytes) -> str:
        self._add(piece)
        text = self._rest.decode("utf-8", errors="replace").rstrip("\r") + (_CUT if self._cut else "")
        self._rest.clear()
        self._cut = False
        return text

    def _add(self, piece: bytes) -> None:
        room = self._limit - len(self._rest)
        self._cut = self._cut or len(piece) > room
        self._rest += piece[: max(room, 0)]
