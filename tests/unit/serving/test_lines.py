"""Lines of a log stay whole, whoever writes at the same time."""

import io
import threading

import pytest
from sagebridge_local.serving.toolkit.lines import LineWriter


@pytest.fixture
def raw():
    return io.BytesIO()


@pytest.fixture
def writer(raw):
    stream = io.TextIOWrapper(raw, encoding="utf-8")
    yield LineWriter(stream)
    stream.detach()


def elsewhere(function, *args):
    thread = threading.Thread(target=function, args=args)
    thread.start()
    thread.join()


def test_a_line_that_another_thread_begins_stays_its_own(writer, raw):
    writer.write("after 20 ")
    elsewhere(writer.write, "POST /invocations\n")
    writer.write("rounds")
    writer.write("\n")

    assert raw.getvalue() == b"POST /invocations\nafter 20 rounds\n"


def test_what_follows_the_last_newline_waits_for_its_own(writer, raw):
    assert writer.write("one\ntwo\nthr") == 11
    assert raw.getvalue() == b"one\ntwo\n"
    writer.write("ee\n")
    assert raw.getvalue() == b"one\ntwo\nthree\n"


def test_flush_writes_what_is_begun(writer, raw):
    print("50 %", end="\r", file=writer, flush=True)
    assert raw.getvalue() == b"50 %\r"
    print("100 %", file=writer)
    assert raw.getvalue() == b"50 %\r100 %\n"


def test_bytes_can_be_written_beside_it(writer, raw):
    writer.buffer.write(b"\xff\n")
    assert raw.getvalue() == b"\xff\n"


def test_what_a_thread_leaves_unfinished_can_be_ended(writer, raw):
    writer.write("done")
    elsewhere(writer.end_line)
    assert raw.getvalue() == b""
    writer.end_line()
    writer.end_line()
    assert raw.getvalue() == b"done\n"


def test_a_line_is_out_at_once_though_the_stream_is_buffered(raw):
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")
    writer = LineWriter(stream)
    writer.write("done\n")
    assert raw.getvalue() == b"done\n"
    stream.detach()
