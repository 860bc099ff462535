"""Bytes to lines, lines to batches."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sagebridge_local.runtime.lines import LineSplitter
from sagebridge_local.runtime.logs import LogLine, batches, stream_name


@given(text=st.text(st.characters(blacklist_characters="\r", codec="utf-8")), cuts=st.lists(st.integers(0, 200)))
def test_chunks_do_not_matter(text: str, cuts: list[int]) -> None:
    content = text.encode()
    places = [0, *sorted(cut for cut in cuts if cut <= len(content)), len(content)]
    splitter = LineSplitter()
    lines = [line for start, end in itertools.pairwise(places) for line in splitter.feed(content[start:end])]
    assert "\n".join([*lines, *(splitter.close() or [""])]) == text


@pytest.mark.parametrize(
    ("reason", "chunks", "want"),
    [
        ("a long line is cut once", [b"x" * 30, b"x" * 30, b"\nshort\n"], ["x" * 9 + " [line cut]", "short"]),
        ("bytes that are no UTF-8", [b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ("the ends of Windows", [b"a\r\nb\r\n"], ["a", "b"]),
        ("a character between chunks", ["ä".encode()[:1], "ä".encode()[1:] + b"\n"], ["ä"]),
    ],
)
def test_odd_bytes(reason: str, chunks: list[bytes], want: list[str]) -> None:
    splitter = LineSplitter(limit=20)
    assert [line for chunk in chunks for line in splitter.feed(chunk)] == want, reason


def _line(text: str, timestamp: int = 1) -> LogLine:
    return LogLine(timestamp=timestamp, text=text)


def test_batches_keep_the_limits_of_the_service() -> None:
    many = list(batches(_line("x") for _ in range(25_000)))
    assert [len(batch) for batch in many] == [10_000, 10_000, 5_000]
    large = list(batches(_line("ä" * 100_000) for _ in range(12)))
    assert [len(batch) for batch in large] == [5, 5, 2]


def test_events_are_in_order_and_never_empty() -> None:
    (batch,) = batches([_line("a", 5), _line("", 6), _line("b", 3), _line("c", 9)])
    assert batch == [
        {"timestamp": 5, "message": "a"},
        {"timestamp": 5, "message": "b"},
        {"timestamp": 9, "message": "c"},
    ]


def test_stream_name() -> None:
    assert stream_name("job", "algo-2", epoch_seconds=1700000000) == "job/algo-2-1700000000"
