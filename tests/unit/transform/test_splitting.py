"""Objects, records and payloads."""

import gzip
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge.runtime.transform.splitting import (
    BatchStrategy,
    InputError,
    SplitType,
    decompress,
    payload_body,
    payloads,
    split,
)
from sagebridge_local.runtime.recordio import record

MULTI, SINGLE = BatchStrategy.MULTI_RECORD, BatchStrategy.SINGLE_RECORD


def tfrecord(content: bytes) -> bytes:
    return struct.pack("<QI", len(content), 1) + content + struct.pack("<I", 2)


def sent(body: bytes, split_type: SplitType, strategy: BatchStrategy, max_bytes: int = 0) -> list[bytes]:
    batches = payloads(split(body, split_type), split_type=split_type, strategy=strategy, max_bytes=max_bytes)
    return [payload_body(batch, split_type=split_type, strategy=strategy) for batch in batches]


FRAMES = record(b"one") + record(b"three")
TF = tfrecord(b"one") + tfrecord(b"")


@pytest.mark.parametrize(
    ("reason", "body", "split_type", "strategy", "max_bytes", "want"),
    [
        ("the whole object is one payload", b"a\nb\n", SplitType.NONE, MULTI, 6, [b"a\nb\n"]),
        ("an empty object asks nothing", b"", SplitType.NONE, MULTI, 6, []),
        ("lines go together", b"a\nb\nc", SplitType.LINE, MULTI, 0, [b"a\nb\nc"]),
        ("as many as fit, with their newlines", b"aa\nbb\ncc\n", SplitType.LINE, MULTI, 5, [b"aa\nbb", b"cc"]),
        ("one too many by its newline", b"aa\nbb\n", SplitType.LINE, MULTI, 4, [b"aa", b"bb"]),
        ("one by one", b"a\nb\n", SplitType.LINE, SINGLE, 0, [b"a", b"b"]),
        ("ends of lines as in Windows", b"a\r\nb\r\n", SplitType.LINE, MULTI, 0, [b"a\nb"]),
        ("empty lines are no records", b"a\n\n\nb\n", SplitType.LINE, SINGLE, 0, [b"a", b"b"]),
        ("frames stay with MultiRecord", FRAMES, SplitType.RECORDIO, MULTI, 0, [FRAMES]),
        ("frames go with SingleRecord", FRAMES, SplitType.RECORDIO, SINGLE, 0, [b"one", b"three"]),
        ("TFRecord's frames stay too", TF, SplitType.TFRECORD, MULTI, 0, [TF]),
        ("TFRecord's frames go too", TF, SplitType.TFRECORD, SINGLE, 0, [b"one", b""]),
    ],
)
def test_what_the_model_is_sent(
    reason: str, body: bytes, split_type: SplitType, strategy: BatchStrategy, max_bytes: int, want: list[bytes]
) -> None:
    assert sent(body, split_type, strategy, max_bytes) == want, reason


@pytest.mark.parametrize(
    ("body", "split_type", "message"),
    [
        (b"abcdefg", SplitType.NONE, "Too much data for max payload size"),
        (b"a\nabcdefg\n", SplitType.LINE, "Too much data for max payload size"),
        (b"no frame", SplitType.RECORDIO, "begins no RecordIO frame"),
        (b"no", SplitType.RECORDIO, "ends inside a frame"),
        (FRAMES[:-5], SplitType.RECORDIO, "ends inside a frame"),
        (TF[:-1], SplitType.TFRECORD, "ends inside a frame"),
        (b"short", SplitType.TFRECORD, "ends inside a frame"),
    ],
)
def test_what_can_not_be_sent(body: bytes, split_type: SplitType, message: str) -> None:
    limit = 6 if split_type in (SplitType.NONE, SplitType.LINE) else 0
    with pytest.raises(InputError, match=message):
        sent(body, split_type, MULTI, limit)


def test_a_record_that_was_cut_at_the_magic_number_is_whole_again() -> None:
    magic = struct.pack("<I", 0xCED7230A)
    first = struct.pack("<II", 0xCED7230A, 1 << 29 | 4) + b"head"
    last = struct.pack("<II", 0xCED7230A, 3 << 29 | 4) + b"tail"
    assert sent(first + last, SplitType.RECORDIO, SINGLE) == [b"head" + magic + b"tail"]


def test_gzip_is_unpacked_and_what_is_none_is_refused() -> None:
    assert decompress(gzip.compress(b"a\n"), compression="Gzip") == b"a\n"
    assert decompress(b"a\n", compression="None") == b"a\n"
    with pytest.raises(InputError, match="can't be unpacked"):
        decompress(b"a\n", compression="Gzip")


LINES = st.lists(st.binary(min_size=1, max_size=9).filter(lambda line: line.strip() and not {10, 13} & set(line)))


@given(lines=LINES, max_bytes=st.integers(9, 40), strategy=st.sampled_from(BatchStrategy))
def test_no_line_is_lost_and_no_payload_too_long(lines: list[bytes], max_bytes: int, strategy: BatchStrategy) -> None:
    bodies = sent(b"\n".join(lines), SplitType.LINE, strategy, max_bytes)
    assert [line for body in bodies for line in body.split(b"\n")] == lines
    assert all(len(body) <= max_bytes for body in bodies)
    # As many as fit: no two neighbours would have fit into one.
    if strategy is MULTI:
        firsts = [body.split(b"\n")[0] for body in bodies[1:]]
        assert all(len(one) + 1 + len(first) > max_bytes for one, first in zip(bodies, firsts, strict=False))


def test_records_are_not_in_memory_all_at_once() -> None:
    """The first is there before anybody has looked at what comes behind it."""
    records = split(TF + b"broken", SplitType.TFRECORD)
    assert next(records).content == b"one"
    assert next(records).content == b""
    with pytest.raises(InputError, match="ends inside a frame"):
        next(records)
