"""Makes the data of a job's channels appear below input/data of one host."""

from __future__ import annotations

import contextlib
import gzip
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from sagebridge.runtime import inputs
from sagebridge.runtime.channels import ChannelSource, download, objects
from sagebridge.runtime.failures import RunFailedError
from sagebridge.runtime.s3 import S3Location, chunks

from sagebridge_local.runtime import recordio
from sagebridge_local.runtime.pipe import PipeFeeder
from sagebridge_local.runtime.records import FILE_SYSTEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path


def load(
    source: ChannelSource, *, file_systems: Mapping[str, Path], on_error: Callable[[Exception], None]
) -> PipeFeeder | None:
    """Download a channel's files, link its file system, or start its pipes. Blocks.

    Args:
        source: The channel.
        file_systems: File system id -> local directory.
        on_error: Called from the pipe's thread when a pipe's data can't be had.

    Returns:
        The feeder of a Pipe channel, which must be closed in the end; None for the other modes.

    Raises:
        RunFailedError: the data can't be had; the reason says which and why.
    """
    if source.s3 is None:
        _link_file_system(source, file_systems)
        return None
    if source.input_mode == "Pipe":
        return _start_pipe(source, on_error=on_error)
    download(source)
    return None


def _link_file_system(source: ChannelSource, file_systems: Mapping[str, Path]) -> None:
    data_source = source.channel["DataSource"]
    file_system = data_source.get("FileSystemDataSource")
    if file_system is None:
        raise RunFailedError.client(f"Channel {source.name}: local mode can't read a {', '.join(data_source)}")
    identifier, path = file_system["FileSystemId"], file_system["DirectoryPath"]
    root = file_systems.get(identifier)
    if root is None:
        raise RunFailedError.client(
            f"Channel {source.name}: no local directory stands for the file system {identifier}. "
            f"Start local mode with {FILE_SYSTEMS}={identifier}=DIRECTORY in its environment"
        )
    parts = PurePosixPath(path).relative_to("/").parts if path.startswith("/") else PurePosixPath(path).parts
    target = root.joinpath(*parts)
    if ".." in parts or not target.is_dir():
        raise RunFailedError.client(f"Channel {source.name}: {identifier} has no directory {path} (locally {target})")
    source.directory.mkdir(parents=True, exist_ok=True)
    (source.directory / source.name).symlink_to(target.resolve(), target_is_directory=True)


def _start_pipe(source: ChannelSource, *, on_error: Callable[[Exception], None]) -> PipeFeeder:
    source.directory.mkdir(parents=True, exist_ok=True)
    assert source.s3 is not None  # load has seen to it
    augmented = source.s3.get("S3DataType") == "AugmentedManifestFile"
    epoch = _augmented_epochs(source) if augmented else _object_epochs(source)
    feeder = PipeFeeder(directory=source.directory, channel=source.name, epoch=epoch, on_error=on_error)
    feeder.start()
    return feeder


def _object_epochs(source: ChannelSource) -> Callable[[int], Iterator[bytes]]:
    found = objects(source)

    def epoch(number: int) -> Iterator[bytes]:
        # Shuffled before it is shared: another epoch may bring a host other objects.
        for each in source.share.of(inputs.shuffled(found, seed=source.seed, epoch=number)):
            with contextlib.closing(_content(source, each.location)) as stream:
                yield from _framed(source, stream)

    return epoch


def _augmented_epochs(source: ChannelSource) -> Callable[[int], Iterator[bytes]]:
    assert source.s3 is not None  # load has seen to it
    location = S3Location.parse(source.s3["S3Uri"])
    records = inputs.augmented_records(source.storage.read(location), uri=location.uri)
    names = source.s3.get("AttributeNames", ())

    def epoch(number: int) -> Iterator[bytes]:
        for record in source.share.of(inputs.shuffled(records, seed=source.seed, epoch=number)):
            for name in names:
                content = _attribute(source, record, name)
                yield recordio.record(content) if _wraps(source) else content

    return epoch


def _attribute(source: ChannelSource, record: Mapping[str, Any], name: str) -> bytes:
    if name not in record:
        raise RunFailedError.client(f"Data download failed: channel {source.name}: a record has no attribute {name!r}")
    value = record[name]
    if name.endswith("-ref"):
        return source.storage.read(S3Location.parse(value))
    return (value if isinstance(value, str) else json.dumps(value)).encode()


def _content(source: ChannelSource, location: S3Location) -> BinaryIO:
    stream = source.storage.open(location)
    if source.channel.get("CompressionType") == "Gzip":
        return cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb"))
    return stream


def _framed(source: ChannelSource, stream: BinaryIO) -> Iterator[bytes]:
    return iter((recordio.record(stream.read()),)) if _wraps(source) else chunks(stream)


def _wraps(source: ChannelSource) -> bool:
    return source.channel.get("RecordWrapperType") == "RecordIO"
