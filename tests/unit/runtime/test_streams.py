"""Content that one thread writes and another reads."""

from typing import BinaryIO

import pytest
from sagebridge.runtime.streams import Produced


def test_all_of_it_in_pieces_of_the_size_asked_for() -> None:
    content = bytes(range(256)) * 20_000

    def write(stream: BinaryIO) -> None:
        stream.writelines(content[start : start + 7_000] for start in range(0, len(content), 7_000))

    with Produced(write) as produced:
        pieces = [produced.read(1 << 20) for _ in range(6)]
    assert [len(piece) for piece in pieces] == [1 << 20] * 4 + [len(content) - (4 << 20), 0]
    assert b"".join(pieces) == content


@pytest.mark.parametrize("size", [-1, 10_000])
def test_what_is_cut_short_is_never_the_whole(size: int) -> None:
    def write(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError("the disk is gone")

    with Produced(write) as produced, pytest.raises(OSError, match="the disk is gone"):
        produced.read(size)


def test_a_writer_that_nobody_reads_is_ended() -> None:
    ended = []

    def write(stream: BinaryIO) -> None:
        try:
            while True:
                stream.write(b"0" * 100_000)
        finally:
            ended.append(True)

    with Produced(write) as produced:
        assert produced.read(1) == b"0"
    assert ended == [True]
