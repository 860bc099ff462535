"""Lines of a reply that goes on for long, each as soon as it is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import urllib3

_PIECE_BYTES: Final = 64 * 1024
_LONGEST_BYTES: Final = 16 * 1024 * 1024


def lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """Yield whole lines without their ends; blank ones too. What follows the last line break is no line.

    Raises:
        ValueError: a line is longer than 16 MiB.
        urllib3.exceptions.HTTPError: the connection broke, or nothing came for too long.
    """
    rest = b""
    for piece in response.stream(_PIECE_BYTES, decode_content=False):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > _LONGEST_BYTES:
            raise ValueError(f"A line is longer than {_LONGEST_BYTES} bytes.")
