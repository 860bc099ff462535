"""From an input object to records, and from records to the payloads that the model gets: pure.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html (SplitType, CompressionType)
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html (BatchStrategy, payloads)
    https://mxnet.apache.org/versions/1.9.1/architecture/note_data_loading (RecordIO's frames)
    https://www.tensorflow.org/tutorials/load_data/tfrecord (TFRecord's frames)
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

BYTES_PER_MB: Final = 1024 * 1024
_RECORDIO_MAGIC: Final = 0xCED7230A
_RECORDIO_LENGTH: Final = (1 << 29) - 1
_TFRECORD_HEADER: Final = 12
_TFRECORD_FOOTER: Final = 4


class SplitType(StrEnum):
    """How an object is made of records."""

    NONE = "None"
    LINE = "Line"
    RECORDIO = "RecordIO"
    TFRECORD = "TFRecord"


class BatchStrategy(StrEnum):
    """How many records go into one request."""

    MULTI_RECORD = "MultiRecord"
    SINGLE_RECORD = "SingleRecord"


class InputError(ValueError):
    """An input object that is not what the request says it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One record.

    Attributes:
        content: what it says.
        framed: the same as it lay in the object, with a binary format's frame.
    """

    content: bytes
    framed: bytes


def decompress(body: bytes, *, compression: str) -> bytes:
    """The object's content, unpacked for CompressionType Gzip.

    Raises:
        InputError: it is no gzip.
    """
    if compression != "Gzip":
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"CompressionType is Gzip, but the object can't be unpacked: {error}") from error


def split(body: bytes, split_type: SplitType) -> Iterator[Record]:
    """The records of an object, one by one; without splitting it is one, and an empty object has none.

    Raises:
        InputError: the object's frames are broken, once it comes to them.
    """
    # Records of a few bytes take ten times their size: never all at once.
    return _SPLITTERS[split_type](body) if body else iter(())


def payloads(
    records: Iterable[Record], *, split_type: SplitType, strategy: BatchStrategy, max_bytes: int
) -> Iterator[list[Record]]:
    """The records of each request, in order.

    Args:
        records: of one object.
        split_type: how they lay in it.
        strategy: one by one, or as many as fit.
        max_bytes: the longest payload; 0 for no limit.

    Raises:
        InputError: a record alone is longer than a payload may be.
    """
    pending: list[Record] = []
    size = 0
    for record in records:
        alone = len(payload_body([record], split_type=split_type, strategy=strategy))
        if max_bytes and alone > max_bytes:
            raise InputError(
                f"Too much data for max payload size: a record has {alone} bytes, and MaxPayloadInMB allows {max_bytes}"
            )
        added = alone + (1 if pending and split_type is SplitType.LINE else 0)
        full = bool(max_bytes) and size + added > max_bytes
        if pending and (strategy is BatchStrategy.SINGLE_RECORD or full):
            yield pending
            pending, size, added = [], 0, alone
        pending.append(record)
        size += added
    if pending:
        yield pending


def payload_body(records: list[Record], *, split_type: SplitType, strategy: BatchStrategy) -> bytes:
    """What is sent for records: lines with newlines between; frames are kept, but for SingleRecord."""
    if split_type is SplitType.LINE:
        return b"\n".join(record.content for record in records)
    framed = strategy is BatchStrategy.MULTI_RECORD
    return b"".join(record.framed if framed else record.content for record in records)


def _whole(body: bytes) -> Iterator[Record]:
    yield Record(content=body, framed=body)


def _lines(body: bytes) -> Iterator[Record]:
    """Lines without their ends; empty ones are no records."""
    begin = 0
    while begin < len(body):
        end = body.find(b"\n", begin)
        end = len(body) if end < 0 else end
        content = body[begin:end].removesuffix(b"\r")
        if content.strip():
            yield Record(content=content, framed=content)
        begin = end + 1


def _recordio(body: bytes) -> Iterator[Record]:
    position = 0
    parts: list[bytes] = []
    begun = 0
    while position < len(body):
        if position + 8 > len(body):
            raise InputError("SplitType is RecordIO, but the object ends inside a frame")
        magic, word = struct.unpack_from("<II", body, position)
        if magic != _RECORDIO_MAGIC:
            raise InputError(f"SplitType is RecordIO, but byte {position} begins no RecordIO frame")
        length, part = word & _RECORDIO_LENGTH, word >> 29
        end = position + 8 + length
        if end > len(body):
            raise InputError("SplitType is RecordIO, but the object ends inside a frame")
        if part in (0, 1):
            parts, begun = [], position
        parts.append(body[position + 8 : end])
        position = min(len(body), end + (-length % 4))
        if part in (0, 3):
            # The parts of a record were cut where its content has the magic number.
            content = struct.pack("<I", _RECORDIO_MAGIC).join(parts)
            yield Record(content=content, framed=body[begun:position])


def _tfrecord(body: bytes) -> Iterator[Record]:
    position = 0
    while position < len(body):
        if position + _TFRECORD_HEADER > len(body):
            raise InputError("SplitType is TFRecord, but the object ends inside a frame")
        (length,) = struct.unpack_from("<Q", body, position)
        end = position + _TFRECORD_HEADER + length + _TFRECORD_FOOTER
        if end > len(body):
            raise InputError("SplitType is TFRecord, but the object ends inside a frame")
        content = body[position + _TFRECORD_HEADER : end - _TFRECORD_FOOTER]
        yield Record(content=content, framed=body[position:end])
        position = end


_SPLITTERS: Final = {
    SplitType.NONE: _whole,
    SplitType.LINE: _lines,
    SplitType.RECORDIO: _recordio,
    SplitType.TFRECORD: _tfrecord,
}
