"""Makes the data of a job's channels appear below input/data of one host."""

from __future__ import annotations

import contextlib
import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

from sagebridge_local.runtime import inputs, recordio
from sagebridge_local.runtime.failures import RunFailedError
from sagebridge_local.runtime.pipe import PipeFeeder
from sagebridge_local.runtime.records import FILE_SYSTEMS
from sagebridge_local.runtime.s3 import S3Location, Storage, chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sagebridge_local.runtime.inputs import InputObject, Share

_PARALLEL_DOWNLOADS: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelSource:
    """A Channel of the request, and where its data comes from and goes to.

    Attributes:
        channel: The Channel, PascalCase.
        input_mode: Its InputMode, or the job's TrainingInputMode.
        directory: input/data of the host.
        share: The host's part of it.
        storage: S3.
        file_systems: File system id -> local directory.
        role: RoleArn, for the messages.
        region: The job's region, for the messages.
    """

    channel: Mapping[str, Any]
    input_mode: str
    directory: Path
    share: Share
    storage: Storage
    file_systems: Mapping[str, Path]
    role: str
    region: str

    @property
    def name(self) -> str:
        """ChannelName."""
        return cast("str", self.channel["ChannelName"])

    @property
    def s3(self) -> Mapping[str, Any] | None:
        """S3DataSource, if it is one."""
        return cast("Mapping[str, Any] | None", self.channel["DataSource"].get("S3DataSource"))

    @property
    def seed(self) -> int | None:
        """ShuffleConfig.Seed."""
        return cast("int | None", self.channel.get("ShuffleConfig", {}).get("Seed"))


def load(source: ChannelSource, *, on_error: Callable[[Exception], None]) -> PipeFeeder | None:
    """Download a channel's files, link its file system, or start its pipes. Blocks.

    Args:
        source: The channel.
        on_error: Called from the pipe's thread when a pipe's data can't be had.

    Returns:
        The feeder of a Pipe channel, which must be closed in the end; None for the other modes.

    Raises:
        RunFailedError: the data can't be had; the reason says which and why.
    """
    if source.s3 is None:
        _link_file_system(source)
        return None
    if source.input_mode == "Pipe":
        return _start_pipe(source, on_error=on_error)
    _download(source)
    return None


def _download(source: ChannelSource) -> None:
    directory = source.directory / source.name
    directory.mkdir(parents=True, exist_ok=True)
    objects = inputs.shuffled(source.share.of(_objects(source)), seed=source.seed, epoch=0)
    try:
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as executor:
            list(executor.map(lambda each: source.storage.download(each.location, directory / each.path), objects))
    except OSError as error:
        raise RunFailedError.client(f"Data download failed: channel {source.name}: {error}") from error


def _objects(source: ChannelSource) -> list[InputObject]:
    assert source.s3 is not None  # callers have seen to it
    location = S3Location.parse(source.s3["S3Uri"])
    match source.s3.get("S3DataType", "S3Prefix"):
        case "S3Prefix":
            found = inputs.prefix_objects(location, source.storage.keys(location))
        case "ManifestFile":
            found = inputs.manifest_objects(source.storage.read(location), uri=location.uri)
        case "AugmentedManifestFile":
            raise RunFailedError.client(f"Channel {source.name}: AugmentedManifestFile needs the input mode Pipe")
        case unknown:
            raise RunFailedError.client(f"Channel {source.name}: the S3DataType {unknown} is not known to local mode")
    if not found:
        raise RunFailedError.client(_no_objects(source, location))
    return found


def _no_objects(source: ChannelSource, location: S3Location) -> str:
    # AWS's text, seen in https://github.com/aws/amazon-sagemaker-examples/issues/2489
    return (
        f'Data download failed: No S3 objects found under S3 URL "{location.uri}" given in input data source. Please '
        f"ensure that the bucket exists in the selected region ({source.region}), that objects exist under that S3 "
        f'prefix, and that the role "{source.role}" has "s3:ListBucket" permissions on bucket "{location.bucket}".'
    )


def _link_file_system(source: ChannelSource) -> None:
    data_source = source.channel["DataSource"]
    file_system = data_source.get("FileSystemDataSource")
    if file_system is None:
        raise RunFailedError.client(f"Channel {source.name}: local mode can't read a {', '.join(data_source)}")
    identifier, path = file_system["FileSystemId"], file_system["DirectoryPath"]
    root = source.file_systems.get(identifier)
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
    objects = _objects(source)

    def epoch(number: int) -> Iterator[bytes]:
        # Shuffled before it is shared: another epoch may bring a host other objects.
        for each in source.share.of(inputs.shuffled(objects, seed=source.seed, epoch=number)):
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
