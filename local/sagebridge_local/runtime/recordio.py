"""RecordIO, the format in which Pipe mode can wrap records.

Source of the format: https://mxnet.apache.org/versions/1.9.1/api/architecture/note_data_loading (Data Format)
"""

from __future__ import annotations

import struct
from typing import Final

MAGIC: Final = 0xCED7230A
MAXIMUM_LENGTH: Final = (1 << 29) - 1
_HEADER: Final = struct.Struct("<II")


def record(content: bytes) -> bytes:
    """One whole record: magic number, length, content, and zeros up to a multiple of four bytes.

    Raises:
        ValueError: the content is too long for the 29 bits of the length.
    """
    if len(content) > MAXIMUM_LENGTH:
        raise ValueError(f"a RecordIO record holds at most {MAXIMUM_LENGTH} bytes, this one has {len(content)}")
    return _HEADER.pack(MAGIC, len(content)) + content + b"\0" * (-len(content) % 4)
