"""Which objects of S3 belong to a channel on one host, in which order, and under which names: pure.

Source of the rules: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html,
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html and
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ShuffleConfig.html
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import S3Location

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class InputObject:
    """An object, and its path below the channel's directory."""

    location: S3Location
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """Which part of a channel one host gets.

    Attributes:
        index: The host's place among those that get the channel, from 0.
        count: How many hosts get the channel.
        sharded: Whether they share it (ShardedByS3Key) instead of each getting all of it.
    """

    index: int = 0
    count: int = 1
    sharded: bool = False

    def of(self, items: Sequence[T]) -> list[T]:
        """This host's items: all of them, or each count-th."""
        return list(items[self.index :: self.count]) if self.sharded else list(items)


def relative_path(key: str, prefix: str) -> str:
    """Where an object found by a prefix lies in the channel's directory.

    A prefix that ends inside a name (s3://b/data/train) keeps the whole last part: train.csv, train/a.csv. A prefix
    that is the key, or a folder, gives the file's name, or the rest.

    Raises:
        RunFailedError: the key leads out of the directory.
    """
    if prefix.endswith("/") or not prefix:
        rest = key[len(prefix) :]
    elif key.startswith(f"{prefix}/"):
        rest = key[len(prefix) + 1 :]
    else:
        rest = key[prefix.rfind("/") + 1 :]
    parts = PurePosixPath(rest).parts
    if not parts or ".." in parts or rest.startswith("/") or "\0" in rest:
        raise RunFailedError.client(f"Data download failed: the key {key!r} can't be a file's name in a channel")
    return str(PurePosixPath(*parts))


def prefix_objects(prefix: S3Location, keys: Sequence[str]) -> list[InputObject]:
    """The objects of an S3Prefix channel, in S3's order."""
    return [
        InputObject(location=S3Location(bucket=prefix.bucket, key=key), path=relative_path(key, prefix.key))
        for key in keys
    ]


def manifest_objects(content: bytes, *, uri: str) -> list[InputObject]:
    """The objects that a ManifestFile lists: `[{"prefix": "s3://..."}, "a", "b"]`.

    Raises:
        RunFailedError: it is not such a list.
    """
    try:
        head, *names = json.loads(content)
        prefix = head["prefix"]
    except (ValueError, TypeError, KeyError) as error:
        raise RunFailedError.client(f"Data download failed: {uri} is not a manifest: {error}") from error
    if not names or not all(isinstance(name, str) for name in names):
        raise RunFailedError.client(f"Data download failed: {uri} is not a manifest: no list of names after the prefix")
    base = S3Location.parse(prefix)
    return [
        InputObject(
            location=S3Location(bucket=base.bucket, key=base.key + name), path=relative_path(base.key + name, base.key)
        )
        for name in names
    ]


def augmented_records(content: bytes, *, uri: str) -> list[Mapping[str, Any]]:
    """The lines of an AugmentedManifestFile.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/augmented-manifest.html

    Raises:
        RunFailedError: a line is not a JSON object.
    """
    records: list[Mapping[str, Any]] = []
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise RunFailedError.client(f"Data download failed: line {number} of {uri} is not a JSON object")
        records.append(record)
    return records


def shuffled(items: Sequence[T], *, seed: int | None, epoch: int) -> list[T]:
    """The order of one epoch: another one in each when there is a ShuffleConfig, but the same again for that seed."""
    order = list(items)
    if seed is not None:
        random.Random(seed + epoch).shuffle(order)  # noqa: S311 - an order, not a secret
    return order
