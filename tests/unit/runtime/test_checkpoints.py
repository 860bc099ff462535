"""Checkpoints whose script changes them while they are uploaded."""

from pathlib import Path
from typing import cast

import pytest
from sagebridge.runtime.checkpoints import CheckpointSync
from sagebridge.runtime.s3 import S3Location, Storage


class Bucket:
    """S3, and what becomes of the directory before each upload to it."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.swap = lambda _: None

    def upload(self, path: Path, location: S3Location) -> None:
        self.swap(location.key)
        self.objects[location.key] = path.read_text()


@pytest.mark.parametrize("swapped", ["b/c", "b"], ids=["a file", "a directory"])
@pytest.mark.parametrize("when", ["k/a", "k/b/c"], ids=["before it is opened", "while it is uploaded"])
def test_what_becomes_a_link_meanwhile_is_not_followed(tmp_path: Path, swapped: str, when: str) -> None:
    directory, bucket = tmp_path / "checkpoints", Bucket()
    for name, text in (("checkpoints/a", "x"), ("checkpoints/b/c", "own"), ("b/c", "token")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def swap(key: str) -> None:
        if key == when:
            (directory / swapped).rename(tmp_path / "aside")
            (directory / swapped).symlink_to(tmp_path / swapped)

    bucket.swap = swap
    location = S3Location(bucket="b", key="k")
    CheckpointSync(storage=cast("Storage", bucket), location=location, directory=directory).sync()
    assert bucket.objects == {"k/a": "x"} | ({"k/b/c": "own"} if when == "k/b/c" else {})
