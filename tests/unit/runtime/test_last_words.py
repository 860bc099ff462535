"""The failure file of a container, which may be anything."""

import os
from pathlib import Path

import pytest
from sagebridge.runtime import last_words


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
