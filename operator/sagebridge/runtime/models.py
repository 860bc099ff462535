"""Brings models from S3 to where a container that serves looks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import S3Location, Storage
from sagebridge.runtime.source import unpack

if TYPE_CHECKING:
    from pathlib import Path

MODEL_LIMIT_BYTES: Final = 64 * 1024**3


def bring(uri: str, directory: Path, *, storage: Storage, is_prefix: bool, is_archive: bool) -> None:
    """Fill a directory with a model. Blocks.

    Args:
        uri: an s3:// URI.
        directory: where to; it is made.
        storage: S3.
        is_prefix: whether the URI is a key prefix, below which everything belongs to the model.
        is_archive: whether the object is a .tar.gz to be unpacked.

    Raises:
        RunFailedError: it is not in S3, is no archive, or would leave the directory.
        OSError: the disk is full.
    """
    directory.mkdir(parents=True, exist_ok=True)
    location = S3Location.parse(uri)
    if is_prefix:
        _bring_prefix(location, directory, storage=storage)
    elif is_archive:
        _bring_archive(location, directory, storage=storage)
    else:
        storage.download(location, directory / location.key.rpartition("/")[2])


def _bring_archive(location: S3Location, directory: Path, *, storage: Storage) -> None:
    archive = directory.with_name(f"{directory.name}.tar.gz")
    try:
        storage.download(location, archive)
        unpack(archive, directory, limit_bytes=MODEL_LIMIT_BYTES, what="model archive", check=storage.check)
    finally:
        archive.unlink(missing_ok=True)


def _bring_prefix(location: S3Location, directory: Path, *, storage: Storage) -> None:
    keys = storage.keys(location)
    if not keys:
        raise RunFailedError.client("no object has this prefix")
    for key in keys:
        target = directory / key.removeprefix(location.key).lstrip("/")
        if not target.resolve().is_relative_to(directory.resolve()):
            raise RunFailedError.client(f"the key {key} leads out of the model's directory")
        storage.download(S3Location(bucket=location.bucket, key=key), target)
