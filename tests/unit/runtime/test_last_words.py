"""The files in which a container says how it went, which may be anything."""

import os
from pathlib import Path

import pytest
from sagebridge.runtime import last_words
from sagebridge.runtime.failures import RunFailedError


@pytest.mark.parametrize(
    ("reason", "content", "want"),
    [
        ("a sentence", b"diverged", "diverged"),
        ("the first 1,024 characters, not bytes", "é".encode() * 2_000, "é" * 1_024),
        ("what is no text", b"a\xffb", "a\ufffdb"),
        ("nothing", b"", ""),
    ],
)
def test_a_file(tmp_path: Path, reason: str, content: bytes, want: str) -> None:
    path = tmp_path / "failure"
    path.write_bytes(content)
    assert last_words.read(path) == want, reason


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("token")
    (tmp_path / "link").symlink_to("secret")
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe")
    names = ("link", "directory", "pipe", "none")
    assert [last_words.read(tmp_path / name) for name in names] == ["", "", "", ""]


@pytest.mark.parametrize(
    ("reason", "content", "want"),
    [
        ("a sentence", b"summed 3", "summed 3"),
        ("the first kilobyte, in whole characters", "é".encode() * 511 + "𝕏".encode(), "é" * 511),
        ("a character at the end of what is looked at", b"x" * ((1 << 20) - 1) + "é".encode(), "x" * 1024),
        ("nothing", b"", ""),
    ],
)
def test_a_message(tmp_path: Path, reason: str, content: bytes, want: str) -> None:
    path = tmp_path / "message"
    path.write_bytes(content)
    assert last_words.message(path) == want, reason


@pytest.mark.parametrize("content", [b"a\xffb", b"x" * 2_000 + b"\xff", "é".encode()[:1]])
def test_a_message_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "message").write_bytes(content)
    with pytest.raises(RunFailedError) as raised:
        last_words.message(tmp_path / "message")
    assert raised.value.reason == "ClientError: The content of /opt/ml/output/message is not UTF-8 encoded"


def test_a_message_that_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("token")
    (tmp_path / "link").symlink_to("secret")
    assert [last_words.message(tmp_path / name) for name in ("link", "none")] == ["", ""]
